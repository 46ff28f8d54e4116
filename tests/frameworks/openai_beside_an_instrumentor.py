"""OpenAI recorded by us and by another instrumentor: two spans of each call, which count once."""

from __future__ import annotations

from importlib.metadata import entry_points

import openai
import pytest
from conftest import ASKED
from opentelemetry.sdk.trace import TracerProvider

import tracer

ENTRY_POINTS = [entry for entry in entry_points(group="opentelemetry_instrumentor") if entry.name == "openai"]


@pytest.fixture(scope="module", autouse=True)
def theirs():
    """Their instrumentor, on once: not every one can be switched off again."""
    provider = TracerProvider()
    provider.add_span_processor(tracer.TracerSpanProcessor())
    (entry_point,) = ENTRY_POINTS
    entry_point.load()().instrument(tracer_provider=provider)


async def call(server, mode: str, surface: str, way: str) -> None:
    options = {"stream": True} if way == "stream" else {}
    asked = {
        "chat": {"messages": ASKED, "model": "gpt-4o"},
        "responses": {"input": "When do you open?", "model": "gpt-4o"},
        "embeddings": {"input": ["a", "b"], "model": "text-embedding-3-small"},
    }[surface]
    made = {"base_url": server.base_url, "api_key": "k"}
    client = openai.OpenAI(**made) if mode == "sync" else openai.AsyncOpenAI(**made)
    create = {"chat": client.chat.completions, "responses": client.responses, "embeddings": client.embeddings}
    answer = create[surface].create(**asked, **options)
    if mode == "async":
        answer = await answer
        _ = [event async for event in answer] if way == "stream" else answer
        await client.close()
    elif way == "stream":
        _ = [*answer]


@pytest.mark.parametrize(
    ("surface", "way"),
    [("chat", "whole"), ("chat", "stream"), ("responses", "whole"), ("responses", "stream"), ("embeddings", "whole")],
)
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_beside_it(server, model_calls, counted_once, record_property, mode, surface, way) -> None:
    package = ENTRY_POINTS[0].dist.name
    record_property("covers", (f"openai beside {package}", surface, mode, way, "once"))
    tracer.instrument("openai")
    with tracer.span("mine"):
        await call(server, mode, surface, way)
    counted_once()
    assert len(model_calls()) in (1, 2)  # `openai-v2` knows nothing of responses
