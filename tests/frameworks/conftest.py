"""Each file here runs in environments of its own (`make test-frameworks`), with the packages of a .txt beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from scripted import WireServer

import tracer
from tracer.demo.server import LoopbackServer
from tracer.integrations import instrumentors
from tracer.recorder import RECORDER
from tracer.rows import MODEL_CALL_KINDS
from tracer.span_row import SpanRow
from tracer.store import Store
from tracer.store.absorb import absorb

ASKED = [{"role": "user", "content": "When do you open on Sunday?"}]


def through(name: str) -> str:
    """What the page of coverage calls an SDK that `instrument(name)` records: it, and the package that does."""
    packages = map(installed, instrumentors.LIBRARIES[name].instrumentors)
    return f"{instrumentors.LIBRARIES[name].sdk} through {next(filter(None, packages))}"


def said(messages: Any) -> list[tuple[str, list[Any]]]:
    """Who says which texts in messages as they are recorded."""
    return [(message["role"], [part["content"] for part in message["parts"]]) for message in messages]


def installed(package: str) -> str | None:
    try:
        return distribution(package).name
    except PackageNotFoundError:
        return None


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    """A provider of the user's, with our processor."""
    provider = TracerProvider()
    provider.add_span_processor(tracer.TracerSpanProcessor())
    yield provider
    provider.shutdown()


@pytest.fixture
def wire() -> Iterator[WireServer]:
    """A server that answers as a test says."""
    with WireServer() as running:
        yield running


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
