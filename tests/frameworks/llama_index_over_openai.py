"""LlamaIndex over OpenAI: chats and embeddings, whole and streamed."""

from __future__ import annotations

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai import OpenAI

import tracer

SURFACE = ("chat", "chat, beside its instrumentor")
"""On the page of coverage: alone, and with what else records."""


@pytest.mark.parametrize("also", [(), ("llama_index",)], ids=["alone", "beside its instrumentor"])
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("way", ["whole", "stream"])
async def test_llama_index(server, model_calls, counted_once, record_property, also, mode, way) -> None:
    record_property("covers", ("llama-index-core over openai", SURFACE[bool(also)], mode, way, "once"))
    assert {*tracer.instrument("openai", *also)} == {"openai", *also}
    model = OpenAI(model="gpt-4o", api_base=server.base_url, api_key="k")
    asked = [ChatMessage(role="user", content="When do you open on Sunday?")]
    if mode == "sync":
        _ = model.chat(asked) if way == "whole" else [*model.stream_chat(asked)]
    elif way == "whole":
        await model.achat(asked)
    else:
        _ = [piece async for piece in await model.astream_chat(asked)]
    counted_once()
    assert len(model_calls()) == 1
