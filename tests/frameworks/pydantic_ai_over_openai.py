"""Pydantic AI: its agents, tools and calls through its own instrumentation, with OpenAI's calls inside counted once."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

import tracer

SURFACE = ("Agent", "Agent, with its own instrumentation")
"""On the page of coverage: alone, and with what else records."""


def agent(server) -> Agent:
    helper = Agent(
        OpenAIChatModel("gpt-4o", provider=OpenAIProvider(base_url=server.base_url, api_key="k")), name="helper"
    )

    @helper.tool_plain
    def opening_hours(day: str) -> str:
        """The opening hours of a day."""
        with tracer.span("look up"):
            return f"{day}: 9 to 5"

    return helper


@pytest.mark.parametrize("also", [(), ("pydantic_ai",)], ids=["alone", "with its own instrumentation"])
@pytest.mark.parametrize("way", ["whole", "stream"])
async def test_pydantic_ai(server, model_calls, counted_once, record_property, also, way) -> None:
    record_property("covers", ("pydantic-ai-slim over openai", SURFACE[bool(also)], "async", way, "once"))
    tracer.instrument("openai", *also)
    question = "What are the opening hours on Sunday? Use opening_hours."
    if way == "whole":
        await agent(server).run(question)
    else:
        async with agent(server).run_stream(question) as run:
            _ = [text async for text in run.stream_text()]
    counted_once()
    assert len(model_calls()) == len(server.requests) * (1 + len(also))


def test_its_agents_calls_and_tools_nest_with_ours(server, spans, outline) -> None:
    tracer.instrument("openai", "pydantic_ai")
    with tracer.span("mine"):
        agent(server).run_sync("What are the opening hours on Sunday?")
    lines = outline()
    assert lines[:4] == ["mine", "  invoke_agent helper", "    chat gpt-4o", "      chat gpt-4o"]
    asked = spans()[1]
    assert (asked.kind, asked.dialect) == ("agent", "logfire")
    assert asked.input[-1]["parts"] == [{"type": "text", "content": "What are the opening hours on Sunday?"}]


def test_what_the_program_has_switched_on_stays_its_own(server, provider, model_calls) -> None:
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))
    try:
        tracer.instrument("pydantic_ai")
        agent(server).run_sync("hello")
    finally:
        Agent.instrument_all(False)
    assert len(exporter.get_finished_spans()) == len(server.requests) + 1
    assert len(model_calls()) == len(server.requests)
