"""Google's Gen AI SDK through an instrumentor that `instrument()` finds."""

from __future__ import annotations

import pytest
from conftest import said, through
from google import genai
from scripted import event_stream, json_answer

import tracer

ANSWER = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "secret answer"}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {
        "promptTokenCount": 130,
        "cachedContentTokenCount": 100,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 142,
    },
    "modelVersion": "gemini-x-001",
    "responseId": "resp_1",
}
ASKED = {
    "model": "gemini-x",
    "contents": "secret hello",
    "config": {"temperature": 0.5, "system_instruction": "be brief"},
}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("way", ["whole", "stream"])
async def test_a_call_is_told_in_full(store_path, wire, model_calls, outline, record_property, mode, way) -> None:
    package = through("google_genai")
    record_property("covers", (package, "models.generate_content", mode, way, "ok"))
    assert "google_genai" in tracer.instrument()
    wire.answer = json_answer(ANSWER) if way == "whole" else event_stream([ANSWER], done=False)
    client = genai.Client(api_key="k", http_options={"base_url": wire.base_url})
    with tracer.span("mine"):
        if mode == "sync" and way == "whole":
            client.models.generate_content(**ASKED)
        elif mode == "sync":
            _ = [*client.models.generate_content_stream(**ASKED)]
        elif way == "whole":
            await client.aio.models.generate_content(**ASKED)
        else:
            _ = [chunk async for chunk in await client.aio.models.generate_content_stream(**ASKED)]
    (row,) = model_calls()
    assert outline() == ["mine", f"  {row.name}"]
    assert row.provider in ("gcp.gen_ai", "gcp.gemini")
    assert (row.status, [reason.upper() for reason in row.finish_reasons]) == ("OK", ["STOP"])
    assert "gemini-x" in (row.request_model or row.response_model)
    assert (row.input_tokens, row.cached_tokens, row.output_tokens, row.reasoning_tokens) == (130, 100, 12, 5)
    assert said(row.input)[-1] == ("user", ["secret hello"])
    assert said(row.output) == [("assistant", ["secret answer"])]


async def test_without_content_none_is_told(store_path, wire, spans) -> None:
    tracer.configure(capture_content=False)
    tracer.instrument("google_genai")
    wire.answer = json_answer(ANSWER)
    client = genai.Client(api_key="k", http_options={"base_url": wire.base_url})
    client.models.generate_content(**ASKED)
    assert [row.kind for row in spans()] == ["llm"]
    assert "secret" not in repr(spans())
