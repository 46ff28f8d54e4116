"""Words, sentences and their likeness: all the understanding that the built-in model has."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about after again all also am an and any are as at be been before but by can could did do does
        done each for from get give had has have he her here him his how i if in into is it its just me more
        most my no nor not of on one or other our out over please she should so some such tell than that the
        their them then there these they this those to too up us was we were what when where which while who
        whom whose why will with would you your""",
    )
)

_WORD = re.compile(r"[^\W_]+")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_TABLE_HEAD = re.compile(r"^\|.*\n\|[-:| ]+\|$", re.M)
_MARKUP = re.compile(r"^(?:[#>*\-\s]|\d+[.)]\s)+|\*\*|__")


def stems(text: str) -> list[str]:
    """The telling words of a text, in lower case and cut to their stems; wide scripts in pairs of characters."""
    found: list[str] = []
    for word in _WORD.findall(_CAMEL.sub(" ", text)):
        if _WIDE.search(word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        elif word.lower() not in STOP_WORDS:
            found.append(stem(word.lower()))
    return found


def stem(word: str) -> str:
    for ending in ("ings", "ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def sentences(text: str) -> list[str]:
    """The statements of a text: headings, code, questions and crumbs are left out, a table's rows become lists."""
    found = []
    for block in re.split(r"```.*?(?:```|\Z)", _TABLE_HEAD.sub("", text), flags=re.S):
        for line in _SENTENCE_END.split(_unwrap(block)):
            sentence = _row(line) if line.lstrip().startswith("|") else _MARKUP.sub("", line).strip()
            heading = line.lstrip().startswith("#")
            if not heading and not sentence.endswith(("?", "？", ":")) and len(sentence) > 8:
                found.append(sentence if _SENTENCE_END.search(sentence + " ") else f"{sentence}.")
    return found


def _unwrap(block: str) -> str:
    """Join the lines of a wrapped paragraph; lists, tables and headings keep theirs."""
    return re.sub(r"(?<=[^\s|:])\n(?=[^\s#|>*\-\d\[])", " ", block)


def _row(line: str) -> str:
    first, *others = [cell.strip() for cell in line.strip().strip("|").split("|")]
    return f"{first}: {', '.join(others)}"


def best_sentences(candidates: Sequence[str], query: Iterable[tuple[str, float]], limit: int = 2) -> list[str]:
    """Up to `limit` candidates that together hold the most of the query, its rarest words above all.

    `query` is pairs of a stem and its weight. Empty when no candidate shares a word. The first is the
    best; another comes along if what it adds weighs at least half of that.
    """
    words = [frozenset(stems(candidate)) for candidate in candidates]
    missing = {
        word: weight * math.log(1 + len(words) / seen)
        for word, weight in query
        if (seen := sum(word in one for one in words))
    }
    chosen: list[int] = []
    enough = 0.0
    while len(chosen) < limit and missing:
        gains = [sum(missing[word] for word in sorted(one & missing.keys())) for one in words]
        best = max(range(len(gains)), key=gains.__getitem__)
        if gains[best] < enough or not gains[best]:
            break
        chosen.append(best)
        enough = enough or gains[best] / 2
        missing = {word: weight for word, weight in missing.items() if word not in words[best]}
    return [candidates[index] for index in chosen]
