"""Instructor over OpenAI: each attempt that it makes is one call."""

from __future__ import annotations

import instructor
import openai
import pytest
from conftest import ASKED
from pydantic import BaseModel

import tracer
from tracer.demo.server.replies import Reply


class Hours(BaseModel):
    opens: int


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_instructor(server, model_calls, counted_once, record_property, mode) -> None:
    record_property("covers", ("instructor over openai", "an answer that is asked for again", mode, "whole", "once"))
    tracer.instrument("openai")
    server.script(Reply(tool_calls=[("Hours", {"opens": "early"})]))  # which is no integer, so it is asked again
    asked = {"model": "gpt-4o", "messages": ASKED, "response_model": Hours}
    with tracer.span("extract"):
        if mode == "sync":
            client = instructor.from_openai(openai.OpenAI(base_url=server.base_url, api_key="k"))
            client.chat.completions.create(**asked)
        else:
            client = instructor.from_openai(openai.AsyncOpenAI(base_url=server.base_url, api_key="k"))
            await client.chat.completions.create(**asked)
    counted_once()
    assert len(model_calls()) == len(server.requests) == 2
