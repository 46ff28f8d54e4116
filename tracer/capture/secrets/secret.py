"""A secret in a line of JSON, and the form that it is told by."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tracer.capture.expressions import compiled


class Secret(NamedTuple):
    """A secret in a line: what stands from `start` to `end`, and the JSON that is to stand there."""

    start: int
    end: int
    kind: str
    replacement: bytes


Form = Callable[[bytes, int], "Secret | None"]
"""Returns the secret of this form whose marker stands at this place of the line, or None."""


def mark(kind: str) -> str:
    """Return what stands where a secret was."""
    return f"[redacted:{kind}]"


def matching(kind: str, expression: bytes, *, judge: Callable[[bytes], bool] | None = None) -> Form:
    """What `expression` matches, or its group `secret`, if it is one in the view of `judge`."""
    group = "secret" if b"(?P<secret>" in expression else 0
    replacement = mark(kind).encode()

    def find(line: bytes, place: int) -> Secret | None:
        match = compiled(expression).match(line, place)
        if match is None or (judge is not None and not judge(match[group])):
            return None
        return Secret(*match.span(group), kind, replacement)

    return find


def end_of_text(line: bytes, place: int) -> int:
    """Return where the JSON text ends that goes on at `place`."""
    return end_of_quoted(line, place, slashes=0)


def end_of_quoted(line: bytes, place: int, *, slashes: int) -> int:
    """Return where a text ends whose quotes stand behind so many backslashes: none, or 1, 3, 7 … for one further in.

    A quote inside the text has more of them: each of them is escaped again, and itself too. A text further out may end
    first.
    """
    quote = place - 1
    while (quote := line.find(b'"', quote + 1)) >= 0:
        before = quote
        while before > place and line[before - 1] == _BACKSLASH:
            before -= 1
        if (quote - before) % 2 == 0:
            return quote
        of_the_quote = (quote - before) % (2 * slashes + 2)  # what is more stands for backslashes in the text
        if of_the_quote <= slashes:
            return quote - of_the_quote
    return len(line)


_BACKSLASH = ord("\\")
