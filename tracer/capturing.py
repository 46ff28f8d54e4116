"""What a span is given, and what it becomes: JSON that may be written, under the configuration that holds.

Contents are kept aside, values are bounded, secrets are taken out, and where no content is to be recorded, none is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from tracer.attachments import Attachments
from tracer.capture import cut, encode
from tracer.capture.redaction import Redactor
from tracer.config import Config
from tracer.journal.writer import Writer
from tracer.span import Span


class Capturing:
    """Makes JSON of values, and lines of rows. `writer` returns the journal in which contents are kept."""

    def __init__(self, config: Config, writer: Callable[[], Writer]) -> None:
        self._keeps_content = config.capture_content
        self._max_value_bytes = config.max_value_bytes
        self._redactor = Redactor(config.redact, keeps_content=config.capture_content)
        self._attachments = Attachments(writer, config, self._redactor)

    def encode(self, span: Span, value: Any) -> bytes:
        """Return a value as JSON, however long, its contents kept beside it."""
        return self._attachments.encode(span, value)

    def capture(self, span: Span, column: str, value: Any) -> orjson.Fragment:
        """Return a value of a span as JSON, within the limits; the span says what was cut, and what redacted before."""
        encoded = self._attachments.encode(span, value)
        if not self._keeps_content:
            from tracer.capture.shapes import shape_only

            encoded = shape_only(encoded)
        if len(encoded) > self._max_value_bytes:
            span.note_cut(column, len(encoded))
            encoded, redacted = self._shortened(encoded)
            span.note_redacted(redacted)
        return orjson.Fragment(encoded)

    def capture_for_many(self, value: Any) -> orjson.Fragment:
        """Return a value that many spans inherit as JSON, within the limits; where it was cut, it says so itself."""
        encoded = encode(value)
        if len(encoded) > self._max_value_bytes:
            encoded, _ = self._shortened(encoded)
        return orjson.Fragment(encoded)

    def line(self, row: Mapping[str, Any]) -> bytes:
        """Return the line of a span's row, or of a record with its data, as it may be written."""
        try:
            line = orjson.dumps(row)
        except TypeError:  # a lone surrogate or the like in a plain field: it costs a character, not the span
            line = orjson.dumps(_as_fragments(row))
        return self._redactor.redact(line)

    def _shortened(self, encoded: bytes) -> tuple[bytes, Mapping[str, int]]:
        """Return a value that is too long as what is kept of it, and what was redacted by kind."""
        # Of a secret that is cut in its midst, the first half would not be recognized.
        encoded, redacted = self._redactor.redact_value(encoded)
        return cut(encoded, self._max_value_bytes), redacted


def _as_fragments(value: Any) -> Any:
    if isinstance(value, orjson.Fragment):
        return value
    if isinstance(value, dict):
        return {orjson.loads(encode(str(key))): _as_fragments(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_fragments(item) for item in value]
    return orjson.Fragment(encode(value))
