"""Panels: what the page of statistics shows, one `.sql` file each, ours beside this file and the user's in a folder.

    -- Cost by model              the title
    -- chart: bars                how the rows are drawn; see CHARTS
    -- unit: usd                  what its figures are; see UNITS
    -- opens: model:{model}       the filter that a click on a row leads to, with the row's columns in braces
    select …                      a statement that reads; `$bucket` is a width in nanoseconds that suits the time shown,
                                  `$calls` the model calls, each once (see `calls`)

The first column says what a row is of; the others are its figures. A text in the second column makes a series of each
of its values. Without a chart named, the rows are a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tracer.errors import QueryError
from tracer.viewer.panels.calls import CALLS

OURS = Path(__file__).parent

CHARTS = ("table", "bars", "lines", "columns", "figures")
"""How rows are drawn: `bars` lie, one a row; `lines` and `columns` are over time, the first column being Unix
nanoseconds; `figures` are the one row's."""

UNITS = ("count", "usd", "ns", "tokens", "share", "time")
"""What a figure is: `usd` are dollars, `ns` nanoseconds, `share` is from 0 to 1, `time` Unix nanoseconds."""

_KEY = re.compile(r"--\s*(?P<key>[a-z]+):\s*(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `unit` holds for every figure; a column can have its own, as in `p95:ns`."""

    name: str
    title: str
    sql: str
    chart: str = "table"
    unit: str = "count"
    opens: str | None = None
    is_ours: bool = True

    def filled(self, bucket: int) -> str:
        """Return its SQL with a width of time in nanoseconds in it, and the calls."""
        return self.sql.replace("$bucket", str(bucket)).replace("$calls", CALLS)


def find(folders: Iterable[Path]) -> list[Path]:
    """Return the files of our panels, and after them those of the user's folders, each folder by name."""
    return [file for folder in (OURS, *folders) for file in sorted(folder.glob("*.sql"))]


def read(file: Path) -> Panel:
    """Return the panel of a file. Raises QueryError where its head says what there is not, or it cannot be read."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{file.name} cannot be read: {error}") from error
    is_ours = file.parent == OURS
    name = re.sub(r"^\d+[-_]", "", file.stem)
    told, title = _head(text)
    if wrong := told.keys() - {"chart", "unit", "opens"}:
        raise QueryError(f"{file.name}: a panel says chart, unit or opens in its head, not {', '.join(sorted(wrong))}")
    for key, known in (("chart", CHARTS), ("unit", UNITS)):
        if told.get(key, known[0]) not in known:
            raise QueryError(f"{file.name}: {key} is one of {', '.join(known)}; not {told[key]!r}")
    return Panel(
        name if is_ours else f"my-{name}", title or name.replace("_", " ").capitalize(), text, is_ours=is_ours, **told
    )


def _head(text: str) -> tuple[dict[str, str], str]:
    """Return what the comments at the top of a file say, and the first of them that is a title."""
    told: dict[str, str] = {}
    title = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if found := _KEY.fullmatch(line.strip()):
            told[found["key"]] = found["value"].strip()
        elif not title:
            title = line.strip("- ")
    return told, title
