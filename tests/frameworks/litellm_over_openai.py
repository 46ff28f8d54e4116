"""LiteLLM over OpenAI: its calls are OpenAI's, and beside its instrumentor they are counted once."""

from __future__ import annotations

import litellm
import pytest
from conftest import ASKED

import tracer

SURFACE = ("completion", "completion, beside its instrumentor")
"""On the page of coverage: alone, and with what else records."""


@pytest.mark.parametrize("also", [(), ("litellm",)], ids=["alone", "beside its instrumentor"])
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("way", ["whole", "stream", "stream with usage"])
async def test_litellm(server, model_calls, counted_once, record_property, also, mode, way) -> None:
    record_property("covers", ("litellm over openai", SURFACE[bool(also)], mode, way, "once"))
    assert {*tracer.instrument("openai", *also)} == {"openai", *also}
    options = {"model": "openai/gpt-4o", "messages": ASKED, "api_base": server.base_url, "api_key": "k"}
    if way != "whole":
        options["stream"] = True
    if way == "stream with usage":
        options["stream_options"] = {"include_usage": True}
    if mode == "sync":
        answer = litellm.completion(**options)
        _ = [*answer] if way != "whole" else answer
    else:
        answer = await litellm.acompletion(**options)
        _ = [chunk async for chunk in answer] if way != "whole" else answer
    counted_once()
    assert len(model_calls()) == 1 + len(also)
