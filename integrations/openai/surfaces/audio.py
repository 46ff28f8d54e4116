"""Audio: texts that are spoken, and speech that becomes text.

A transcription's segments, words, language and the like stand beside the text, in its part.

Source: https://platform.openai.com/docs/api-reference/audio
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer.integrations import genai
from tracer.integrations.openai.body import Body, Fields, error_fields, mapping, parameters, usage_fields
from tracer.integrations.openai.surface import Raw, Stream, Surface
from tracer.integrations.openai.surfaces.media import decoded, file_parts, media, missed

_NOT_SAID = frozenset({"text", "usage", "error", "task"})


def speech_request_fields(body: Body) -> Fields:
    text, instructions = body.get("input"), body.get("instructions")
    return {
        "input": [genai.message("user", [genai.text(text)] if isinstance(text, str) else [])],
        "system_instructions": [genai.text(instructions)] if isinstance(instructions, str) else None,
        "request_parameters": parameters(body, told=("input", "instructions")),
        "stream": body.get("stream_format") == "sse",
        "gen_ai.output.type": "speech",
    }


def speech_fields(body: Body) -> Fields:
    """The speech of a stream of events, or an error."""
    sound = body.get("sound")
    return {
        "output": [genai.message("assistant", [media(sound, modality="audio")])] if sound else None,
        **usage_fields(body.get("usage")),
        **error_fields(body.get("error")),
    }


def sound_fields(answer: Raw) -> Fields:
    """The speech as it came. One that passed to a file, and was longer than a value may be, is told by its size."""
    is_told = answer.mime_type.startswith("audio/")
    sound = media(answer.content, modality="audio", mime_type=answer.mime_type if is_told else None, size=answer.size)
    return {
        "output": [genai.message("assistant", [sound])] if answer.size else None,
        "tracer.missed": [f"the speech is not recorded: {answer.size} bytes passed, more than a value may hold"]
        if answer.content is None
        else None,
    }


def join_speech(events: Iterable[Body]) -> Body:
    pieces: list[bytes] = []
    usage: Any = None
    error: Any = None
    for event in events:
        if event.get("type") == "error" or event.get("error"):
            error = event.get("error") or event
        elif is_sound(event):
            pieces.append(decoded(event["audio"]))
        usage = event.get("usage") or usage
    return {"sound": b"".join(pieces), "usage": usage, "error": error}


def is_sound(event: Body) -> bool:
    return isinstance(event.get("audio"), str) and bool(event["audio"])


def heard_request_fields(body: Body) -> Fields:
    """`input` is the recording; a prompt, which only guides, is one of the parameters."""
    heard = file_parts(body.get("file"), "file", modality="audio")
    return {
        "input": [genai.message("user", heard)],
        "request_parameters": parameters(body, told=("file",) if heard else ()),
        "gen_ai.output.type": "text",
        "tracer.missed": missed(body.get("file")),
    }


def heard_fields(body: Body) -> Fields:
    """Usage is in tokens, or in seconds where the model is paid by them."""
    text, usage = body.get("text"), mapping(body.get("usage"))
    beside = {name: value for name, value in body.items() if name not in _NOT_SAID and value is not None}
    said = {**genai.text(text), **beside} if isinstance(text, str) else None
    return {
        "output": [genai.message("assistant", [said])] if said else None,
        "openai.usage.seconds": usage.get("seconds"),
        **usage_fields(usage),
        **error_fields(body.get("error")),
    }


def written_fields(answer: Raw) -> Fields:
    """The transcript as plain text or as subtitles."""
    return heard_fields({"text": answer.content.decode("utf-8", "replace")}) if answer.content else {}


def join_heard(events: Iterable[Body]) -> Body:
    """Fold the events of a stream into the transcription: its last event whole, or else what had come."""
    pieces: list[str] = []
    segments: list[Body] = []
    body: Body = {}
    error: Any = None
    for event in events:
        kind = str(event.get("type"))
        if kind == "error" or event.get("error"):
            error = event.get("error") or event
        elif kind == "transcript.text.done":
            body = {name: value for name, value in event.items() if name != "type"}
        elif kind == "transcript.text.segment":
            segments.append({name: value for name, value in event.items() if name != "type"})
        elif is_text(event):
            pieces.append(event["delta"])
    text = "".join(pieces) or " ".join(str(segment.get("text")) for segment in segments)
    return {"text": text or None, **({"segments": segments} if segments else {}), **body, "error": error}


def is_text(event: Body) -> bool:
    return isinstance(event.get("delta"), str) and bool(event["delta"])


def _listener(name: str, operation: str) -> Surface:
    return Surface(
        operation=operation,
        kind="llm",
        name=name,
        request_fields=heard_request_fields,
        response_fields=heard_fields,
        raw_fields=written_fields,
        stream=Stream(join=join_heard, is_content=is_text),
    )


SPEECH = Surface(
    operation="speech",
    kind="llm",
    name="audio.speech.create",
    request_fields=speech_request_fields,
    response_fields=speech_fields,
    raw_fields=sound_fields,
    stream=Stream(join=join_speech, is_content=is_sound),
    keeps="value",
)
TRANSCRIPTIONS = _listener("audio.transcriptions.create", "transcription")
TRANSLATIONS = _listener("audio.translations.create", "translation")
