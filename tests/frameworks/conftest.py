"""Each file here runs in environments of its own (`make test-frameworks`), with the packages of a .txt beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

import tracer
from tracer.demo.server import LoopbackServer
from tracer.recorder import RECORDER
from tracer.rows import MODEL_CALL_KINDS
from tracer.span_row import SpanRow
from tracer.store import Store
from tracer.store.absorb import absorb

ASKED = [{"role": "user", "content": "When do you open on Sunday?"}]


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    """A provider of the user's, with our processor."""
    provider = TracerProvider()
    provider.add_span_processor(tracer.TracerSpanProcessor())
    yield provider
    provider.shutdown()


@pytest.fixture
def model_calls(spans: Callable[[], list[SpanRow]]) -> Callable[[], list[SpanRow]]:
    """The spans of model calls, whoever recorded them."""
    return lambda: [row for row in spans() if row.kind in MODEL_CALL_KINDS]


@pytest.fixture
def counted_once(
    store_path: Path, store: Store, server: LoopbackServer, model_calls: Callable[[], list[SpanRow]]
) -> Callable[[], None]:
    """Assert that the totals of all traces are those of the requests that the server got."""

    def check() -> None:
        RECORDER.writer.seal()
        absorb(store_path)  # which also counts the tokens that no usage told
        requests = [row for row in model_calls() if row.scope_name == "tracer" and row.attributes.get("server.address")]
        assert len(requests) == len(server.requests) > 0
        (total,) = store.sql(
            "select sum(model_call_count) as calls, sum(input_tokens) as input, sum(output_tokens) as output, "
            "sum(tokens_unknown_calls) as unknown from traces"
        )
        assert {name: value or 0 for name, value in total.items()} == {
            "calls": len(requests),
            "input": sum(row.input_tokens or 0 for row in requests),
            "output": sum(row.output_tokens or 0 for row in requests),
            "unknown": 0,
        }

    return check
