"""Other SDKs come in through instrumentors of others, and cost nothing where the program does not use them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry import trace as otel
from opentelemetry._logs import LogRecord

import programs
import tracer
from tracer.demo.server import LoopbackServer
from tracer.errors import IntegrationNotInstalled, UnknownIntegration
from tracer.integrations import instrumentors
from tracer.otel.provider import EventProvider, TracerProvider
from tracer.span_row import SpanRow

pytestmark = pytest.mark.usefixtures("store_path")

Spans = Callable[[], list[SpanRow]]
Outline = Callable[[], list[str]]

LAZY = """
    import sys
    sys.path.pop(0)  # the checkout, where `tracer` lacks its integrations
    import tracer
    names = tracer.instrument()
    assert {"openai", "langchain"} <= set(names), names
    assert not {"openai", "langchain_core"} & set(sys.modules), "nothing was imported"
    import openai
    assert "exec_module" not in vars(openai.__loader__)
    from langchain_core.runnables import RunnableLambda
    from langchain_core.vectorstores import VectorStore
    assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("tracer")]
    RunnableLambda(lambda text: text, name="echo").invoke("hi")
    client = openai.OpenAI(base_url=sys.argv[1], api_key="k")
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
"""


def test_a_library_is_recorded_from_its_import_on_and_not_imported_for_it(
    store_path: Path, server: LoopbackServer, outline: Outline
) -> None:
    programs.run(LAZY, store_path, server.base_url)
    assert outline() == ["echo", "chat gpt-4o"]


def test_what_was_switched_off_before_its_import_stays_off(store_path: Path, spans: Spans) -> None:
    program = """
        import sys
        sys.path.pop(0)
        import tracer
        tracer.instrument()
        tracer.uninstrument()
        from langchain_core.runnables import RunnableLambda
        RunnableLambda(lambda text: text, name="echo").invoke("hi")
    """
    programs.run(program, store_path)
    assert spans() == []


def test_what_is_missing_is_said_with_what_to_install() -> None:
    with pytest.raises(UnknownIntegration, match=r"no integration 'antropic'; there are openai, .*anthropic"):
        tracer.instrument("antropic")
    name = next(name for name in instrumentors.LIBRARIES if not instrumentors.is_installed(name))
    with pytest.raises(IntegrationNotInstalled, match=f"record '{name}': {instrumentors.advice(name)}"):
        tracer.instrument(name)


@pytest.fixture
def theirs() -> otel.Tracer:
    """A tracer as an instrumentor gets it from us."""
    return TracerProvider().get_tracer("an.instrumentor")


def test_its_spans_nest_with_ours_across_tasks(theirs: otel.Tracer, outline: Outline) -> None:
    async def one(name: str) -> None:
        with theirs.start_as_current_span(f"their {name}"):
            await asyncio.sleep(0)
            with tracer.span(f"our {name}"):
                await asyncio.sleep(0)
                detached = theirs.start_span(f"detached {name}")
                with otel.use_span(detached, end_on_exit=True), tracer.span("innermost"):
                    pass

    async def main() -> None:
        with tracer.span("mine"):
            await asyncio.gather(one("a"), one("b"))

    asyncio.run(main())
    lines = outline()
    assert sorted(lines) == sorted(
        ["mine"]
        + [f"  their {n}" for n in "ab"]
        + [f"    our {n}" for n in "ab"]
        + [f"      detached {n}" for n in "ab"]
        + ["        innermost"] * 2
    )


def test_a_call_that_fails_is_an_error_and_raises_as_before(theirs: otel.Tracer, spans: Spans) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic"}

    def call() -> None:
        with theirs.start_as_current_span("chat claude", attributes=attributes):
            raise LookupError("no such model")

    with pytest.raises(LookupError, match="no such model"):
        call()
    (row,) = spans()
    assert (row.kind, row.status, row.error_type) == ("llm", "ERROR", "LookupError")
    assert (row.scope_name, row.provider) == ("an.instrumentor", "anthropic")


def test_messages_that_it_logs_belong_to_the_span_around_them(theirs: otel.Tracer, spans: Spans) -> None:
    logger = EventProvider().get_logger("an.instrumentor")
    with theirs.start_as_current_span("chat", attributes={"gen_ai.system": "anthropic"}):
        logger.emit(LogRecord(event_name="gen_ai.user.message", body={"content": "hi"}))
    logger.emit(LogRecord(event_name="gen_ai.user.message", body={"content": "nobody's"}))
    (row,) = spans()
    assert row.input == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_programs_own_spans_inside_keep_their_parents(store_path: Path, enabled: bool) -> None:
    program = """
        import json, sys, tracer
        from opentelemetry import propagate, trace as otel
        from opentelemetry.sdk.trace import TracerProvider as SdkProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from tracer.otel.provider import TracerProvider

        tracer.configure(enabled=sys.argv[1] == "True")
        exporter, provider = InMemorySpanExporter(), SdkProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        otel.set_tracer_provider(provider)
        mine, instrumentors = provider.get_tracer("mine"), TracerProvider().get_tracer("an.instrumentor")
        headers = {}
        with mine.start_as_current_span("request") as request:
            with instrumentors.start_as_current_span("chat"):
                propagate.inject(headers)
                with mine.start_as_current_span("http"):
                    pass
        http, _ = exporter.get_finished_spans()
        expected = request.get_span_context()
        sent = f"{expected.span_id:016x}" in headers["traceparent"]
        print(json.dumps([http.parent.span_id == expected.span_id, sent]))
    """
    assert json.loads(programs.run(program, store_path, enabled).stdout) == [True, True]
