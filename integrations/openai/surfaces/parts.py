"""Content of messages, in the forms of chat completions and of responses, as parts of the GenAI conventions.

Only translates: base64 data stays where it is. A part that is none of the known ones is passed on as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tracer.integrations import genai
from tracer.integrations.genai import Part
from tracer.integrations.openai.body import Body, mapping


def parts(content: Any) -> list[Part]:
    """Return the parts of a message's `content`: a string, a list of parts, or nothing."""
    if isinstance(content, str):
        return [genai.text(content)] if content else []
    return [_part(item) for item in content] if isinstance(content, list | tuple) else []


def arguments(written: Any) -> Any:
    """Return the arguments of a tool call as the object that the model wrote, or as the text where that is no JSON."""
    try:
        return json.loads(written)
    except (TypeError, ValueError):
        return written


def _part(item: Any) -> Part:
    if isinstance(item, str):
        return genai.text(item)
    item = mapping(item)
    translate = _PARTS.get(str(item.get("type")))
    return (translate(item) if translate else None) or dict(item)


def _text(item: Body) -> Part | None:
    written = item.get("text")
    if not isinstance(written, str):
        return None
    return {**genai.text(written), **{name: item[name] for name in ("annotations", "logprobs") if item.get(name)}}


def _refusal(item: Body) -> Part | None:
    written = item.get("refusal")
    return genai.refusal(written) if isinstance(written, str) else None


def _image(item: Body) -> Part | None:
    return _media(item.get("image_url"), item.get("file_id"), "image")


def _video(item: Body) -> Part | None:
    return _media(item.get("video_url"), None, "video")


def _audio(item: Body) -> Part | None:
    audio = mapping(item.get("input_audio"))
    data, form = audio.get("data"), audio.get("format")
    if not isinstance(data, str):
        return None
    return genai.blob(data, modality="audio", mime_type=f"audio/{form}" if form else None)


def _file(item: Body) -> Part | None:
    told = mapping(item.get("file")) or item  # nested in chat completions, flat in responses
    part = _media(told.get("file_data") or told.get("file_url"), told.get("file_id"), "document")
    if part and told.get("filename"):
        part["filename"] = told["filename"]
    return part


def _media(source: Any, file_id: Any, modality: str) -> Part | None:
    """Return an attachment that is given as a URL (of data, too), as `{"url": …}`, or by the id of an uploaded file."""
    url = source if isinstance(source, str) else mapping(source).get("url")
    if isinstance(url, str):
        head, comma, data = url.partition(",")
        if comma and head.startswith("data:") and head.endswith(";base64"):
            return genai.blob(data, modality=modality, mime_type=head[5:].partition(";")[0] or None)
        return genai.uri(url, modality=modality)
    return genai.file(file_id, modality=modality) if isinstance(file_id, str) else None


_PARTS: dict[str, Callable[[Body], Part | None]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_image": _image,
    "computer_screenshot": _image,
    "video_url": _video,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
}
