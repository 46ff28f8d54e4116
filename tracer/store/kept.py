"""What a reader that lives on need not read again: its live rows, in a DuckDB file that only it uses.

They are kept as soon as a second question finds store and journal as the first one did. So a command that asks once
keeps nothing, nor does a reader that finds new spans each time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from tracer.journal.layout import Layout, Segment

State = object
"""What there was when live rows were read; equal to a later one only if nothing changed since."""

_TABLES = ("spans", "beaten", "known_traces", "traces", "processes", "functions", "scores")
"""What a reader makes of the journal, in the schema `fresh`."""


class _File:
    """A file that is removed when nobody refers to it any more, be it a question that is still being answered."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="llm-tracer-")
        self.quoted = "'" + str(Path(folder, "kept.duckdb")).replace("'", "''") + "'"
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)


class Kept:
    """The live rows of the last state that was asked about twice. Threads may share it."""

    def __init__(self) -> None:
        self._seen: State = None
        self._kept: tuple[State, _File] | None = None

    def is_due(self, state: State) -> bool:
        """Return whether what is made in this state is worth keeping."""
        due = state == self._seen
        self._seen = state
        return due

    def forget_others(self, state: State) -> None:
        """Delete what was kept in any other state: it is of no use any more, and may hold what was purged since."""
        if self._kept is not None and self._kept[0] != state:
            self._kept = None

    def keep(self, connection: DuckDBPyConnection, state: State) -> None:
        """Keep the tables of `fresh`; where there is no room for them, do not."""
        try:
            file = _File()
            connection.execute(f"attach {file.quoted} as kept; set force_compression = 'uncompressed'")
            for name in _TABLES:
                connection.execute(f"create table kept.{name} as from fresh.{name}")
            connection.execute("reset force_compression; detach kept")
        except (OSError, duckdb.IOException, duckdb.OutOfMemoryException):
            connection.execute("reset force_compression; detach database if exists kept")
        else:
            self._kept = (state, file)

    def show(self, connection: DuckDBPyConnection, state: State) -> _File | None:
        """Let `fresh` show what was kept in this state; return the file, to hold as long as it is asked, or None."""
        kept = self._kept
        if kept is None or kept[0] != state:
            return None
        try:
            connection.execute(f"attach {kept[1].quoted} as kept (read_only)")
        except duckdb.IOException:  # somebody cleaned up where temporary files lie
            self._kept = None
            return None
        for name in _TABLES:
            connection.execute(f"create view fresh.{name} as from kept.{name}")
        return kept[1]


def state_of(layout: Layout, segments: Sequence[Segment]) -> State:
    """Return what tells whether the store, what is purged, or any of these segments has changed.

    A process writes to its last segment; a thread that was interrupted in the midst, to the one before. Those before
    these two are only named: to look at thousands would take longer than most questions.
    """
    written = [
        segment
        for segment, later in zip_longest(segments, segments[2:])
        if later is None or later.process_id != segment.process_id
    ]
    paths = [str(layout.store), str(layout.purged), *(f"{segment.folder}/{segment.name}" for segment in written)]
    return [segment.name for segment in segments], list(map(_state_of_file, paths))


def _state_of_file(path: str) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except FileNotFoundError:  # as a store that is not there yet, or a segment that was absorbed just now
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
