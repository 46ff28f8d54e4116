"""Images, audio and files on their way to the disk: each content is kept once, and a row holds what refers to it.

    {"type": "blob", "modality": "image", "mime_type": "image/png", "attachment": "<sha256>", "bytes": 34567}
    {"$type": "bytes", "mime_type": "application/pdf", "attachment": "<sha256>", "bytes": 34567}

`bytes` is how many there are. A content that could not be kept says why in `not_kept`, and without content there is no
`attachment`. Before a file is written, a line of the journal tells which trace refers to it, so that no purge of
another trace takes it away meanwhile; the row comes after both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import orjson

from tracer.capture import beginning, describe, encode
from tracer.capture.contents import Reference, holds_content, type_of, with_references
from tracer.capture.expressions import compiled
from tracer.capture.redaction import Redactor
from tracer.clock import now_ns
from tracer.config import Config
from tracer.errors import attempt
from tracer.journal.attachments import UNKNOWN_TYPE, is_there, plain_type, put
from tracer.journal.writer import Writer
from tracer.span import Span

Key = TypeVar("Key")
Value = TypeVar("Value")

LARGE_BYTES = 4096
"""Bytes from this size on are kept as a content; smaller ones stand in the row."""

_REMEMBERED = 4096
_PREVIEW_CHARACTERS = 1000

_MEDIA_TYPES = r"(?:image|audio|video|font)/(?!.*\+(?:xml|json)$).*"
"""What is not searched for secrets."""


class Attachments:
    """The contents of this process in one store. `writer` returns its journal, which may be opened for it."""

    def __init__(self, writer: Callable[[], Writer], config: Config, redactor: Redactor) -> None:
        self._writer = writer
        self._keeps_content = config.capture_content
        self._limit = config.max_attachment_bytes
        self._redactor = redactor
        self._told: dict[tuple[str, str], bool] = {}  # hash and trace
        self._decoded: dict[tuple[str, str | None], Reference] = {}  # by the hash of the base64, and the told type
        self._losses = 0

    def encode(self, span: Span, value: Any) -> bytes:
        """Return the value as JSON, with references in place of contents, which are kept."""
        try:
            encoded = orjson.dumps(value)  # as nearly all can be
        except (TypeError, RecursionError):
            encoded = encode(value, partial(self._describe, span))
        if holds_content(encoded):
            return with_references(encoded, partial(self._refer_to_base64, span))
        return encoded

    def _describe(self, span: Span, value: Any) -> Any:
        if isinstance(value, (bytes, bytearray, memoryview)):
            content, _ = attempt(lambda: bytes(value))  # a view may have been released
            if content is not None and len(content) >= LARGE_BYTES:
                return self._bytes(span, content)
        return describe(value)

    def _bytes(self, span: Span, content: bytes) -> Reference:
        """Return what stands in place of bytes: those that are text show how they begin."""
        reference = {"$type": "bytes", **self._refer(span, content, None)}
        if reference["mime_type"] == _PLAIN_TEXT:
            begun = content[: 4 * _PREVIEW_CHARACTERS].decode("utf-8", "ignore")
            reference["text_preview"] = beginning(begun, _PREVIEW_CHARACTERS)
        return reference

    def _refer_to_base64(self, span: Span, text: str, mime_type: str | None) -> Reference | None:
        """Return what stands in place of base64; None where it is none.

        Chains hand the same image from span to span, and chats from turn to turn; so what was decoded is remembered by
        the base64, which takes a quarter of the time.
        """
        key = _sha256(text.encode()), mime_type
        found = self._decoded.get(key)
        if found is not None and not self._keep(span.trace_id, found, partial(_from_base64, text)):
            return found
        content = _from_base64(text)
        if content is None:
            return None
        found = self._refer(span, content, mime_type)
        if _is_media(found["mime_type"]) and "attachment" in found and "not_kept" not in found:
            _remember(self._decoded, key, found)
        return found

    def _refer(self, span: Span, content: bytes, mime_type: str | None) -> Reference:
        """Keep a content; return what refers to it."""
        kind = plain_type(mime_type)
        if kind == UNKNOWN_TYPE:
            kind = type_of(content) or (_PLAIN_TEXT if _is_text(content) else UNKNOWN_TYPE)
        if not self._keeps_content:
            return {"mime_type": kind, "bytes": len(content)}
        if not _is_media(kind) and (kind.startswith("text/") or _is_text(content)):
            content = self._redacted(span, content)
        reference = {"mime_type": kind, "attachment": _sha256(content), "bytes": len(content)}
        if why_not := self._keep(span.trace_id, reference, lambda: content):
            reference["not_kept"] = why_not
            span.note_missed(f"a content of {len(content)} bytes ({kind}) was not kept: {why_not}")
        return reference

    def _redacted(self, span: Span, content: bytes) -> bytes:
        encoding = "utf-8" if _is_text(content) else "latin-1"
        encoded, counts = self._redactor.redact_value(orjson.dumps(content.decode(encoding)))
        if not counts:
            return content
        span.note_redacted(counts)
        text: str = orjson.loads(encoded)
        return text.encode(encoding, "replace")

    def _keep(self, trace_id: str, reference: Reference, content: Callable[[], bytes | None]) -> str:
        """See that the journal holds a content and who refers to it; return why that cannot be, else an empty text.

        `content` is asked for it only where it does not lie there yet.
        """
        hash, mime_type, count = reference["attachment"], reference["mime_type"], reference["bytes"]
        if count > self._limit:
            return f"it may take {self._limit} bytes"
        writer = self._writer()
        if writer.losses != self._losses:
            self._losses = writer.losses
            self._told.clear()
        if (hash, trace_id) in self._told:
            return ""
        data = {"hash": hash, "trace_id": trace_id, "time_ns": now_ns()}
        for _ in range(2):
            if not writer.write(orjson.dumps({"record": "attachment", "data": data})):
                return writer.drop_reason or "the journal cannot be written"
            try:
                if not is_there(writer.layout, hash, mime_type, count):
                    put(writer.layout, writer.process_id, hash, mime_type, content() or b"")
            except FileNotFoundError:  # the journal was deleted; it is begun anew with the next line
                writer.seal()
            except OSError as error:
                return error.strerror or str(error)
            else:
                _remember(self._told, (hash, trace_id), True)
                return ""
        return "the journal was deleted"


_PLAIN_TEXT = "text/plain"


def _is_media(mime_type: str) -> bool:
    return compiled(_MEDIA_TYPES).fullmatch(mime_type) is not None


def _is_text(content: bytes) -> bool:
    return b"\0" not in content and attempt(content.decode)[1] is None


def _sha256(content: bytes) -> str:
    import hashlib  # most programs have no content

    return hashlib.sha256(content).hexdigest()


def _from_base64(text: str) -> bytes | None:
    """Return what was encoded, be it with line ends, without padding or in the alphabet of URLs; None if it is none."""
    import base64

    content, error = attempt(lambda: base64.b64decode(text, validate=True))
    if error is None:
        return content
    plain = "".join(text.split()).rstrip("=").translate(_FROM_URL)
    return attempt(lambda: base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))[0]


_FROM_URL = str.maketrans("-_", "+/")


def _remember(memory: dict[Key, Value], key: Key, value: Value) -> None:
    if len(memory) >= _REMEMBERED:
        memory.clear()
    memory[key] = value
