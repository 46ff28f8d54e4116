"""What is said in a session over a WebSocket: the events of both sides, and the programs that hold one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import openai
from speaking import Line

from tracer.span_row import SpanRow

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


def kept(data: bytes) -> dict[str, Any]:
    """What stands in a part for a sound, which is kept apart."""
    return {"attachment": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


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


def saying(*events: dict[str, Any], then: Callable[[Line], object] = Line.hear) -> Callable[[Line], None]:
    """A server that waits for a `response.create`, says this, and then does that: else it waits for more."""

    def speak(line: Line) -> None:
        line.say(CREATED)
        line.hear_until("response.create")
        line.say(*events)
        then(line)

    return speak


CREATE: list[dict[str, Any]] = [{"type": "response.create", "event_id": "ask_1"}]
TYPED = {"type": "response.output_text.delta", "response_id": "resp_1", "output_index": 0, "content_index": 0}
BROKEN_OFF = [
    begun(),
    {"type": "response.output_item.added", "response_id": "resp_1", "output_index": 0, "item": item(1, [])},
    {**TYPED, "delta": "Twelve "},
    {**TYPED, "delta": "metres"},
]


def spoken_text(span: SpanRow) -> str | None:
    return span.output and "".join(part.get("content") or part["transcript"] for part in span.output[0]["parts"])


def cover(record: Callable[[str, Any], None], surface: str, is_async: bool, *spans: SpanRow) -> None:
    """Tell the page of what is covered how a session ended, and the responses inside."""
    said = {"OK": "ok", "ERROR": "error", "CANCELLED": "early close", "INCOMPLETE": "incomplete"}
    mode = "async" if is_async else "sync"
    for number, row in enumerate(spans):
        way = "response" if number else "session"
        record("covers", ("OpenAI: sessions over WebSockets", surface, mode, way, said[row.status]))
