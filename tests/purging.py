"""A store to purge: traces of several owners and days, some with a word that has to go."""

from __future__ import annotations

from pathlib import Path

from journal_lines import SECOND, call, span, written

from tracer.store import Store
from tracer.store.absorb import absorb

MARKER = "the-word-that-must-go"
DAY = 86400 * SECOND


def marked(trace: int, **columns: object) -> list[dict[str, object]]:
    """A trace with the marker wherever a text can stand, in columns that are compressed and such that are not."""
    text = f"{MARKER} {trace}"
    return [
        span(f"root {text}", trace=trace, input={"q": text}, output=text, metadata={"m": text}, **columns),
        call(
            f"chat {text}", trace=trace, parent=f"root {text}", status_message=text, attributes={"a": text}, **columns
        ),
    ]


def names(path: Path) -> list[str]:
    return [row["name"] for row in Store(path).sql("select name from spans order by start_ns, name")]


def files_with_the_marker(path: Path) -> list[str]:
    """Every file of the store, its journal and what else lies beside them, that holds the marker as it is."""
    files = [file for file in path.parent.rglob("*") if file.is_file()]
    return [str(file.relative_to(path.parent)) for file in files if MARKER.encode() in file.read_bytes()]


def filled(path: Path) -> None:
    """Ten traces of two sessions and three users, each a day apart; those with even numbers bear the marker."""
    for number in range(10):
        owner = {"session_id": f"s{number % 2}", "user_id": f"u{number % 3}"}
        rows = marked(number, **owner) if number % 2 == 0 else [span(f"plain {number}", trace=number, **owner)]
        for row in rows:
            row["start_ns"] += number * DAY
            row["end_ns"] += number * DAY
        written(path, *rows)
    absorb(path)


def kept(path: Path) -> list[int]:
    """The numbers of the traces that a reader is shown."""
    ids = Store(path).sql("select distinct trace_id from spans order by trace_id")
    return [int(row["trace_id"][-2:], 16) for row in ids]
