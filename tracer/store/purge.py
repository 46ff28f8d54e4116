"""Delete traces for good: their rows, their lines in the journal and in quarantine, and their bytes in the file.

DuckDB leaves what was deleted in the file, so what stays is written to a new one that takes the old one's place at
once. Until then nothing has changed, whenever it is killed. Readers go on meanwhile, and so does recording.

Rows in segments of programs that still run cannot be taken out. They are dropped when they are absorbed: a purged
trace is remembered, and stays purged.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson
from duckdb import DuckDBPyConnection

from tracer.errors import StoreUnavailable, UsageError
from tracer.journal.layout import Layout
from tracer.rows import JSON_COLUMNS
from tracer.store import attachments, live, notes, quarantine
from tracer.store.absorb import absorb_what_waits, sole_writer
from tracer.store.database import (
    COPIED_ROW_GROUP,
    attach_new,
    attached,
    connect,
    gate,
    is_absent,
    replace,
    told,
    wants_memory,
)
from tracer.store.lookup import found
from tracer.store.patience import interruptible
from tracer.store.quarantine import Kept
from tracer.units import age_ns

_MODEST = "set threads = 1; set memory_limit = '512MB'; set max_vacuum_tasks = 0; set checkpoint_threshold = '1KB'"
"""DuckDB's share of the machine. With one thread the rows stay in their order, and row groups as they were written."""

_AT_ONCE_BYTES = 64 * 1024 * 1024
"""What is copied at once of long rows: DuckDB holds a row group uncompressed until it is full."""

LARGE_BYTES = 5_000_000_000
"""From this size of the store on, a hint names `tracer purge`."""

_STILL_WARM_NS = 3600 * 10**9
"""How long after its last row a trace of an unknown state is expected to get others."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which traces: those for which all that is given holds.

    `before_ns`: nothing of it happened after that time (Unix nanoseconds), and none of it is running. `session_id`,
    `user_id`: one of its spans has it. `trace_ids`: beginnings of ids, each of one trace.
    """

    before_ns: int | None = None
    session_id: str | None = None
    user_id: str | None = None
    trace_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.before_ns is None and not (self.session_id or self.user_id or self.trace_ids):
            raise UsageError("say what to purge: an age, a session, a user or traces")


def selection(
    trace_ids: tuple[str, ...] = (),
    *,
    older_than: str | None = None,
    session_id: str | None = None,
    user_id: str | None = None,
) -> Selection:
    """Return what people write as a Selection; `older_than` is an age such as "30d". Raises UsageError."""
    before_ns = None
    if older_than is not None:
        if (age := age_ns(older_than)) is None:
            raise UsageError(f"{older_than!r} is no age: write it like 30d, 2w or 12h")
        before_ns = max(0, time.time_ns() - age)
    return Selection(before_ns, session_id, user_id, tuple(trace_ids))


@dataclass(frozen=True, slots=True)
class Found:
    """What a purge would delete. `bytes` is an estimate of what the store would shrink by."""

    traces: int = 0
    spans: int = 0
    bytes: int = 0
    quarantined_lines: int = 0
    attachments: int = 0

    def __bool__(self) -> bool:
        return bool(self.spans or self.quarantined_lines)


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge deleted.

    Of `spans`, `waiting_spans` lie in segments of programs that still run: nobody is shown them any more, and they are
    deleted when those segments are absorbed. `freed_bytes` is how much smaller the store has become.
    """

    traces: int = 0
    spans: int = 0
    waiting_spans: int = 0
    quarantined_lines: int = 0
    freed_bytes: int = 0
    attachments: int = 0


def find(path: Path, chosen: Selection) -> Found:
    """Return what a purge would delete now. Changes nothing; raises as Store does, and TraceNotFound."""
    layout = Layout(path.absolute())
    with told(layout), closing(connect(layout)) as connection, attached(layout, connection):
        live.show(connection, layout, traces=False)
        _choose(connection, chosen)
        traces, spans, _ = _counts(connection)
        is_purged = _line_check(connection, chosen)
        lines = sum(is_purged(kept) for kept in quarantine.kept_lines(layout))
        gone, _ = _attachments(connection)
        return Found(traces, spans, _estimated_bytes(layout, connection), lines, gone)


def purge(path: Path, chosen: Selection, *, tell: Callable[[str], object] = str) -> Purged:
    """Delete these traces. `tell` is given each step's name as it begins.

    Raises StoreLocked, StoreTooNew, StoreDamaged, StoreUnavailable or TraceNotFound; then all is as it was.
    """
    layout = Layout(path.absolute())
    if is_absent(layout.store) and not layout.folder.is_dir():
        return Purged()
    layout.folder.mkdir(mode=0o700, exist_ok=True)
    with sole_writer(layout, patience=60):
        _clear_leftovers(layout)
        tell("absorbing what waits")
        absorb_what_waits(layout)
        try:
            done = _purge_within(layout, chosen, tell, by_bytes=False)
        except duckdb.Error as error:
            if not wants_memory(error):
                raise
            done = _purge_within(layout, chosen, tell, by_bytes=True)
        with gate(layout, shared=False):
            shutil.rmtree(layout.spill, ignore_errors=True)
    return done


def keep(path: Path, retention: str) -> Purged | None:
    """Purge what is older than the retention, unless that was done within a day."""
    layout = Layout(path.absolute())
    if not layout.folder.is_dir() or notes.is_kept_today(layout):
        return None
    done = purge(path, selection(older_than=retention))
    notes.note_kept(layout)
    return done


def _purge_within(layout: Layout, chosen: Selection, tell: Callable[[str], object], *, by_bytes: bool) -> Purged:
    with closing(connect(layout)) as connection:
        connection.execute(_MODEST)
        return interruptible(connection, lambda: _purge(layout, connection, chosen, tell, by_bytes=by_bytes))


def _purge(
    layout: Layout, connection: DuckDBPyConnection, chosen: Selection, tell: Callable[[str], object], *, by_bytes: bool
) -> Purged:
    # Folds the log into the file and brings it up to date; meets whoever else holds it before all the work is done.
    with attached(layout, connection, to_write=True):
        pass
    store = layout.store.resolve()
    before = store.stat()
    with _draft_beside(store) as draft:
        with attached(layout, connection):
            tell("looking for what to delete")
            live.show(connection, layout, traces=False)
            _choose(connection, chosen)
            traces, spans, waiting = _counts(connection)
            gone, _ = _attachments(connection)
            is_purged = _line_check(connection, chosen)
            if traces:
                _check_room(layout, connection)
                with _progress(draft, before.st_size - _estimated_bytes(layout, connection), tell):
                    _write_what_stays(layout, connection, draft, by_bytes=by_bytes)
                notes.note_purged(layout, _expected_again(connection))
        _step("written")
        if traces:
            tell("putting the new file in place")
            replace(layout, connection, draft, before)
        _step("replaced")
    lines = quarantine.drop(layout, is_purged)
    return Purged(traces, spans, waiting, lines, before.st_size - store.stat().st_size, gone)


def _choose(connection: DuckDBPyConnection, chosen: Selection) -> None:
    """Make `fresh.chosen`, the ids of the traces, and `fresh.waiting`, the live rows."""
    conditions = ["true"]
    parameters: list[Any] = []
    for column, value in (("session_id", chosen.session_id), ("user_id", chosen.user_id)):
        if value is not None:
            conditions.append(f"trace_id in (select trace_id from spans where {column} = ?)")
            parameters.append(value)
    if chosen.trace_ids:
        conditions.append("list_contains(?::varchar[], trace_id)")
        parameters.append([found(connection, prefix)[0] for prefix in chosen.trace_ids])
    having = "true"
    if chosen.before_ns is not None:
        having = "max(greatest(start_ns, coalesce(end_ns, start_ns))) < ? and not bool_or(status = 'RUNNING')"
        parameters.append(chosen.before_ns)
    connection.execute(
        f"create table fresh.chosen as select trace_id from spans where {' and '.join(conditions)} "
        f"group by trace_id having {having}",
        parameters,
    )
    is_live = connection.execute("select 1 from duckdb_views() where view_name = 'spans' and schema_name = 'fresh'")
    has_live = is_live.fetchone()
    connection.execute(f"create view fresh.waiting as from {'fresh.spans' if has_live else 'store.spans limit 0'}")
    if not has_live:
        connection.execute("create table fresh.lines (record varchar, data json)")
    connection.execute(_KEEP_ATTACHMENTS if attachments.is_known(connection) else _NO_ATTACHMENTS)


_KEEP_ATTACHMENTS = """
    create table fresh.kept_attachments as
    select a.hash, a.bytes,
        hash in (select hash from store.attachment_uses u where u.trace_id not in (from fresh.chosen))
        or hash in (
            select data->>'hash' from fresh.lines
            where record = 'attachment' and (data->>'trace_id') not in (from fresh.chosen)) as stays
    from store.attachments a
"""
"""A trace tells that it refers to an attachment before that is there; so none that is wanted again is missed."""

_NO_ATTACHMENTS = "create table fresh.kept_attachments (hash varchar, bytes bigint, stays boolean)"


def _counts(connection: DuckDBPyConnection) -> tuple[int, int, int]:
    """Return how many traces are chosen, how many spans they have, and how many of these are live rows."""
    row: tuple[int, int, int] = connection.execute("""
        select (select count(*) from fresh.chosen),
            (select count(*) from spans where trace_id in (from fresh.chosen)),
            (select count(*) from fresh.waiting where trace_id in (from fresh.chosen))
    """).fetchall()[0]
    return row


def _attachments(connection: DuckDBPyConnection) -> tuple[int, int]:
    """Return how many attachments go with the chosen traces, and how many bytes these have."""
    row: tuple[int, int] = connection.execute(
        "select count(*), coalesce(sum(bytes), 0)::bigint from fresh.kept_attachments where not stays"
    ).fetchall()[0]
    return row


def _estimated_bytes(layout: Layout, connection: DuckDBPyConnection) -> int:
    """Return the bytes of the attachments that go, and the share of the chosen rows in the rest of the file, as if all
    rows were alike."""
    gone, all_rows = connection.execute("""
        select count(*) filter (trace_id in (from fresh.chosen)), count(*) from store.spans
    """).fetchall()[0]
    if not all_rows:
        return 0
    (stored,) = connection.execute("select coalesce(sum(bytes), 0)::bigint from fresh.kept_attachments").fetchall()[0]
    rest = max(0, layout.store.stat().st_size - int(stored))
    return _attachments(connection)[1] + rest * int(gone) // int(all_rows)


def _line_check(connection: DuckDBPyConnection, chosen: Selection) -> Callable[[Kept], bool]:
    """Return what tells whether a line in quarantine is to go: one that names a chosen trace, or fits the selection."""
    texts = [
        re.compile(rb'"%s"\s*:\s*%s' % (name, re.escape(orjson.dumps(value))))
        for name, value in ((b"session_id", chosen.session_id), (b"user_id", chosen.user_id))
        if value is not None
    ]
    ids = [prefix.lower().encode() for prefix in chosen.trace_ids]

    def is_purged(kept: Kept) -> bool:
        named = [id_.decode() for id_ in re.findall(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", kept.line)]
        if (
            named
            and connection.execute(
                "select 1 from fresh.chosen where list_contains(?::varchar[], trace_id) limit 1", [named]
            ).fetchone()
        ):
            return True
        is_old = chosen.before_ns is None or kept.time_ns < chosen.before_ns
        return (
            is_old
            and all(text.search(kept.line) for text in texts)
            and (not ids or any(id_ in kept.line for id_ in ids))
        )

    return is_purged


def _check_room(layout: Layout, connection: DuckDBPyConnection) -> None:
    """Raise StoreUnavailable where what stays will not fit on the disk beside the old file."""
    size = layout.store.stat().st_size
    needed = size - _estimated_bytes(layout, connection)
    free = shutil.disk_usage(layout.store.resolve().parent).free
    if free < needed:
        raise StoreUnavailable(
            f"a purge writes what stays of {layout.store} to a new file first, which takes about "
            f"{needed // 1_000_000} MB; {free // 1_000_000} MB are free. Free some, or purge more at once."
        )


@contextmanager
def _progress(draft: Path, expected_bytes: int, tell: Callable[[str], object]) -> Iterator[None]:
    """Tell once a second how much of the new file is written."""
    is_written = threading.Event()

    def watch() -> None:
        while not is_written.wait(1):
            written = draft.stat().st_size if draft.exists() else 0
            tell(f"writing what stays: {min(99, written * 100 // max(1, expected_bytes))} %")

    tell("writing what stays")
    watcher = threading.Thread(target=watch, name="llm-tracer", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_written.set()
        watcher.join()


def _write_what_stays(layout: Layout, connection: DuckDBPyConnection, draft: Path, *, by_bytes: bool) -> None:
    attach_new(connection, draft, "draft")
    try:
        connection.execute("copy from database store to draft (schema)")
        # The rows of programs that run may come to refer to these again.
        given = {"living": sorted(live.living(layout)), "warm_ns": time.time_ns() - _STILL_WARM_NS}
        tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
        for table in [*_STAYS, *(table for table in tables if table not in _STAYS)]:
            condition = _STAYS.get(table, "true")
            parameters = {name: value for name, value in given.items() if f"${name}" in condition}
            places = _places(connection) if by_bytes and table == "spans" else ["true"]
            for place in places:
                connection.execute(
                    f'insert into draft."{table}" from store."{table}" t where {condition} and {place}', parameters
                )
        connection.execute("checkpoint draft")
    finally:
        connection.execute("detach draft")


def _places(connection: DuckDBPyConnection) -> Iterator[str]:
    """Yield conditions that part the spans into what may be copied at once."""
    (last,) = connection.execute("select coalesce(max(rowid), -1) from store.spans").fetchall()[0]
    waiting = [range(begin, begin + COPIED_ROW_GROUP) for begin in range(0, last + 1, COPIED_ROW_GROUP)][::-1]
    while waiting:
        rows = waiting.pop()
        place = f"rowid between {rows.start} and {rows.stop - 1}"
        (size,) = connection.execute(f"select sum({_LENGTHS}) from store.spans where {place}").fetchall()[0]
        if (size or 0) <= _AT_ONCE_BYTES or len(rows) == 1:
            yield place
        else:
            middle = len(rows) // 2
            waiting += [rows[middle:], rows[:middle]]


_LENGTHS = " + ".join(f"coalesce(strlen({column}), 0)" for column in sorted(JSON_COLUMNS))

_TABLES = """
    select table_name from duckdb_tables() where database_name = 'draft' and schema_name = 'main' and not internal
"""

_NOT_CHOSEN = "not exists (from fresh.chosen c where c.trace_id = t.trace_id)"

_STAYS = {
    "spans": _NOT_CHOSEN,
    "traces": _NOT_CHOSEN,
    "scores": _NOT_CHOSEN,
    "processes": """
        process_id in (select process_id from draft.spans) or list_contains($living::varchar[], process_id)""",
    "functions": """
        function_id in (select function_id from draft.spans)
        or function_id in (select function_id from store.spans where list_contains($living::varchar[], process_id))""",
    "attachment_uses": f"""
        {_NOT_CHOSEN} and (trace_id in (select trace_id from spans) or time_ns > $warm_ns)""",
    "attachments": "hash in (select hash from fresh.kept_attachments where stays)",
    "attachment_pieces": "hash in (select hash from draft.attachments)",
    "batches": "false",  # what stays is laid out anew
}
"""Which rows of a table stay; all of the others do. In this order, for some look at what stays of the spans."""


def _expected_again(connection: DuckDBPyConnection) -> list[str]:
    """Return the chosen traces of which more rows may come: those with live rows, unended or of the last hour."""
    rows = connection.execute(
        """
        select trace_id from spans where trace_id in (from fresh.chosen) group by trace_id
        having bool_or(status = 'RUNNING') or max(greatest(start_ns, coalesce(end_ns, start_ns))) > ?
        union select trace_id from fresh.waiting where trace_id in (from fresh.chosen)
        """,
        [time.time_ns() - _STILL_WARM_NS],
    ).fetchall()
    return [trace_id for (trace_id,) in rows]


@contextmanager
def _draft_beside(store: Path) -> Iterator[Path]:
    """Yield a path for the new file: on the same disk as the store, where nobody else can read; it is gone after."""
    folder = _draft_folder(store)
    folder.mkdir(mode=0o700)
    try:
        draft = folder / store.name
        yield draft
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _draft_folder(store: Path) -> Path:
    return store.with_name(f".{store.name}.purge")


def _clear_leftovers(layout: Layout) -> None:
    """Delete what a purge left that was killed."""
    shutil.rmtree(_draft_folder(layout.store.resolve()), ignore_errors=True)


def _step(name: str) -> None:
    """Mark a moment in which a purge may be killed; tests put something here that does it."""
