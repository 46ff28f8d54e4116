"""Pictures, sounds and other files as parts: those of a form, and those that come as bytes or base64."""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from typing import Any

from tracer.integrations import genai
from tracer.integrations.genai import Part
from tracer.integrations.openai.body import Fields
from tracer.integrations.openai.request import File

_BEGINNINGS = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_IN_RIFF = {b"WAVE": "audio/wav", b"WEBP": "image/webp"}


def media(content: str | bytes | None, *, modality: str, mime_type: str | None = None, size: int | None = None) -> Part:
    """Return a blob; `content` is as for `genai.blob`. Where no type is told, its first bytes may tell it.

    What was not kept has no content, but its size.
    """
    known_type = mime_type or (mime_type_of(content) if content else None)
    part = genai.blob(content, modality=modality, mime_type=known_type)
    return part if content is not None or size is None else {**part, "bytes": size}


def mime_type_of(content: str | bytes) -> str | None:
    """Return what the first bytes say; None where they say nothing, as those of bare PCM."""
    begun = content[:16] if isinstance(content, bytes) else decoded(content[:16])
    if begun.startswith(b"RIFF"):
        return _IN_RIFF.get(begun[8:12])
    return next((mime_type for beginning, mime_type in _BEGINNINGS if begun.startswith(beginning)), None)


def file_parts(files: Any, field: str, *, modality: str) -> list[Part]:
    """Return the files of a form's field as parts. A field of text is no file, and gives none."""
    return [_file_part(file, field, modality) for file in _files(files)]


def described(files: Iterable[File]) -> list[Fields]:
    """Return the files without their content."""
    return [_known({"filename": file.filename, "mime_type": file.mime_type, "bytes": file.size}) for file in files]


def missed(*fields: Any) -> list[str]:
    """Return a sentence for each file of these fields that could not be recorded."""
    return [
        f"the content of {file.filename or 'a file'} is not recorded: an open file is the program's to read"
        for files in fields
        for file in _files(files)
        if file.content is None
    ]


def _files(files: Any) -> list[File]:
    return [file for file in files if isinstance(file, File)] if isinstance(files, list) else []


def _file_part(file: File, field: str, modality: str) -> Part:
    part = media(file.content, modality=modality, mime_type=file.mime_type, size=file.size)
    return {**part, **_known({"filename": file.filename, "field": field})}


def decoded(base64: str) -> bytes:
    """Return the bytes; none where it is no base64."""
    try:
        return binascii.a2b_base64(base64)
    except ValueError:
        return b""


def _known(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}
