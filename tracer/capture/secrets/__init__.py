"""Where secrets stand in a line of JSON: told by their form, or by the name of the field that holds them.

Each form has a literal marker. All markers are looked for in two passes over the line, which nearly always find
nothing; a form is tried only where its marker stands, and never reads further than its secret goes, so that
searching takes time in proportion to the line. A form sees JSON as it is written: the secret may stand in a text in a
text, and then its quotes and line ends have backslashes before them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from operator import itemgetter

from tracer.capture.search import Search
from tracer.capture.secrets.fields import FIELDS
from tracer.capture.secrets.forms import FORMS, IN_URL, from_base64
from tracer.capture.secrets.secret import Form, Secret, mark, matching

__all__ = ["Secret", "find_secrets", "mark", "replaced"]


def find_secrets(line: bytes, *, tries: int = sys.maxsize) -> list[Secret] | None:
    """Return the secrets in a line of JSON, in their order and apart from each other.

    None where more places would have to be looked at than `tries`: of nothing but markers, 8 MB take seconds.
    """
    if len(line) > _WINDOW:
        marked: Iterable[tuple[int, Form]] = _windows(line)
    elif _PROSE.find(line) or _OTHER.find(line) or b"@" in line:
        marked = _marked(line)
    else:
        return []
    found: list[Secret] = []
    start = end = 0
    for tried, (place, form) in enumerate(marked):
        if tried == tries:
            return None
        if not start <= place < end and (secret := form(line, place)):
            found.append(secret)
            start, end = secret.start, secret.end
    return _apart(found) if len(found) > 1 else found


def replaced(line: bytes, secrets: list[Secret]) -> bytes:
    """Return the line with the replacements of these secrets in their place."""
    pieces = []
    end = 0
    for secret in secrets:
        pieces += [line[end : secret.start], secret.replacement]
        end = secret.end
    return b"".join([*pieces, line[end:]])


def _apart(found: list[Secret]) -> list[Secret]:
    """A secret that begins inside another one is a part of it; where it reaches further, so does that."""
    apart: list[Secret] = []
    for secret in sorted(found):
        if apart and secret.start < apart[-1].end:
            apart[-1] = apart[-1]._replace(end=max(apart[-1].end, secret.end))
        else:
            apart.append(secret)
    return apart


def _holds_secret(encoded: bytes) -> bool:
    decoded = from_base64(encoded)
    return decoded is not None and bool(find_secrets(decoded))


_MARKERS: dict[bytes, Form] = {
    **FORMS,
    **FIELDS,
    b'"bytes","length"': matching(
        "bytes", rb'"bytes","length":\d+,"(?:base64|preview)":"(?P<secret>[A-Za-z0-9+/]+)=*"', judge=_holds_secret
    ),
}

_WINDOW = 256 * 1024
"""What is searched at once, so that a line of nothing but markers takes no memory in proportion."""

_LONGEST = max(map(len, _MARKERS))


def _is_of_prose(marker: bytes) -> bool:
    """Markers that look like words make the pass slower, and more so those that are short."""
    return len(marker) > 3 and marker[:1].islower()


_PROSE = Search({marker: form for marker, form in _MARKERS.items() if _is_of_prose(marker)})
_OTHER = Search({marker: form for marker, form in _MARKERS.items() if not _is_of_prose(marker)})

_SCHEMES = Search({b"://": IN_URL})
"""For lines with an `@` alone, for URLs are common and passwords in them are not."""


def _marked(line: bytes) -> list[tuple[int, Form]]:
    """Return where a form may be found in at most a window, in the order of the places."""
    marked = _PROSE(line) + _OTHER(line)
    if b"@" in line:
        marked += _SCHEMES(line)
    if len(marked) > 1:
        marked.sort(key=itemgetter(0))
    return marked


def _windows(line: bytes) -> Iterator[tuple[int, Form]]:
    """Yield where a form may be found in a long line."""
    for begin in range(0, len(line), _WINDOW):
        for place, form in _marked(line[begin : begin + _WINDOW + _LONGEST]):
            if place < _WINDOW:
                yield begin + place, form
