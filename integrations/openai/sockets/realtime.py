"""Realtime: sound and text in both directions, and responses that the server may begin of its own accord.

Its items, events and usage are those of Responses, but for the sound, which comes in pieces beside them. What a
response is asked is what was said since the one before: the rest of the conversation is kept by the server.

Source: https://platform.openai.com/docs/guides/realtime
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tracer.integrations import genai
from tracer.integrations.genai import Part
from tracer.integrations.openai.body import Body, Fields, mapping, mappings, number
from tracer.integrations.openai.sockets.protocol import Conversation, Protocol
from tracer.integrations.openai.surface import Stream
from tracer.integrations.openai.surfaces.responses import RESPONSES
from tracer.rows import CANCELLED

MAX_AUDIO_CHARACTERS = 8 << 20
"""What is kept of the sound of one turn, in base64: its end, which is what the server answers."""

_MAX_ITEMS = 1_000

_OF_THE_SESSION = frozenset({"id", "object", "type", "expires_at", "client_secret"})
_TOLD_ELSEWHERE = frozenset({"input", "conversation"})

_FIRST_NAMES = {
    "response.text.delta": "response.output_text.delta",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
}
"""The events that the first version of the API (`beta.realtime`) named otherwise."""

_FORMATS = {"pcm16": "audio/pcm;rate=24000", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}


class RealtimeConversation(Conversation):
    """The settings of a session, and what was said since its last response."""

    def __init__(self) -> None:
        self._session: Body = {}
        self._items: deque[dict[str, Any]] = deque(maxlen=_MAX_ITEMS)
        self._seen: deque[str] = deque(maxlen=_MAX_ITEMS)
        self._recent: dict[str, dict[str, Any]] = {}
        self._unechoed = 0
        self._audio: deque[str] = deque()
        self._audio_characters = 0
        self._audio_cut = 0

    def sent(self, event: Body) -> None:
        kind = event.get("type")
        if kind == "input_audio_buffer.append" and isinstance(piece := event.get("audio"), str):
            self._append(piece)
        elif kind == "conversation.item.create":
            self._unechoed += 1
            self._items.append(dict(mapping(event.get("item"))))

    def received(self, event: Body) -> None:
        kind = event.get("type")
        if kind in ("session.created", "session.updated"):
            self._session = mapping(event.get("session"))
        elif kind == "input_audio_buffer.committed":
            self._commit(str(event.get("item_id")))
        elif kind == "input_audio_buffer.cleared":
            self._take_audio()
        elif kind in ("conversation.item.created", "conversation.item.added"):
            self._echo(dict(mapping(event.get("item"))))
        elif kind == "conversation.item.input_audio_transcription.completed":
            self._transcribe(str(event.get("item_id")), event.get("transcript"))

    def session_fields(self) -> Fields:
        return {
            **RESPONSES.request_fields(_without(self._session, _OF_THE_SESSION)),
            "input": None,
            "request_model": self._session.get("model"),
            "openai.session.id": self._session.get("id"),
        }

    def request(self, create: Body) -> Body:
        """A response that is asked about something else than the conversation leaves that for the next one."""
        asked = mapping(create.get("response"))
        if asked.get("input") is not None:
            items = [dict(item) for item in mappings(asked["input"])]
        else:
            items = list(self._items)
            self._items.clear()
            self._recent = {str(item.get("id")): item for item in items}
        return {**_without(self._session, _OF_THE_SESSION), **asked, "input": items}

    def _append(self, piece: str) -> None:
        self._audio.append(piece)
        self._audio_characters += len(piece)
        while self._audio_characters > MAX_AUDIO_CHARACTERS and len(self._audio) > 1:
            cut = len(self._audio.popleft())
            self._audio_characters -= cut
            self._audio_cut += cut

    def _take_audio(self) -> tuple[list[str], int]:
        taken = list(self._audio), self._audio_cut
        self._audio.clear()
        self._audio_characters = self._audio_cut = 0
        return taken

    def _commit(self, item_id: str) -> None:
        pieces, cut = self._take_audio()
        content: dict[str, Any] = {"type": "input_audio", "audio": pieces, "format": _format(self._session, "input")}
        if cut:
            content["cut_characters"] = cut
        self._seen.append(item_id)
        self._items.append({"type": "message", "role": "user", "id": item_id, "content": [content]})

    def _echo(self, item: dict[str, Any]) -> None:
        """The server has taken up an item: what the model said, what we sent, or what another client has added."""
        item_id = str(item.get("id"))
        if item_id in self._seen or item.get("role") == "assistant" or item.get("type") == "function_call":
            return
        self._seen.append(item_id)
        if self._unechoed:
            self._unechoed -= 1
            for sent in self._items:
                if sent.get("id") in (None, item_id):
                    sent["id"] = item_id
                    return
        else:
            self._items.append(item)

    def _transcribe(self, item_id: str, transcript: Any) -> None:
        for item in (*self._items, *self._recent.values()):
            if item.get("id") == item_id:
                for content in item.get("content") or ():
                    content["transcript"] = transcript
                self.transcripts += 1


def request_fields(body: Body) -> Fields:
    items = [_with_sound(item, body) for item in mappings(body.get("input"))]
    cut = sum(number(part, "cut_characters") for item in items for part in mappings(item.get("content")))
    return {
        **RESPONSES.request_fields({**_without(body, _TOLD_ELSEWHERE), "input": items}),
        "tracer.missed": [f"the first {cut:,} characters of the sound that was said were too many to keep"]
        if cut
        else None,
    }


def response_fields(body: Body) -> Fields:
    """A response that the user's own speech has interrupted is CANCELLED, as one that the program cancels."""
    details = mapping(body.get("status_details"))
    reason = details.get("reason")
    output = [_with_sound(item, body) for item in mappings(body.get("output"))]
    told = {
        **body,
        "output": output,
        "usage": _usage(mapping(body.get("usage"))),
        "incomplete_details": {"reason": reason},
        "error": body.get("error") or (details.get("error") if body.get("status") == "failed" else None),
        "conversation": body.get("conversation_id"),
    }
    fields = RESPONSES.response_fields(told)
    if body.get("status") == "cancelled":
        fields |= {"status": CANCELLED, "status_message": reason}
    return fields


def join(events: Iterable[Body]) -> Body:
    """Fold the events of a response as those of Responses are, and lay the sound that came beside into its place."""
    told = [{**event, "type": _FIRST_NAMES.get(kind := str(event.get("type")), kind)} for event in events]
    body = dict(RESPONSES.stream.join(told)) if RESPONSES.stream else {}
    items = [dict(item) for item in mappings(body.get("output"))]
    for (index, place), sound in _sounds(told).items():
        if index < len(items):
            content = [dict(part) for part in mappings(items[index].get("content"))]
            content += [{"type": "output_audio"} for _ in range(place + 1 - len(content))]
            content[place] = {**sound, **{name: told for name, told in content[place].items() if told}}
            items[index]["content"] = content
    return {**body, "output": items}


def _sounds(events: Iterable[Body]) -> dict[tuple[int, int], dict[str, Any]]:
    """Return what was spoken, by the places of the item and of the part in it."""
    sounds: dict[tuple[int, int], dict[str, Any]] = {}
    for event in events:
        name = {"response.output_audio.delta": "audio", "response.output_audio_transcript.delta": "transcript"}.get(
            str(event.get("type"))
        )
        if name is not None and isinstance(piece := event.get("delta"), str):
            place = number(event, "output_index"), number(event, "content_index")
            sounds.setdefault(place, {}).setdefault(name, []).append(piece)
    return {
        place: {**sound, "transcript": "".join(sound.get("transcript", ())) or None} for place, sound in sounds.items()
    }


def _with_sound(item: Body, session: Body) -> Body:
    """Return an item whose parts of sound are parts of the conventions already."""
    content = item.get("content")
    if not isinstance(content, list):
        return item
    return {**item, "content": [_sound(part, session) or part for part in mappings(content)]}


def _sound(part: Body, session: Body) -> Part | None:
    kind = part.get("type")
    if kind not in ("input_audio", "output_audio", "audio"):
        return None
    audio = part.get("audio")
    if isinstance(audio, str):
        audio = [audio]
    way = "input" if kind == "input_audio" else "output"
    mime_type = part.get("format") or _format(session, way)
    made = genai.blob(_joined(audio), modality="audio", mime_type=mime_type) if audio else {"type": "audio"}
    made |= {name: part[name] for name in ("transcript", "cut_characters") if part.get(name)}
    return made


def _joined(pieces: Iterable[str]) -> str:
    """Return base64 that came in pieces, each with a padding of its own, as one."""
    pieces = list(pieces)
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece) for piece in pieces)).decode()
    except ValueError:
        return "".join(pieces)


def _format(session: Body, way: str) -> str | None:
    """Return the MIME type of the sound that goes this way."""
    told = mapping(mapping(mapping(session.get("audio")).get(way)).get("format"))
    if kind := told.get("type"):
        return f"{kind};rate={told['rate']}" if told.get("rate") else str(kind)
    return _FORMATS.get(str(session.get(f"{way}_audio_format")))


def _usage(usage: Body) -> Body:
    return {
        **usage,
        "input_tokens_details": usage.get("input_token_details"),
        "output_tokens_details": usage.get("output_token_details"),
    }


def _without(body: Body, names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def is_content(event: Body) -> bool:
    return bool(event.get("delta")) and str(event.get("type")).endswith(".delta")


REALTIME = Protocol(
    name="realtime",
    conversation=RealtimeConversation,
    surface=replace(
        RESPONSES,
        api_type="realtime",
        request_fields=request_fields,
        response_fields=response_fields,
        stream=Stream(join=join, is_content=is_content),
    ),
)
