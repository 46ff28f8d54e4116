"""Mistral's SDK through an instrumentor that `instrument()` finds."""

from __future__ import annotations

import pytest
from chat_completions import ANSWER, ASKED, USAGE, chunks
from conftest import said, through
from mistralai.client import Mistral
from scripted import event_stream, json_answer

import tracer


async def call(wire, mode: str, way: str) -> None:
    wire.answer = json_answer(ANSWER) if way == "whole" else event_stream(chunks(usage=USAGE), done=True)
    base_url = wire.base_url.removesuffix("/v1")
    chat = Mistral(api_key="k", server_url=base_url).chat
    if mode == "sync":
        _ = chat.complete(**ASKED) if way == "whole" else [*chat.stream(**ASKED)]
    elif way == "whole":
        await chat.complete_async(**ASKED)
    else:
        _ = [event async for event in await chat.stream_async(**ASKED)]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("way", ["whole", "stream"])
async def test_a_call_is_told_in_full(store_path, wire, model_calls, outline, record_property, mode, way) -> None:
    record_property("covers", (through("mistralai"), "chat.complete", mode, way, "ok"))
    assert "mistralai" in tracer.instrument()
    with tracer.span("mine"):
        await call(wire, mode, way)
    (row,) = model_calls()
    assert outline() == ["mine", f"  {row.name}"]
    assert (row.provider, row.request_model, row.status, row.finish_reasons) == ("mistral_ai", "m", "OK", ["stop"])
    assert (row.input_tokens, row.output_tokens) == (130, 7)
    assert row.request_parameters == {"temperature": 0.5}
    assert said(row.input) == [("user", ["secret hello"])]
    assert said(row.output) == [("assistant", ["secret answer"])]


async def test_without_content_none_is_told(store_path, wire, spans) -> None:
    tracer.configure(capture_content=False)
    tracer.instrument("mistralai")
    await call(wire, "sync", "stream")
    assert [row.kind for row in spans()] == ["llm"]
    assert "secret" not in repr(spans())
