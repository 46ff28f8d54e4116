"""Show a text that a model, a user or a stranger wrote so that it drives no terminal.

Whatever moves the cursor, sets a title, writes the clipboard, hides behind a link or turns the direction of reading
begins with a character that is replaced here. Nothing else is changed.
"""

from __future__ import annotations

import json
import re

_HARMFUL = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and line feed, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of reading
    r"\u2028\u2029\ufff9-\ufffb\ufeff\U000e0000-\U000e007f"  # line ends of other kinds, invisible notes and tags
    r"\ud800-\udfff"  # halves of characters, which no output can encode
)
_HARMFUL_IN_LINES = re.compile(f"[{_HARMFUL}]")
_HARMFUL_IN_JSON = re.compile(f"[\t{_HARMFUL}]")


def plain(text: str) -> str:
    """Return the text on one line, with nothing in it that a terminal would obey."""
    return plain_lines(text.replace("\n", "⏎ "))


def plain_lines(text: str) -> str:
    """Return the text with its lines, and nothing else in it that a terminal would obey."""
    return _HARMFUL_IN_LINES.sub("�", text.replace("\t", " "))


def plain_json(text: str) -> str:
    """Return a JSON text that says the same, with what a terminal would obey written as `\\u…`."""
    return _HARMFUL_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)
