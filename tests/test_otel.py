"""OpenTelemetry at both doors: the user's own telemetry stays as it is, its spans come in, and ours go out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import programs
from tracer import TracerSpanProcessor, configure, span, trace
from tracer.span_row import SpanRow

Spans = Callable[[], list[SpanRow]]
Outline = Callable[[], list[str]]

SAMPLED_APPLICATION = """
    import json, random, sys
    from opentelemetry import propagate, trace as otel
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    class CountingIds(IdGenerator):
        random = random.Random(7)
        def generate_trace_id(self): return self.random.getrandbits(128)
        def generate_span_id(self): return self.random.getrandbits(64)

    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(0.05)), id_generator=CountingIds())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    application = provider.get_tracer("application")
    headers = []

    if sys.argv[1] == "without":
        def trace(function): return function
    else:
        from tracer import span, trace
    if sys.argv[1] == "inside":  # as `tracer run` does, before the program has set up anything
        span("run").__enter__()
    otel.set_tracer_provider(provider)

    def call_out():
        carrier = {}
        propagate.inject(carrier)
        headers.append(carrier.get("traceparent"))

    @trace
    def handle():
        call_out()
        with application.start_as_current_span("inner"):
            call_out()
            deeper()

    @trace
    def deeper():
        call_out()
        with application.start_as_current_span("innermost"):
            call_out()

    for _ in range(400):
        handle()
        with application.start_as_current_span("request"):
            handle()

    exported = [
        (s.name, s.context.trace_id, s.context.span_id, s.parent and s.parent.span_id, s.context.trace_flags)
        for s in exporter.get_finished_spans()
    ]
    print(json.dumps([exported, headers]))
"""


@pytest.mark.parametrize("how", ["with", "inside"])
def test_a_sampled_application_exports_and_sends_the_same_with_and_without_us(
    store_path: Path, spans: Spans, how: str
) -> None:
    def run(how: str) -> tuple[list[object], list[object]]:
        exported, headers = json.loads(programs.run(SAMPLED_APPLICATION, store_path, how).stdout)
        return exported, headers

    without, with_us = run("without"), run(how)
    assert with_us == without
    assert 0 < len(without[0]) < 400 * 5 * 0.3  # sampled: few of the 2,000 spans
    assert len(spans()) == 400 * 4 + (how == "inside")


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(TracerSpanProcessor())
    yield provider
    provider.shutdown()


def test_spans_of_a_provider_come_in_and_nest_with_ours(provider: TracerProvider, outline: Outline) -> None:
    theirs = provider.get_tracer("theirs")
    with span("ours"), theirs.start_as_current_span("theirs"):
        with span("ours again"), theirs.start_as_current_span("theirs again"):
            pass
        with theirs.start_as_current_span("sibling"):
            pass
    with theirs.start_as_current_span("their root"), span("inside"):
        pass
    assert outline() == [
        "ours",
        "  theirs",
        "    ours again",
        "      theirs again",
        "    sibling",
        "their root",
        "  inside",
    ]


def test_the_genai_attributes_of_foreign_spans_become_columns(provider: TracerProvider, spans: Spans) -> None:
    messages = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-x",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.input.messages": json.dumps(messages),
    }

    def call() -> None:
        with provider.get_tracer("vendor").start_as_current_span("chat claude-x", attributes=attributes):
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        call()
    (row,) = spans()
    assert (row.kind, row.operation, row.provider, row.request_model) == ("llm", "chat", "anthropic", "claude-x")
    assert (row.input_tokens, row.cached_tokens, row.output_tokens, row.usage_source) == (12, 4, None, "api")
    assert (row.finish_reasons, row.ttft_ns, row.request_parameters) == (["stop"], 250_000_000, {"temperature": 0.5})
    assert row.input == messages
    assert (row.scope_name, row.dialect) == ("vendor", "genai")
    assert row.attributes["gen_ai.input.messages"] == json.dumps(messages)
    assert (row.status, row.error_type) == ("ERROR", "ValueError")


def test_a_new_root_takes_the_trace_id_of_the_span_around_it(spans: Spans) -> None:
    with TracerProvider().get_tracer("unseen").start_as_current_span("request") as around:
        context = around.get_span_context()
        with span("ours"):
            pass
    (row,) = spans()
    assert (row.trace_id, row.parent_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_our_spans_go_out_through_the_users_exporter(spans: Spans) -> None:
    exporter = InMemorySpanExporter()
    configure(processors=[SimpleSpanProcessor(exporter)])

    @trace(kind="tool")
    def look_up(key: str) -> dict[str, str]:
        raise LookupError(f"no {key}")

    with span("chat gpt", kind="llm", operation="chat", provider="openai", input_tokens=3, tags=["t"]) as chat:
        chat.set(input=[{"role": "user", "parts": []}], request_parameters={"temperature": 0.1})
        assert otel.get_current_span() is chat
        with pytest.raises(LookupError):
            look_up("sk-proj-abcdefghijklmnop1234")
    tool, model_call = exporter.get_finished_spans()
    assert tool.parent is not None
    assert model_call.context is not None
    assert tool.parent.span_id == model_call.context.span_id
    assert dict(model_call.attributes or {}) == {
        "tracer.kind": "llm",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.request.temperature": 0.1,
        "gen_ai.input.messages": '[{"role":"user","parts":[]}]',
    }
    assert tool.status.description == "no [redacted:api-key]"
    assert tool.events[0].name == "exception"
    assert "abcdefghijklmnop" not in tool.to_json()
