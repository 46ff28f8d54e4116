"""What an API in the manner of OpenAI's chat completions is asked and answers, whole and in a stream."""

from __future__ import annotations

from typing import Any

USAGE = {
    "prompt_tokens": 130,
    "completion_tokens": 7,
    "total_tokens": 137,
    "prompt_tokens_details": {"cached_tokens": 100},
}
ANSWER = {
    "id": "chat_1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-001",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "secret answer"}}],
    "usage": USAGE,
}
ASKED = {"model": "m", "messages": [{"role": "user", "content": "secret hello"}], "temperature": 0.5}


def chunk(delta: dict[str, str], finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**ANSWER, "object": "chat.completion.chunk", "choices": [choice], "usage": None, **more}


def chunks(**last: Any) -> list[dict[str, Any]]:
    """The events of a stream; `last` is what the last one tells besides that it is the last."""
    return [
        chunk({"role": "assistant", "content": "secret "}),
        chunk({"content": "answer"}),
        chunk({"content": ""}, "stop", **last),
    ]
