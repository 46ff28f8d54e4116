"""What a request sends, by name: the fields of its path, its query, its JSON or form, and its files.

A file that the program has opened is the client's to read: it is described, and never read, moved or closed.
"""

from __future__ import annotations

import io
import mimetypes
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import openai

from tracer.errors import attempt
from tracer.integrations.openai.body import Body, mapping, parse

_OPEN_FILES = (io.BufferedReader, io.BufferedRandom, io.FileIO)
"""The files that may be asked for their descriptor: others (a spooled one) would change by that."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form. `content` is None where it is not in memory; `size` in bytes, None where it is not known."""

    filename: str | None
    mime_type: str | None
    content: bytes | None
    size: int | None


def request_body(options: Any, ids: Mapping[str, str]) -> Body:
    """Return all that the client is about to send, `extra_body` included. Of files there is a list of `File`.

    What a query says beside a body is `extra_query`, as in the SDK.
    """
    content = options.json_data if options.json_data is not None else getattr(options, "content", None)
    sent = {**mapping(parse(content) if isinstance(content, bytes) else content), **mapping(options.extra_json)}
    query = {name: value for name, value in mapping(options.params).items() if _is_given(value)}
    if query and options.method.upper() not in ("GET", "DELETE"):
        query = {"extra_query": query}
    fields = {name: value for name, value in sent.items() if _is_given(value)}
    return {**ids, **query, **fields, **_files(options.files)} if ids or query or options.files else fields


def _is_given(value: Any) -> bool:
    return not isinstance(value, openai.NotGiven | openai.Omit)


def _files(given: Any) -> dict[str, list[File]]:
    """Return the files by the names of their fields: those of `image[]` are `image`."""
    files: dict[str, list[File]] = {}
    entries: Iterable[Any] = given.items() if isinstance(given, Mapping) else given or ()
    for field, entry in entries:
        files.setdefault(field.removesuffix("[]"), []).append(_file(entry))
    return files


def _file(entry: Any) -> File:
    """Return a file as it goes into the form: its content alone, or `(filename, content, mime type, headers)`."""
    filename, content, mime_type = (*entry, None, None)[:3] if isinstance(entry, tuple) else (None, entry, None)
    if filename is None:
        path, _ = attempt(lambda: content.name)
        filename = os.path.basename(path) if isinstance(path, str) else None
    if mime_type is None and filename:
        mime_type, _ = mimetypes.guess_type(filename)
    if type(content) is io.BytesIO:
        content = content.getvalue()
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes | bytearray):
        return File(filename, mime_type, bytes(content), len(content))
    return File(filename, mime_type, None, _size(content))


def _size(file: Any) -> int | None:
    if not isinstance(file, _OPEN_FILES):
        return None
    size, _ = attempt(lambda: os.fstat(file.fileno()).st_size)  # a closed file raises, as it will in the client
    return size
