"""A case: what is asked of a surface, what the API answers, and what a span has to say of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pydantic
from scripted import Answer, event_stream, json_answer

PNG = b"\x89PNG\r\n\x1a\n the picture of a well"
WAV = b"RIFF\x00\x00\x00\x00WAVE the sound of a well"
MP3 = b"ID3 how a well is spoken of"

QUESTION = "Where does the water of a well come from?"
ANSWER = "From the ground, where rain has gathered."
PIECES = ("From", " the ground,", " where rain has gathered.")


class Depth(pydantic.BaseModel):
    metres: int


DEEP = '{"metres": 12}'


@dataclass(frozen=True)
class Case:
    """One surface, or one use of it, which `use` names.

    `asked` is what a span says whatever the answer; `told` what it says of a whole answer, and `broken` of a stream
    that was left at the first event with `first` in it. Both name columns or attributes; `counts` is all its tokens.
    `streaming` is what to ask for a stream, None where there is none; `manager` is for helpers that are one by
    themselves. `done` is whether the API ends the stream with `[DONE]`; `since` the version of the SDK that the
    method came with, where that is not the oldest.
    """

    method: str
    request: Mapping[str, Any]
    answer: Answer
    asked: Mapping[str, Any]
    told: Mapping[str, Any]
    use: str = ""
    args: Sequence[Any] = ()
    streaming: Mapping[str, Any] | None = None
    events: Sequence[Any] = ()
    done: bool = False
    first: str = "From"
    broken: Mapping[str, Any] = field(default_factory=dict)
    manager: bool = False
    only_ways: Sequence[str] = ()
    since: str = ""

    @property
    def surface(self) -> str:
        return f"{self.method}: {self.use}" if self.use else self.method

    @property
    def stream_answer(self) -> Answer:
        return event_stream(self.events, done=self.done)


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def wire(answer: Any) -> Answer:
    return answer if isinstance(answer, Answer) else json_answer(answer)


def text(content: str, **beside: Any) -> dict[str, Any]:
    return {"type": "text", "content": content, **beside}


def blob(content: bytes, modality: str, mime_type: str, **beside: Any) -> dict[str, Any]:
    data = base64_of(content)
    return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": data, **beside}


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "parts": list(parts)}]


def assistant(*parts: Any, **beside: Any) -> list[Any]:
    return [{"role": "assistant", "parts": list(parts), **beside}]
