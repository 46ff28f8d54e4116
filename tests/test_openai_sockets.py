"""A session over a WebSocket is one span with a span a response inside; the program's events are the same objects.

The SDK's own connections talk to a real WebSocket server on loopback, untraced and traced.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import openai
import pytest
from speaking import Line, Speaking

from tracer import instrument
from tracer.span_row import SpanRow

pytest.importorskip("websockets.asyncio", reason="the SDK speaks over the websockets package from version 13 on")

Spans = Callable[[], list[SpanRow]]

SESSION = {
    "type": "realtime",
    "id": "sess_1",
    "object": "realtime.session",
    "model": "gpt-realtime",
    "instructions": "Be brief.",
    "tools": [{"type": "function", "name": "measure", "parameters": {"type": "object"}}],
    "output_modalities": ["audio"],
    "audio": {
        "input": {"format": {"type": "audio/pcm", "rate": 24000}},
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
    },
}
SPEECH = {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}}
CREATED = {"type": "session.created", "event_id": "e0", "session": SESSION}
USAGE = {
    "total_tokens": 150,
    "input_tokens": 120,
    "output_tokens": 30,
    "input_token_details": {"cached_tokens": 64, "text_tokens": 20, "audio_tokens": 100},
    "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
}


def sound(data: bytes) -> str:
    return base64.b64encode(data).decode()


def begun(number: int = 1) -> dict[str, Any]:
    response = {"id": f"resp_{number}", "status": "in_progress", "output": [], "audio": SPEECH}
    return {"type": "response.created", "response": response}


def item(number: int, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"item_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }


def spoken(number: int = 1) -> list[dict[str, Any]]:
    """The events of a response that speaks, without the first and the last."""
    place = {"response_id": f"resp_{number}", "item_id": f"item_{number}", "output_index": 0, "content_index": 0}
    return [
        {
            "type": "response.output_item.added",
            "response_id": f"resp_{number}",
            "output_index": 0,
            "item": item(number, []),
        },
        {"type": "response.output_audio_transcript.delta", "delta": "Twelve ", **place},
        {"type": "response.output_audio.delta", "delta": sound(b"twe"), **place},
        {"type": "response.output_audio.delta", "delta": sound(b"lve!"), **place},
        {"type": "response.output_audio_transcript.delta", "delta": "metres.", **place},
    ]


def done(number: int = 1, status: str = "completed", **more: Any) -> dict[str, Any]:
    said = [{"type": "output_audio", "transcript": "Twelve metres."}]
    response = {
        "id": f"resp_{number}",
        "object": "realtime.response",
        "conversation_id": "conv_1",
        "status": status,
        "output": [item(number, said)],
        "audio": SPEECH,
        "usage": USAGE,
        **more,
    }
    return {"type": "response.done", "response": response}


def converse(line: Line) -> None:
    """A session: something is said in words and aloud, and is answered aloud."""
    line.say(CREATED)
    line.hear_until("input_audio_buffer.commit")
    line.say({"type": "input_audio_buffer.committed", "item_id": "item_u"})
    line.hear_until("response.create")
    line.say(
        {"type": "conversation.item.added", "item": {"id": "item_t", "type": "message", "role": "user", "content": []}},
        begun(),
        *spoken()[:2],
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "item_id": "item_u",
            "content_index": 0,
            "transcript": "How deep is it?",
            "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
        },
        *spoken()[2:],
        done(),
    )
    line.hear()


ASKED: list[dict[str, Any]] = [
    {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "In metres, please."}]},
    },
    {"type": "input_audio_buffer.append", "audio": sound(b"how ")},
    {"type": "input_audio_buffer.append", "audio": sound(b"deep")},
    {"type": "input_audio_buffer.commit"},
    {"type": "response.create", "response": {"max_output_tokens": 100}},
]


def talk(client: openai.OpenAI, asked: list[dict[str, Any]] = ASKED, last: str = "response.done") -> list[Any]:
    seen = []
    with client.realtime.connect(model="gpt-realtime") as connection:
        seen.append(type(connection))
        for event in asked:
            connection.send(event)
        for event in connection:
            seen += [type(event), event]
            if event.type == last:
                break
    return seen


async def talk_async(client: openai.AsyncOpenAI, asked: list[dict[str, Any]] = ASKED) -> list[Any]:
    seen: list[Any] = []
    async with client.realtime.connect(model="gpt-realtime") as connection:
        seen.append(type(connection))
        for event in asked:
            await connection.send(event)
        async for event in connection:
            seen += [type(event), event]
            if event.type == "response.done":
                break
    return seen


def in_session(speak: Callable[[Line], None], is_async: bool) -> str:
    with Speaking(speak) as server:
        if is_async:
            return repr(asyncio.run(talk_async(openai.AsyncOpenAI(api_key="any", **server.urls))))
        return repr(talk(openai.OpenAI(api_key="any", **server.urls)))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_realtime_session_is_a_span_with_a_span_a_response_inside(
    is_async: bool, spans: Spans, record_property: Callable[[str, Any], None]
) -> None:
    untraced = in_session(converse, is_async)
    instrument("openai")
    assert in_session(converse, is_async) == untraced

    session, response = spans()
    assert (session.name, session.kind, session.status) == ("realtime gpt-realtime", "chain", "OK")
    assert session.request_parameters == {"output_modalities": ["audio"], "audio": SESSION["audio"]}
    assert session.system_instructions == [{"type": "text", "content": "Be brief."}]
    assert session.tool_definitions == SESSION["tools"]
    assert (session.provider, session.attributes["server.address"]) == ("openai", "127.0.0.1")
    assert session.events[0]["name"] == "conversation.item.input_audio_transcription.completed"
    assert session.events[0]["attributes"]["transcript"] == "How deep is it?"

    assert (response.name, response.kind, response.operation) == ("chat gpt-realtime", "llm", "chat")
    assert (response.parent_id, response.trace_id) == (session.span_id, session.trace_id)
    assert (response.status, response.finish_reasons, response.response_id) == ("OK", ["stop"], "resp_1")
    blob = {"type": "blob", "modality": "audio", "mime_type": "audio/pcm;rate=24000"}
    assert response.input == [
        {"role": "user", "parts": [{"type": "text", "content": "In metres, please."}]},
        {"role": "user", "parts": [{**blob, "content": sound(b"how deep"), "transcript": "How deep is it?"}]},
    ]
    said = {**blob, "content": sound(b"twelve!"), "transcript": "Twelve metres."}
    assert response.output == [{"role": "assistant", "parts": [said], "finish_reason": "stop"}]
    assert (response.input_tokens, response.output_tokens, response.cached_tokens) == (120, 30, 64)
    assert (response.audio_input_tokens, response.audio_output_tokens) == (100, 20)
    assert response.request_parameters["max_output_tokens"] == 100
    assert response.system_instructions == session.system_instructions
    assert response.attributes["gen_ai.conversation.id"] == "conv_1"
    assert response.stream is True
    assert session.start_ns <= response.start_ns < response.start_ns + response.ttft_ns < response.end_ns
    assert response.end_ns <= session.end_ns
    record_property("covers", ("OpenAI", "realtime.connect", "async" if is_async else "sync", "WebSocket", "ok"))
