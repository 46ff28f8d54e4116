"""Where the journal of a store lies and how its files are named: what both sides know.

    traces.duckdb                           the store
    traces.duckdb.journal/
        gate                                lock: readers shared; absorbing, migrating and purging exclusive
        turn                                lock: held in the same way while the gate is waited for
        absorb.lock                         lock: the one absorber of the store
        <process id>.live                   lock: held by a recording process for its life
        1-<process id>-000001.ndjson        a segment: locked while its process may still append to it
        attachments/                        contents that segments refer to, see `attachments`
        quarantine/                         lines that could not be read, kept aside
        absorb.error                        why the last absorber in the background failed, if it did
        purged                              traces whose rows are dropped wherever they are met
        retention                           its time is when the retention was last carried out

A segment is a file of lines, each a JSON object. A line without `record` is a span row whose keys are
columns of `spans`; the others carry `record` (`process`, `function`, `score` or `attachment`) and `data`.
"""

from __future__ import annotations

import os
import re
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL_VERSION = 1

MAX_LINE_BYTES = 8 * 1024 * 1024
"""The longest line that is ever written, its newline included."""

_SEGMENT_NAME = r"(\d+)-([0-9a-f]{32})-(\d{6,})\.ndjson"


class Segment(NamedTuple):
    """One segment file, as its name tells it."""

    folder: Path
    name: str
    version: int
    process_id: str
    number: int

    @property
    def path(self) -> Path:
        return self.folder / self.name


class Layout(NamedTuple):
    """The paths of one store and its journal. Nothing is created by asking."""

    store: Path

    @property
    def folder(self) -> Path:
        return self.store.with_name(self.store.name + ".journal")

    @property
    def gate(self) -> Path:
        return self.folder / "gate"

    @property
    def turn(self) -> Path:
        return self.folder / "turn"

    @property
    def absorb_lock(self) -> Path:
        return self.folder / "absorb.lock"

    @property
    def attachments(self) -> Path:
        return self.folder / "attachments"

    @property
    def quarantine(self) -> Path:
        return self.folder / "quarantine"

    @property
    def spill(self) -> Path:
        return self.folder / "spill"

    @property
    def absorb_error(self) -> Path:
        return self.folder / "absorb.error"

    @property
    def purged(self) -> Path:
        return self.folder / "purged"

    @property
    def retention(self) -> Path:
        return self.folder / "retention"

    def live(self, process_id: str) -> Path:
        return self.folder / f"{process_id}.live"

    def segment(self, process_id: str, number: int) -> Path:
        return self.folder / f"{JOURNAL_VERSION}-{process_id}-{number:06}.ndjson"

    def segments(self) -> list[Segment]:
        """Return the segments that lie there now, those of a process in the order in which it wrote them."""
        folder = self.folder
        names = [match for name in _names(folder) if (match := re.fullmatch(_SEGMENT_NAME, name))]
        found = [Segment(folder, match[0], int(match[1]), match[2], int(match[3])) for match in names]
        return sorted(found, key=itemgetter(3, 4))

    def live_files(self) -> dict[str, Path]:
        """Return the liveness file of every process that has one, by process id; its lock tells whether it lives."""
        return {
            name[:-5]: self.folder / name for name in _names(self.folder) if name.endswith(".live") and name[0] != "."
        }

    def drafts(self) -> list[Path]:
        """Return the files that were made under a dot name and have no other yet: of a moment ago, or for ever."""
        ends = (".ndjson", ".live")
        return [self.folder / name for name in _names(self.folder) if name[0] == "." and name.endswith(ends)]


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
