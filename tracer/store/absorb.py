"""Move segments of the journal into DuckDB: those that no process writes to any more, each exactly once.

A slice is up to 17 MB of segments. Reading and enriching them needs no gate; what is stored of the same traces is read
with the readers; then one transaction inserts the rows together with the segments' names, and the files are deleted
after it. So a crash leaves a segment either waiting, or named in the store and deleted by the next absorber.

A recording process never does this itself: it starts `tracer absorb`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from tracer.errors import StoreLocked
from tracer.journal.attachments import waiting as waiting_attachments
from tracer.journal.layout import JOURNAL_VERSION, Layout, Segment
from tracer.journal.locks import is_at, is_locked, locked, try_lock
from tracer.store import attachments, batches, fresh, notes, quarantine
from tracer.store.batches import Batch
from tracer.store.database import attached, connect, told, wants_memory
from tracer.store.durable import sync
from tracer.store.enrich import enrich
from tracer.store.lines import read_lines
from tracer.store.prices import source

SLICE_BYTES = 17 * 1024 * 1024
"""What one transaction holds: two full segments, which are a line longer than 8 MB each. Readers wait some 0.2 s for
it. Smaller ones cost more each than they hold, and larger ones more memory."""

SLICE_SEGMENTS = 200

_MAKING_SECONDS = 3600
"""Far longer than it takes to make a file of the journal."""

_MODEST = "set threads = 1; set memory_limit = '112MB'; set checkpoint_threshold = '1KB'; set max_vacuum_tasks = 0"
"""DuckDB's share of the machine: at this size of slices one thread is as fast as two. Each commit writes straight
to the file, not to a log first. Row groups are joined by us (tracer.store.batches)."""


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What an absorbing moved. `spans` counts the rows that were inserted, `quarantined_lines` those set aside."""

    segments: int = 0
    spans: int = 0
    quarantined_lines: int = 0
    attachments: int = 0

    def __add__(self, other: Absorbed) -> Absorbed:
        return Absorbed(
            self.segments + other.segments,
            self.spans + other.spans,
            self.quarantined_lines + other.quarantined_lines,
            self.attachments + other.attachments,
        )


def main(path: Path, *, background: bool = False) -> Absorbed:
    """Absorb until nothing waits. In the background: at low priority, and only if no other absorber is at it.

    Raises StoreLocked, StoreTooNew, StoreDamaged or StoreUnavailable; what waits then goes on waiting.
    """
    if background and sys.platform != "win32":
        os.nice(15)  # where all cores are taken, one that is busy loses 3% to it; at 10 it would be 10%
    done = Absorbed()
    idle = 0
    # Whoever finds an absorber at work leaves, so that one looks again after it has let go of its lock. A segment that
    # cannot be taken may be one that somebody just looks at.
    while waiting(path) and idle < 5:
        try:
            step = absorb(path, patience=0 if background else 60)
        except StoreLocked:
            if background and is_locked(Layout(path).absorb_lock):
                break
            raise
        done += step
        if not step.segments:
            idle += 1
            time.sleep(0.02)
    if not waiting(path):
        notes.clear_failure(Layout(path))
    return done


def waiting(path: Path) -> bool:
    """Return whether there is something to absorb. Opens no database. Raises StoreUnavailable."""
    layout = Layout(path)
    with told(layout):
        return any(_is_ready(segment) for segment in layout.segments()) or _are_left_behind(layout)


def _are_left_behind(layout: Layout) -> bool:
    """Return whether attachments wait that no segment brings along any more."""
    return bool(waiting_attachments(layout)) and not any(map(is_locked, layout.live_files().values()))


def absorb(path: Path, *, patience: float = 60) -> Absorbed:
    """Absorb what waits now, in this process, after waiting up to `patience` seconds for another absorber to end.

    Raises StoreLocked, StoreTooNew, StoreDamaged or StoreUnavailable; what waits then goes on waiting.
    """
    layout = Layout(path.absolute())
    if not layout.folder.is_dir():
        return Absorbed()
    with sole_writer(layout, patience):
        return absorb_what_waits(layout)


@contextmanager
def sole_writer(layout: Layout, patience: float) -> Iterator[None]:
    """Be the one process that changes the store, for the block. Raises StoreLocked after `patience` seconds."""
    with told(layout), locked(layout.absorb_lock, shared=False, timeout=patience) as taken:
        if not taken:
            raise StoreLocked(f"another process is absorbing to {layout.store} already.")
        yield


def absorb_what_waits(layout: Layout) -> Absorbed:
    """Absorb, as the sole writer of the store."""
    done = Absorbed()
    sizes = {segment: segment.path.stat().st_size for segment in layout.segments() if _is_ready(segment)}
    if sizes or waiting_attachments(layout):
        with closing(connect(layout)) as connection:
            connection.execute(_MODEST)
            # Before the rows that refer to them, for it is segments that an absorber is started for.
            done += Absorbed(attachments=attachments.absorb(layout, connection))
            if sizes:
                _begin(layout, connection)
                for segments in _slices(sizes):
                    done += _absorb_slice(layout, connection, segments)
    _forget_the_dead(layout)
    return done


def _is_ready(segment: Segment) -> bool:
    """A newer journal is left to a newer absorber; a locked segment is still being written."""
    return segment.version <= JOURNAL_VERSION and not is_locked(segment.path)


def _begin(layout: Layout, connection: DuckDBPyConnection) -> None:
    """Make the store if need be, take over its prices, and end what an absorber began that died before deleting."""
    with attached(layout, connection, to_write=True):
        connection.execute("create table fresh.prices as from store.prices where source = ?", [source()])
        names = {segment.name: segment for segment in layout.segments()}
        stored = fresh.absorbed(connection, list(names))
    if stored:
        _delete(layout, [names[name] for name in stored])


def _slices(sizes: dict[Segment, int]) -> Iterator[list[Segment]]:
    """Group small segments; one that is large is a slice of its own."""
    group: list[Segment] = []
    total = 0
    for segment, size in sizes.items():
        if group and (total + size > SLICE_BYTES or len(group) == SLICE_SEGMENTS):
            yield group
            group, total = [], 0
        group.append(segment)
        total += size
    yield group


def _absorb_slice(layout: Layout, connection: DuckDBPyConnection, segments: list[Segment]) -> Absorbed:
    with _taken(segments) as ours:
        try:
            return _absorb_taken(layout, connection, ours)
        except duckdb.Error as error:
            if not wants_memory(error):
                raise
            # For a line of 8 MB DuckDB may want far more at once than all else takes.
            connection.execute("set memory_limit = '1GB'")
            return _absorb_taken(layout, connection, ours)


def _absorb_taken(layout: Layout, connection: DuckDBPyConnection, segments: list[Segment]) -> Absorbed:
    size = sum(segment.path.stat().st_size for segment in segments)
    unreadable = read_lines(connection, [segment.path for segment in segments])
    for path, lines in unreadable.items():
        quarantine.set_aside(layout, path, lines)
    fresh.forget(connection, notes.purged_traces(layout))
    fresh.sort_lines(connection)
    enrich(connection)
    _step("read")
    with attached(layout, connection):
        fresh.settle(connection)
        fresh.summarize(connection)
        (spans,) = connection.execute("select count(*) from fresh.spans").fetchall()[0]
        added = Batch(spans, size)
        _, whole = batches.joined(batches.remembered(connection, "spans"), added)
    _step("settled")
    with attached(layout, connection, to_write=True, row_group_size=batches.row_group_size(whole.rows)):
        connection.execute("begin")
        _insert(connection, segments, added)
        _step("inserted")
        connection.execute("commit")
        _step("committed")
    _step("closed")
    _delete(layout, segments)
    return Absorbed(len(segments), spans, sum(map(len, unreadable.values())))


def _delete(layout: Layout, segments: list[Segment]) -> None:
    """Delete segments that are stored. DuckDB has synced what it committed; a new file's name is synced here, so that
    no power cut takes both."""
    sync(layout.store.parent)
    for segment in segments:
        segment.path.unlink(missing_ok=True)
        _step("deleted")


def _insert(connection: DuckDBPyConnection, segments: list[Segment], added: Batch) -> None:
    """Write the fresh rows in place of those that they beat. `added` is what the spans are."""
    if connection.execute("select 1 from fresh.beaten limit 1").fetchone():
        connection.execute(_DELETE_BEATEN)
    connection.execute(_DELETE_OTHERS)
    if added.rows:
        batches.append(connection, "spans", f"select {fresh.SPANS} from fresh.spans", added)
    names = [segment.name for segment in segments]
    connection.execute(
        "create or replace temp table segments as select unnest(?::varchar[]) as name, ?::bigint as absorbed_ns",
        [names, time.time_ns()],
    )
    for table, query in _OTHERS.items():
        (rows,) = connection.execute(f"select count(*) from ({query})").fetchall()[0]
        if rows:
            batches.append(connection, table, query, Batch(rows, rows * _OTHER_ROW_BYTES))


_DELETE_BEATEN = f"delete from store.spans s where exists ({fresh.BEATEN})"

_DELETE_OTHERS = """
    delete from store.traces where trace_id in (select trace_id from fresh.known_traces);
    delete from store.processes where process_id in (select process_id from fresh.processes);
    delete from store.prices where (provider, model) in (select (provider, model) from fresh.new_prices);
"""

_OTHERS = {
    "traces": "from fresh.traces",
    "processes": "from fresh.processes",
    "functions": """
        from fresh.functions f where not exists (from store.functions s where s.function_id = f.function_id)""",
    "scores": """
        from fresh.scores f where not exists (
            from store.scores s
            where s.trace_id = f.trace_id and s.name = f.name and s.time_ns is not distinct from f.time_ns)""",
    "attachment_uses": """
        select data->>'hash' as hash, data->>'trace_id' as trace_id,
            max(try_cast(data->>'time_ns' as bigint)) as time_ns
        from fresh.lines where record = 'attachment' group by all
        having (hash, trace_id) not in (select (hash, trace_id) from store.attachment_uses)""",
    "prices": "from fresh.new_prices",
    "segments": "from temp.segments",
}
"""What is added to the other tables."""

_OTHER_ROW_BYTES = 1024
"""About what a row of theirs holds."""


@contextmanager
def _taken(segments: list[Segment]) -> Iterator[list[Segment]]:
    """Hold the locks of these segments for the block; those that somebody holds, or that are gone, are left out."""
    with ExitStack() as held:
        ours = []
        for segment in segments:
            try:
                descriptor = os.open(segment.path, os.O_RDWR)
            except FileNotFoundError:
                continue
            held.callback(os.close, descriptor)
            if try_lock(descriptor) and is_at(segment.path, descriptor):
                ours.append(segment)
        yield ours


def _forget_the_dead(layout: Layout) -> None:
    """Remove the liveness files of dead processes, and the files in whose making they died, which are empty.

    Their ids are never used again, so what is dead stays dead.
    """
    for path in layout.live_files().values():
        if not is_locked(path):
            path.unlink(missing_ok=True)
    for path in layout.drafts():
        with suppress(FileNotFoundError):  # it has its name now
            if time.time() - path.stat().st_mtime > _MAKING_SECONDS and not is_locked(path):
                path.unlink()


def _step(name: str) -> None:
    """Mark a moment in which the absorber may be killed; tests put something here that does it."""
