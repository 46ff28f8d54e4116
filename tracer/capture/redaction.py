"""Secrets taken out of a line before it is written: `[redacted:kind]`, and counted.

The built-in patterns work on the line's JSON text as it is: what they match can hold no quote and no
backslash but an escape's, so a replaced line is still JSON. A literal marker is looked for before any pattern is
tried, since nearly all lines hold none. Patterns and callables of the user's see decoded text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from ahocorasick_rs import BytesAhoCorasick

from tracer.config import Redact
from tracer.errors import attempt


@dataclass(frozen=True, slots=True)
class Pattern:
    """A secret's form: a line is searched only if it holds one of `markers`; group `secret`, or all, is replaced."""

    kind: str
    markers: tuple[bytes, ...]
    expression: re.Pattern[bytes]


_IN_TEXT = rb'(?:[^"\\]|\\.)'  # a character of a JSON text
_WORD = rb"[A-Za-z0-9_\-]"

BUILT_IN = (
    Pattern(
        "private-key",
        (b"PRIVATE KEY-----",),
        re.compile(
            rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
            + _IN_TEXT
            + rb'*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|(?="))'
        ),
    ),
    Pattern(
        "api-key",
        tuple(b"sk- sk_ rk_ AIza AKIA ASIA ghp_ gho_ ghs_ github_pat_ glpat- hf_ xox".split())
        + tuple(b"gsk_ pypi- npm_ xai- lsv2_ ya29.".split()),
        re.compile(
            rb"(?<![A-Za-z0-9_\-])(?:sk-W{16,}|[sr]k_(?:live|test)_W{16,}|AIzaW{30,}|(?:AKIA|ASIA)[A-Z0-9]{16}(?!W)"
            rb"|gh[pos]_W{30,}|github_pat_W{30,}|glpat-W{18,}|hf_W{30,}|xox[abprs]-W{10,}|gsk_W{30,}|pypi-W{30,}"
            rb"|npm_W{30,}|xai-W{30,}|lsv2_W{20,}|ya29\.W{20,})".replace(b"W", _WORD)
        ),
    ),
    Pattern(
        "bearer-token",
        (b"Bearer ", b"bearer ", b"Basic "),
        re.compile(rb"(?:[Bb]earer|Basic) (?P<secret>[A-Za-z0-9_\-.~+/]{16,}=*)"),
    ),
    Pattern(
        "secret-field",
        tuple(b"api_key api-key apikey apiKey authorization Authorization password secret _token".split()),
        re.compile(
            rb'\\*"(?:x-)?(?:[a-z0-9]+[_\-])?(?:api[_-]?key|apiKey|[Aa]uthorization|password|client_secret|secret|'
            rb'secret_key|access_token|refresh_token|auth_token)\\*":\s?\\*"(?P<secret>(?:[^"\\]|\\[^"])+)'
        ),
    ),
)

_PATTERN_OF_MARKER = [pattern.kind for pattern in BUILT_IN for _ in pattern.markers]
_MARKERS = BytesAhoCorasick([marker for pattern in BUILT_IN for marker in pattern.markers])
"""All markers in one pass over the line: one `in` for each took longer than all the rest of a span."""


class Redactor:
    """Takes secrets out of lines, by the built-in patterns and by the user's.

    A callable gets each text and returns what to keep; if it raises, the text is dropped.
    """

    def __init__(self, redact: Redact = None) -> None:
        self._built_in = redact is not False
        self._own = _own_rules(redact)

    def redact(self, line: bytes) -> bytes:
        """Return the line, one JSON object, without secrets; its attribute `tracer.redacted` counts them by kind."""
        found = _MARKERS.find_matches_as_indexes(line, overlapping=True) if self._built_in else ()
        if not found and not self._own:
            return line
        counts: Counter[str] = Counter()
        if found:
            held = {_PATTERN_OF_MARKER[marker] for marker, _, _ in found}
            for pattern in BUILT_IN:
                if pattern.kind in held:
                    line = pattern.expression.sub(partial(_replaced, pattern.kind, counts), line)
        if self._own:
            row = _each_text(orjson.loads(line), self._apply_own, counts)
        elif counts:
            row = orjson.loads(line)
        else:
            return line
        if counts:
            _note(row, counts)
        return orjson.dumps(row)

    def _apply_own(self, text: str, counts: Counter[str]) -> str:
        for rule in self._own:
            outcome, _ = attempt(partial(rule, text))
            # What a rule could not judge must not reach the disk.
            text, found = outcome or ("[redacted:unreadable]", 1)
            if found:
                counts["own"] += found
        return text


Rule = Callable[[str], "tuple[str, int]"]


def _own_rules(redact: Redact) -> list[Rule]:
    if redact is None or redact is False:
        return []
    return [_rule(item) for item in ([redact] if callable(redact) else redact)]


def _rule(item: str | re.Pattern[str] | Callable[[str], str]) -> Rule:
    def substitute(text: str) -> tuple[str, int]:
        return expression.subn("[redacted:own]", text)

    def call(text: str) -> tuple[str, int]:
        kept = item(text)  # type: ignore[operator]
        return (text, 0) if kept == text else (str(kept), 1)

    if callable(item):
        return call
    expression = re.compile(item)
    return substitute


_IDENTITY = frozenset({"trace_id", "span_id", "parent_id", "process_id", "function_id", "kind", "status", "record"})
"""Fields that place a row; a pattern that happened to match one would tear the row from its trace."""


def _each_text(row: dict[str, Any], change: Callable[[str, Counter[str]], str], counts: Counter[str]) -> dict[str, Any]:
    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return change(value, counts)
        if isinstance(value, list):
            return [walk(item) for item in value]
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items()}
        return value

    return {key: value if key in _IDENTITY else walk(value) for key, value in row.items()}


def _replaced(kind: str, counts: Counter[str], match: re.Match[bytes]) -> bytes:
    whole = match[0]
    secret = match.groupdict().get("secret", whole)
    if secret.startswith(b"[redacted:"):
        return whole
    counts[kind] += 1
    start = match.start("secret") - match.start() if secret is not whole and "secret" in match.re.groupindex else 0
    return whole[:start] + b"[redacted:" + kind.encode() + b"]" + whole[start + len(secret) :]


def _note(row: dict[str, Any], counts: Counter[str]) -> None:
    holder = row.get("data") if "record" in row else row
    if isinstance(holder, dict):
        holder["attributes"] = {**(holder.get("attributes") or {}), "tracer.redacted": dict(counts)}
