"""Images, audio and files in a value's JSON: found by markers, and replaced by what refers to their content.

Known are the `blob` parts of the GenAI conventions, `data:` URIs (a whole text, within one, or in JSON in a text), and
the base64 fields of the content blocks of OpenAI, Anthropic and LangChain. All else stays as it is. What becomes of a
content is its caller's affair.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson

from tracer.capture.expressions import compiled
from tracer.capture.rewriting import dumps
from tracer.capture.search import Search
from tracer.errors import attempt

Reference = dict[str, Any]
"""What stands in place of a content: `mime_type`, `bytes` and so on."""

Refer = Callable[[str, "str | None"], "Reference | None"]
"""Takes base64 and, where one was told, its MIME type; returns the reference, or None where that is no base64."""

_SEARCH = Search(dict.fromkeys((b"base64", b'"blob', b"input_audio", b"b64_json"), True))

_SHORTEST = 96
"""A value of fewer bytes holds no content with a marker."""

_SHORTEST_WITHIN = 1_000
"""Characters of base64 within a longer text that are worth taking out of it."""

_DEEPEST = 100

_BASE64_KEYS = frozenset({"data", "base64", "b64_json", "file_data"})

_MIME_KEYS = ("mime_type", "media_type", "mimeType")

_AUDIO_FORMATS = ("wav", "mp3", "flac", "opus", "pcm16", "aac", "ogg", "m4a", "webm")

_DATA_URI = r"data:(?P<type>[\w.+-]{1,64}/[\w.+-]{1,80})?(?:;[\w-]{1,40}=[^;,\s\"]{0,80}){0,4};base64,"

_DATA_URI_WITHIN = _DATA_URI + rf"(?P<data>[A-Za-z0-9+/]{{{_SHORTEST_WITHIN},}}={{0,2}})"


def holds_content(encoded: bytes) -> bool:
    """Return whether a JSON value has the marker of a content in it: one pass, which nearly always finds nothing."""
    return len(encoded) >= _SHORTEST and bool(_SEARCH.find(encoded))


def with_references(encoded: bytes, refer: Refer) -> bytes:
    """Return the JSON value with a reference in place of each content."""
    value = orjson.loads(encoded)
    changed = _Contents(refer).replaced(value)
    return encoded if changed is value else dumps(changed)


def modality_of(mime_type: str) -> str:
    kind = mime_type.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


class _Contents:
    """Replaces contents in values of JSON types. What has none is returned itself, not a copy."""

    def __init__(self, refer: Refer) -> None:
        self._refer = refer

    def replaced(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._text(value, depth)
        if depth < _DEEPEST and isinstance(value, dict):
            return self._part(value) or _same_or(value, {k: self._field(value, k, depth + 1) for k in value})
        if depth < _DEEPEST and isinstance(value, list):
            changed = [self.replaced(item, depth + 1) for item in value]
            return value if all(map(_is, changed, value)) else changed
        return value

    def _part(self, part: Mapping[str, Any]) -> Reference | None:
        """Return a `blob` part with a reference in place of its content; None if it is none."""
        content = part.get("content")
        if part.get("type") != "blob" or not content:
            return None
        told = part.get("mime_type")
        if isinstance(content, dict) and "attachment" in content:  # it came as bytes
            found: Reference | None = {name: item for name, item in content.items() if name not in _OF_BYTES}
        else:
            found = self._refer(content, told if isinstance(told, str) else None) if isinstance(content, str) else None
        if found is None:
            return None
        head = {"type": "blob", "modality": part.get("modality") or modality_of(found["mime_type"])}
        return {
            **head,
            **found,
            **{name: item for name, item in part.items() if name not in ("content", *head, *found)},
        }

    def _field(self, holder: Mapping[str, Any], key: str, depth: int) -> Any:
        value = holder[key]
        if key in _BASE64_KEYS and isinstance(value, str) and not value.startswith("data:"):
            told = _told_type(holder)
            is_one = told is not None and (key != "data" or not told.startswith("text/"))
            if (is_one or _begins_known(value)) and (found := self._refer(value, told)):
                return _blob(found)
        return self.replaced(value, depth)

    def _text(self, text: str, depth: int) -> Any:
        if len(text) < _SHORTEST // 2:
            return text
        if text.startswith("data:") and (uri := compiled(_DATA_URI).match(text)):
            found = self._refer(text[uri.end() :], uri["type"])
            return text if found is None else _blob(found)
        if text[0] in "[{" and depth < _DEEPEST and _SEARCH.find(text.encode()):
            value, _ = attempt(partial(orjson.loads, text))
            if isinstance(value, (dict, list)):
                changed = self.replaced(value, depth + 1)
                return text if changed is value else dumps(changed).decode()
        return compiled(_DATA_URI_WITHIN).sub(self._within, text) if ";base64," in text else text

    def _within(self, uri: re.Match[str]) -> str:
        found = self._refer(uri["data"], uri["type"])
        if found is None or "attachment" not in found:
            return uri[0] if found is None else f"[{found['mime_type']} {found['bytes']} bytes]"
        return f"[attachment {found['attachment']} {found['mime_type']} {found['bytes']} bytes]"


_OF_BYTES = ("$type", "text_preview")


def _same_or(value: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    return value if all(map(_is, changed.values(), value.values())) else changed


def _is(one: Any, other: Any) -> bool:
    return one is other


def _blob(found: Reference) -> Reference:
    return {"type": "blob", "modality": modality_of(found["mime_type"]), **found}


def _told_type(holder: Mapping[str, Any]) -> str | None:
    """Return the MIME type that stands beside base64, or that its `format` means."""
    told = next((told for key in _MIME_KEYS if isinstance(told := holder.get(key), str) and "/" in told), None)
    return f"audio/{form}" if told is None and (form := holder.get("format")) in _AUDIO_FORMATS else told


def _begins_known(text: str) -> bool:
    """Return whether base64 begins as a file of a known form does."""
    return media_type(text[:64]) is not None


def media_type(encoded: str) -> str | None:
    """Return the MIME type of a content by how it begins: its first 32 bytes or more, in base64; None if unknown."""
    import binascii

    begun, _ = attempt(lambda: binascii.a2b_base64(encoded[: len(encoded) // 4 * 4]))
    return type_of(begun or b"")


def type_of(content: bytes) -> str | None:
    """Return the MIME type of a content by how it begins; None if that is unknown.

    Source: https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern and what follows there.
    """
    for begin, mime_type in _BEGINNINGS:
        if content.startswith(begin):
            return mime_type
    if content[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}.get(content[8:12])
    return "video/mp4" if content[4:8] == b"ftyp" else None


_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS\x00", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
)
