"""What the user wants to be redacted beside secrets: kinds by name, patterns, callables, and fields by their keys.

These see texts as they are, without JSON's escapes: every text of a row, the keys of its objects included. Patterns and
kinds see whole numbers too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from tracer.capture.expressions import compiled
from tracer.capture.rewriting import distinct
from tracer.capture.secrets import mark
from tracer.config import REDACTION_KINDS, Redact
from tracer.errors import attempt

_OWN = "own"
_UNREADABLE = "unreadable"

_IDENTITY = frozenset(
    {
        "trace_id",
        "span_id",
        "parent_id",
        "process_id",
        "function_id",
        "kind",
        "status",
        "operation",
        "usage_source",
        "dialect",
        "record",
    }
)
"""Fields that place a row; a pattern that happened to match one would tear the row from its trace."""

_PLACES = {"events": ("name", "time_ns", "attributes"), "links": ("trace_id", "span_id", "attributes")}
"""The keys of the objects in these columns, which are ours."""

_HASH = r"[0-9a-f]{64}"
"""What refers to an attachment; a number that a pattern found in it would tear the two apart."""

Rule = Callable[[str], "tuple[str, str, int]"]
"""Returns a text without what it looks for, the kind of that, and how often it was there."""


class Rules:
    """The user's rules, ready to be applied to rows. Nothing here raises."""

    def __init__(self, redact: Redact = None) -> None:
        items: Any = redact
        keys: Iterable[Any] = ()
        if isinstance(redact, Mapping):
            items, keys = redact.get("patterns", ()), redact.get("keys", ())
        items = [items] if callable(items) else items or ()
        self._rules = [_rule(item) for item in items]
        self._number_rules = [rule for item, rule in zip(items, self._rules, strict=True) if not callable(item)]
        self._keys = frozenset(map(_plain_key, keys))

    def __bool__(self) -> bool:
        return bool(self._rules or self._keys)

    def row(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
        """Return a row, or the data of a record, without what the rules look for; and what that was, by kind."""
        counts: Counter[str] = Counter()
        return {column: self._column(column, value, counts) for column, value in row.items()}, counts

    def value(self, value: Any) -> tuple[Any, Counter[str]]:
        """Return any JSON value without what the rules look for; and what that was, by kind."""
        counts: Counter[str] = Counter()
        return self._safely(value, counts), counts

    def _column(self, column: str, value: Any, counts: Counter[str]) -> Any:
        if column in _IDENTITY or value is None or isinstance(value, (int, float)):
            return value
        if column in _PLACES and isinstance(value, list):
            return [self._placed(item, column, counts) for item in value]
        return self._safely(value, counts)

    def _placed(self, item: Any, column: str, counts: Counter[str]) -> Any:
        if not isinstance(item, dict):
            return self._safely(item, counts)
        # The name of an event is the program's text; its other fields are ours but for the attributes.
        changed = {key: item[key] for key in item if key not in ("name", "attributes")}
        return changed | {key: self._safely(item[key], counts) for key in item if key not in changed}

    def _safely(self, value: Any, counts: Counter[str]) -> Any:
        changed, error = attempt(partial(self._walk, value, counts))
        if error is None:
            return changed
        counts[_UNREADABLE] += 1  # nested deeper than Python goes
        return mark(_UNREADABLE)

    def _walk(self, value: Any, counts: Counter[str]) -> Any:
        if isinstance(value, str):
            return self._text(value, counts)
        if isinstance(value, list):
            return [self._walk(item, counts) for item in value]
        if isinstance(value, dict):
            keys = distinct([self._text(key, counts) for key in value])
            return {name: self._field(key, item, counts) for name, (key, item) in zip(keys, value.items(), strict=True)}
        if self._number_rules and isinstance(value, int) and not isinstance(value, bool):
            return self._number(value, counts)
        return value

    def _field(self, key: str, value: Any, counts: Counter[str]) -> Any:
        if not self._keys or value is None or _plain_key(key) not in self._keys:
            is_hash = key == "attachment" and isinstance(value, str) and compiled(_HASH).fullmatch(value)
            return value if is_hash else self._walk(value, counts)
        counts[_OWN] += 1
        return mark(_OWN)

    def _text(self, text: str, counts: Counter[str]) -> str:
        for rule in self._rules:
            outcome, _ = attempt(partial(rule, text))
            # What a rule could not judge must not reach the disk.
            text, kind, found = outcome or (mark(_UNREADABLE), _UNREADABLE, 1)
            if found:
                counts[kind] += found
        return text

    def _number(self, number: int, counts: Counter[str]) -> int | str:
        text = str(number)
        for rule in self._number_rules:
            changed, kind, found = rule(text)
            if found:
                counts[kind] += found
                return changed
        return number


def _plain_key(key: str) -> str:
    return key.lower().replace("-", "_")


def _rule(item: str | re.Pattern[str] | Callable[[str], Any]) -> Rule:
    if callable(item):
        return partial(_called, item)
    if item in REDACTION_KINDS:
        return _KIND_RULES[str(item)]
    return partial(_substituted, re.compile(item))


def _called(redactor: Callable[[str], Any], text: str) -> tuple[str, str, int]:
    kept = redactor(text)
    if kept == text:
        return text, _OWN, 0
    return (kept if isinstance(kept, str) else mark(_OWN)), _OWN, 1


def _substituted(pattern: re.Pattern[str], text: str) -> tuple[str, str, int]:
    changed, found = pattern.subn(mark(_OWN), text)
    return changed, _OWN, found


# The kinds on option.


def _without_emails(text: str) -> tuple[str, str, int]:
    if "@" not in text:
        return text, "email", 0
    changed, found = compiled(_EMAIL).subn(mark("email"), text)
    return changed, "email", found


_EMAIL = r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])"


def _without_cards(text: str) -> tuple[str, str, int]:
    found = 0

    def judged(match: re.Match[str]) -> str:
        nonlocal found
        if not _passes_luhn(match[0]):
            return match[0]
        found += 1
        return mark("card")

    return compiled(_CARD).sub(judged, text), "card", found


_CARD = (
    r"(?<![\w.-])[2-6](?:[0-9]{12,18}"
    r"|[0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}"
    r"|[0-9]{3}([ -])[0-9]{6}\2[0-9]{4,5})(?!\w)"
)
"""13 to 19 digits, in a row or in the groups that are printed on cards. No time of today begins with 2 to 6."""


def _passes_luhn(number: str) -> bool:
    """Source: ISO/IEC 7812-1, annex B."""
    digits = [int(digit) for digit in reversed(number) if digit.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_KIND_RULES: dict[str, Rule] = {"email": _without_emails, "card": _without_cards}
