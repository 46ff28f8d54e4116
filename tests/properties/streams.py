"""Bodies of requests, responses and streams, as no server that we know sends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import strategies as st

from properties.claim import Property
from properties.values import json_scalars, texts
from tracer.capture import encode
from tracer.integrations.openai.stream import fold
from tracer.integrations.openai.surfaces import TABLE
from tracer.integrations.openai.tee import Passed, tee

_SURFACES = list({surface.request_fields: surface for _, _, surface in TABLE}.values())
_STREAMED = list({surface.stream: surface for _, _, surface in TABLE if surface.stream}.values())
"""Of those that translate alike, one."""

_FIELDS = (
    *("id", "object", "model", "choices", "index", "delta", "message", "role", "content", "refusal", "reasoning"),
    *("tool_calls", "function", "name", "arguments", "custom", "input", "finish_reason", "usage", "prompt_tokens"),
    *("prompt_tokens_details", "cached_tokens", "audio", "error", "code", "data", "transcript", "type", "response"),
    *("item", "output", "output_index", "content_index", "summary", "call_id", "status", "incomplete_details", "text"),
    *("messages", "tools", "instructions", "conversation", "embedding", "encoding_format", "reason", "image_url"),
    *("prompt", "image", "file", "logprobs", "b64_json", "output_format", "segments", "results", "query", "delta"),
)
_TYPES = (
    *("response.created", "response.output_item.added", "response.output_item.done", "response.output_text.delta"),
    *("response.function_call_arguments.delta", "response.completed", "response.incomplete", "error", "message"),
    *("function_call", "reasoning", "custom_tool_call_output", "web_search_call", "mcp_approval_response", "text"),
    *("image_generation.partial_image", "image_edit.completed", "speech.audio.delta", "transcript.text.delta"),
    *("transcript.text.done", "image_generation_call"),
)
_WORDS = ("assistant", "tool", "{", '{"a": 1}', "stop", "data:image/png;base64,iVBORw0K")

bodies = st.recursive(
    json_scalars | texts | st.sampled_from([*_TYPES, *_WORDS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=6),
    max_leaves=25,
)
_objects = st.dictionaries(st.sampled_from(_FIELDS), bodies, max_size=5)
usual_bodies = st.fixed_dictionaries({"choices": st.lists(_objects, max_size=3)}) | st.builds(
    lambda kind, body: {**body, "type": kind}, st.sampled_from(_TYPES), _objects
)
_PIECES = (
    *(b"data: [DONE]\n\n", b": comment\n\n", b"data:{\r\n\r\n", b"event: x\ndata: {}\n\n"),
    *(b"data: \xff\n\n", b"\n", b"data\n\n"),
)
_events = st.lists(
    (bodies | usual_bodies).map(lambda body: b"data: " + orjson.dumps(body) + b"\n\n")
    | st.sampled_from(_PIECES)
    | st.binary(max_size=20),
    max_size=8,
)


@st.composite
def torn_streams(draw: st.DrawFn) -> list[bytes]:
    whole = b"".join(draw(_events))
    places = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    return [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]


def folds(chunks: list[bytes]) -> None:
    """Any bytes fold to something that can be recorded, however they are torn, and pass through as they are."""
    for surface in _STREAMED:
        streamed = fold(surface.stream, list(enumerate(chunks)))
        orjson.loads(encode(surface.response_fields(streamed.body)))
        torn_otherwise = fold(surface.stream, [(1, bytes([byte])) for byte in b"".join(chunks)])
        assert (torn_otherwise.body, torn_otherwise.has_ended) == (streamed.body, streamed.has_ended)
    passed: list[Passed] = []
    assert list(tee(SyncByteStream(chunks), passed.append)) == chunks
    assert [[data for _, data in one.head] for one in passed] == [chunks]


class SyncByteStream:
    """As the HTTP client has it: the tee tells it by its name."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks

    def close(self) -> None:
        pass


def translates(body: Any) -> None:
    """Any body of a request or a response is translated, or left out."""
    if isinstance(body, dict):
        for surface in _SURFACES:
            orjson.loads(encode(surface.request_fields(body)))
            orjson.loads(encode(surface.response_fields(body)))


PROPERTIES = {
    "streams fold": Property(torn_streams(), folds, few=150),
    "bodies are translated": Property(bodies | usual_bodies, translates, few=150),
}
