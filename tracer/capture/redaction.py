"""The last step of a line before it is written: without secrets, and without content where none is to be recorded.

What is taken out is marked `[redacted:kind]` in its place, and counted by kind in the attribute `tracer.redacted`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from tracer.capture.expressions import compiled
from tracer.capture.rewriting import dumps
from tracer.capture.secrets import Secret, find_secrets, mark, replaced

if TYPE_CHECKING:
    from tracer.capture.rules import Rules
    from tracer.config import Redact


class Redactor:
    """Takes secrets out of lines, and what the user's rules say. Without content, all texts but names go too."""

    def __init__(self, redact: Redact = None, *, keeps_content: bool = True) -> None:
        self._built_in = redact is not False
        self._rules = _rules(redact) if redact else None
        self._keeps_content = keeps_content

    def redact(self, line: bytes) -> bytes:
        """Return the line, one JSON object: a span's row, or a record with its data."""
        if not self._keeps_content:
            from tracer.capture.shapes import shape_line

            line = shape_line(line)
        secrets = find_secrets(line, tries=_TRIES) if self._built_in else []
        if not self._rules and secrets == []:
            return line  # as nearly all do
        counts: Counter[str] = Counter()
        if secrets is None:
            line, counts = _without_crowded_values(line)
            secrets = find_secrets(line) or []
        secrets = _outside_counts(line, secrets)
        counts += _by_kind(secrets)
        if not counts and not self._rules:
            return line
        row = orjson.loads(replaced(line, secrets))
        if self._rules:
            is_record = isinstance(row.get("data"), dict)
            changed, own_counts = self._rules.row(row["data"] if is_record else row)
            row = {**row, "data": changed} if is_record else changed
            counts += own_counts
        if counts and "record" not in row:
            row["attributes"] = _noted(row.get("attributes") or {}, counts)
        return dumps(row)

    def redact_value(self, encoded: bytes) -> tuple[bytes, Counter[str]]:
        """Return a JSON value without secrets, and how many there were by kind: for what is going to be cut."""
        secrets = find_secrets(encoded, tries=_TRIES) if self._built_in else []
        if secrets is None:
            return _UNSEARCHED, Counter([_UNSEARCHED_KIND])
        encoded, counts = replaced(encoded, secrets), _by_kind(secrets)
        if self._rules:
            value, own_counts = self._rules.value(orjson.loads(encoded))
            encoded, counts = dumps(value), counts + own_counts
        return encoded, counts


_TRIES = 100_000
"""How many places of one value may look as if a secret began there: to look at them takes some 0.1 s."""

_UNSEARCHED_KIND = "unsearched"
_UNSEARCHED = dumps(mark(_UNSEARCHED_KIND))


def _without_crowded_values(line: bytes) -> tuple[bytes, Counter[str]]:
    """Return the line without the values that have too many such places, as a whole; and how many these were."""
    row = orjson.loads(line)
    is_record = isinstance(row.get("data"), dict)
    holder = row["data"] if is_record else row
    crowded = [name for name, value in holder.items() if find_secrets(dumps(value), tries=_TRIES) is None]
    for name in crowded:
        # Attributes are an object, to which what was redacted is added.
        holder[name] = {} if name == "attributes" else mark(_UNSEARCHED_KIND)
    return dumps(row), Counter({_UNSEARCHED_KIND: len(crowded)} if crowded else {})


def _rules(redact: Redact) -> Rules:
    from tracer.capture.rules import Rules  # most programs have none of their own

    return Rules(redact)


def _outside_counts(line: bytes, secrets: list[Secret]) -> list[Secret]:
    """Return the secrets without what is our own count of earlier ones: 100 API keys look like the key "100"."""
    counts = compiled(_COUNTS).search(line) if secrets else None
    if counts is None:
        return secrets
    return [secret for secret in secrets if not counts.start() <= secret.start < counts.end()]


_COUNTS = rb'"tracer\.redacted":\{(?:"[a-z-]{1,40}":\d{1,12},?)*\}'


def _by_kind(secrets: list[Secret]) -> Counter[str]:
    return Counter(secret.kind for secret in secrets)


def _noted(attributes: dict[str, Any], counts: Counter[str]) -> dict[str, Any]:
    """Add to what was redacted of the span's values before."""
    before = attributes.get("tracer.redacted")
    total = counts + Counter(before if isinstance(before, dict) else {})
    return {**attributes, "tracer.redacted": dict(total)}
