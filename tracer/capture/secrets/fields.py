"""Secrets that are told by the name of the field that holds them: `"password": "…"`, `PASSWORD=…`, `--password …`."""

from __future__ import annotations

import re

from tracer.capture.expressions import compiled
from tracer.capture.secrets.secret import Form, Secret, end_of_quoted, mark, matching


class _Named:
    """The value of a field whose name ends as `name` says. The marker begins inside the name."""

    # Behind the name: the quote that it may stand in, what it is told by, and the value's quote or the value itself.
    _FIELD = rb"""(?P<close>\\*["'])?(?P<sign>[ \t]{0,8}(?::=|=>?|:|,)[ \t]{0,8})
        (?:\[?[bfruBFRU]{0,2}(?P<open>\\*["'])(?![,;)}\]])|(?P<plain>[^\s"'\\&;,<>(){}\[\]|`$]{3,}))"""
    _OPTION = rb"""\ (?P<secret>[^\s"'\\\-][^\s"'\\]{2,})"""

    def __init__(self, name: bytes) -> None:
        self._field = rb"(?x)(?i:" + name + rb")" + self._FIELD
        self._option = rb"(?x)(?i:" + name + rb")" + self._OPTION

    def __call__(self, line: bytes, place: int) -> Secret | None:
        field = compiled(self._field).match(line, place)
        if field is None:
            return self._argument(line, place) if b"-" in line[max(0, place - 40) : place] else None
        if _ends_a_text(field["close"]) or _ends_a_text(field["open"]):
            return None
        if b"," in field["sign"] and not _is_pair(line, place, field):
            return None
        return _quoted_value(line, field) if field["open"] else _plain_value(line, field)

    def _argument(self, line: bytes, place: int) -> Secret | None:
        option = compiled(self._option).match(line, place)
        if option is None or not compiled(_BEFORE_OPTION).search(line, max(0, place - 40), place):
            return None
        return Secret(*option.span("secret"), _KIND, _MARK)


_KIND = "secret-field"
_MARK = mark(_KIND).encode()


def _ends_a_text(quote: bytes | None) -> bool:
    """Return whether backslashes stand before the quote that are the text's own, so that it does not escape it."""
    return quote is not None and len(quote) > 1 and len(quote) % 2 == 1


def _quoted_value(line: bytes, field: re.Match[bytes]) -> Secret | None:
    opening = field["open"]
    slashes, start = len(opening) - 1, field.end()
    if opening.endswith(b"'"):
        end = compiled(_IN_SINGLE_QUOTES).match(line, start).end()  # type: ignore[union-attr]  # it matches what is empty too
    elif slashes or field["close"] == b'"':
        end = end_of_quoted(line, start, slashes=slashes)
    else:
        return None  # the quote ends the text: `Enter your password: "`
    if end == start or line.startswith(b"[redacted:", start):
        return None
    if b"," in field["sign"] and compiled(_NEXT_IS_KEY).match(line, end):
        return None  # what stands before it is a value, and what follows are other fields
    return Secret(start, end, _KIND, _MARK)


def _plain_value(line: bytes, field: re.Match[bytes]) -> Secret | None:
    value, quote = field["plain"], field["close"]
    if quote:  # in JSON and the like, what stands there without quotes is a number, or nothing to hide
        is_number = b":" in field["sign"] and compiled(_NUMBER).fullmatch(value)
        return Secret(*field.span("plain"), _KIND, quote + _MARK + quote) if is_number else None
    if field["sign"] == b"=":
        return Secret(*field.span("plain"), _KIND, _MARK)
    # As in YAML, in headers and in files of settings. Prose and code look like that too, but then have no digits.
    told = compiled(_TOLD).match(line, field.start("plain"))
    return Secret(*told.span("secret"), _KIND, _MARK) if told else None


_NUMBER = rb"-?[0-9][0-9.]{2,}"

_TOLD = rb"""(?:[A-Za-z]{3,10}[ \t])?(?P<secret>(?=W{0,200}[0-9])W{6,})""".replace(
    b"W", rb"""[^\s"'\\&;,<>(){}\[\]|`$]"""
)

_NEXT_IS_KEY = rb"""\\*["'][ \t]{0,8}:"""

_IN_SINGLE_QUOTES = rb"""(?:[^'"\\]|\\[^"])*"""


def _is_pair(line: bytes, place: int, field: re.Match[bytes]) -> bool:
    if field["close"] is None or field["close"] != field["open"]:
        return False
    return compiled(_BEFORE_PAIR).search(line, max(0, place - 80), place) is not None


_BEFORE_PAIR = rb"""(?:(?:\\*["'])--?[A-Za-z0-9_\-]{0,60}|[\[(]\\*["'](?i:x-|proxy-)?[A-Za-z\-]{0,20})\Z"""
"""A pair is an option with the argument that follows, or a header."""

_BEFORE_OPTION = rb"(?:--[A-Za-z0-9_\-]{0,36}|(?<![A-Za-z0-9])-)\Z"


_PASSWORD = _Named(rb"assw(?:or)?d|assphrase")
_SECRET = _Named(rb"ecret(?:[_-]?(?:access[_-]?)?key)?")
_API_KEY = _Named(rb"pi[_-]?key")
_OTHER_KEY = _Named(
    rb"(?:(?<=acces)s|(?<=accoun)t|(?<=privat)e|(?<=subscriptio)n|(?<=encryptio)n|(?<=signin)g|(?<=maste)r)[_-]?key"
)
_AUTHORIZATION = _Named(rb"uthorization|redentials?")
_COOKIE = _Named(rb"ookie")
_BEFORE_TOKEN = (
    b"access refresh auth id session security bearer api bot csrf xsrf private personal secret user app deploy job "
    b"device oauth client jwt sas service hub lab -"
).split()

_TOKEN = _Named(rb"(?:" + b"|".join(b"(?<=%s)" % word for word in _BEFORE_TOKEN) + rb")[_\-]?token")
"""Other tokens are pieces of text, and places where a list goes on."""

_TOKEN_VARIABLE = _Named(b"".join(b"(?<!%s)" % word for word in b"EOS BOS PAD UNK SEP CLS MAX".split()) + b"_token")
_SIGNATURE = matching(_KIND, rb"(?:&sig|-Signature|;Pwd)=(?P<secret>[^\s\"'\\&;<>]{3,})")


FIELDS: dict[bytes, Form] = {
    **dict.fromkeys((b"assword", b"ASSWORD", b"asswd", b"ASSWD", b"assphrase", b"ASSPHRASE"), _PASSWORD),
    **dict.fromkeys((b"ecret", b"ECRET"), _SECRET),
    **dict.fromkeys((b"pi_key", b"pi-key", b"pikey", b"piKey", b"pi-Key", b"PI_KEY", b"PIKey"), _API_KEY),
    # Not from the beginning of the name, for "option", "account" and "success" are in all texts.
    **dict.fromkeys(
        (b"s_key", b"s-key", b"sKey", b"S_KEY", b"t_key", b"tKey", b"T_KEY", b"e_key", b"eKey"), _OTHER_KEY
    ),
    **dict.fromkeys((b"E_KEY", b"n_key", b"n-key", b"n-Key", b"nKey", b"N_KEY", b"g_key", b"G_KEY"), _OTHER_KEY),
    **dict.fromkeys((b"r_key", b"r-key", b"rKey", b"R_KEY"), _OTHER_KEY),
    **dict.fromkeys((b"uthorization", b"UTHORIZATION", b"redential", b"REDENTIAL"), _AUTHORIZATION),
    **dict.fromkeys((b'ookie"', b"ookie\\", b"ookie'"), _COOKIE),
    # With what follows the name, for every model call has fields such as `max_tokens`.
    **dict.fromkeys((b'_token"', b"_token\\", b"_token'", b"_token=", b"_token:"), _TOKEN),
    **dict.fromkeys((b'-token"', b"-token\\", b"-token'", b"-token=", b"-token:", b"-token "), _TOKEN),
    **dict.fromkeys((b'Token"', b"Token\\", b"Token'", b"Token=", b"Token:"), _TOKEN),
    **dict.fromkeys((b'_TOKEN"', b"_TOKEN\\", b"_TOKEN'", b"_TOKEN=", b"_TOKEN:"), _TOKEN_VARIABLE),
    **dict.fromkeys((b"&sig=", b"-Signature=", b";Pwd="), _SIGNATURE),
}
"""The forms by their markers. A word's first letter is left out where it may be a capital."""
