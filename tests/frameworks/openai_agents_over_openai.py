"""OpenAI's Agents SDK: agents, tools and handoffs through an instrumentor, OpenAI's calls inside counted once."""

from __future__ import annotations

import agents
import openai
import pytest

import tracer

SURFACE = ("Runner", "Runner, beside its instrumentor")
"""On the page of coverage: alone, and with what else records."""


@agents.function_tool
def opening_hours(day: str) -> str:
    """The opening hours of a day."""
    with tracer.span("look up"):
        return f"{day}: 9 to 5"


def helper(server, api: str) -> agents.Agent:
    kind = agents.OpenAIResponsesModel if api == "responses" else agents.OpenAIChatCompletionsModel
    client = openai.AsyncOpenAI(base_url=server.base_url, api_key="k")
    return agents.Agent(name="helper", model=kind("gpt-4o", client), tools=[opening_hours])


@pytest.mark.parametrize("also", [(), ("openai_agents",)], ids=["alone", "beside its instrumentor"])
@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize("way", ["whole", "stream"])
async def test_agents(server, model_calls, counted_once, record_property, also, api, way) -> None:
    record_property("covers", ("openai-agents over openai", SURFACE[bool(also)], "async", f"{api} {way}", "once"))
    agents.set_trace_processors([])  # its own exporter would send to OpenAI
    assert {*tracer.instrument("openai", *also)} == {"openai", *also}
    question = "What are the opening hours on Sunday? Use opening_hours."
    if way == "whole":
        await agents.Runner.run(helper(server, api), question)
    else:
        run = agents.Runner.run_streamed(helper(server, api), question)
        _ = [event async for event in run.stream_events()]
    counted_once()
    # OpenTelemetry's instrumentor leaves the calls to others, OpenInference's tells them around ours.
    assert len(model_calls()) in (len(server.requests), len(server.requests) * (1 + len(also)))


async def test_its_agents_and_tools_nest_with_ours(server, outline) -> None:
    agents.set_trace_processors([])
    tracer.instrument("openai", "openai_agents")
    with tracer.span("mine"):
        await agents.Runner.run(helper(server, "responses"), "What are the opening hours on Sunday?")
    lines = outline()
    assert lines[0] == "mine"
    assert all(line.startswith("  ") for line in lines[1:])
    assert any(line.strip() == "look up" for line in lines)
    tool = next(n for n, line in enumerate(lines) if "opening_hours" in line)
    assert lines[tool + 1].strip() == "look up"
