"""Open the store's DuckDB file: behind the gate, for one question or one transaction, then closed again.

DuckDB lets one process write or many read, never both; the gate keeps ours apart, so that its own lock meets only
other programs. A connection is an in-memory database with the file attached as `store`. Here is also what DuckDB's
errors mean to a user. What is asked or written is nobody's business here.

No Python code opens the file itself: closing that descriptor would drop DuckDB's lock on it.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from tracer.errors import StoreDamaged, StoreError, StoreLocked, StoreTooNew, StoreUnavailable
from tracer.journal.layout import Layout
from tracer.journal.locks import locked
from tracer.store.durable import sync
from tracer.store.log import cut, log_of, torn_at
from tracer.store.migrations import LATEST, migrate, version

GATE_SECONDS = 20.0
"""How long the gate is waited for. It is held for one question or one slice of absorbing, so this means a stuck one."""

FOREIGN_SECONDS = 2.0
"""How long another program's hold on the file is waited for."""

_NEW = "storage_version 'v1.2.0', block_size 16384"
"""Any DuckDB from 1.2 on opens the file. Each column of long texts begins a block of its own in each row group; of the
256 KB that DuckDB would take for one, most would stay empty where texts repeat each other."""

_PACKED_CHARACTERS = 16
"""From this average length on, a column of texts may be packed by zstd, where that is the smallest."""

LEAST_ROW_GROUP = 2048
"""How many rows are the fewest that DuckDB lets a row group be limited to; a limit is a multiple of it."""

COPIED_ROW_GROUP = 7 * LEAST_ROW_GROUP
"""Of rows that are copied all at once: about what a slice of absorbing has."""


def connect(layout: Layout) -> DuckDBPyConnection:
    """Return an in-memory database that fetches and prints nothing, and spills to where only this user reads.

    It has an empty schema `fresh`, for what is made of the journal.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "temp_directory": _spill_folder(layout),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute(
        "create schema fresh; set enable_progress_bar = false; set python_enable_replacements = false; "
        f"set zstd_min_string_length = {_PACKED_CHARACTERS}"
    )
    return connection


def _spill_folder(layout: Layout) -> str:
    """Return the folder, made before DuckDB would make it for others to read; "" where there can be none."""
    folder = layout.spill
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:  # there is no journal, or it is not ours to write
        return ""
    return str(folder)


@contextmanager
def attached(
    layout: Layout, connection: DuckDBPyConnection, *, to_write: bool = False, row_group_size: int = LEAST_ROW_GROUP
) -> Iterator[None]:
    """Attach the file as `store` for the length of the block.

    To read, others may read too, and empty tables stand in for a file that is not there yet. To write, nobody else
    has it open, and it is made or brought up to date first; new row groups get up to `row_group_size` rows, and a block
    that raises is rolled back.
    Raises StoreLocked, StoreTooNew, StoreDamaged or StoreUnavailable.
    """
    with ExitStack() as held:
        held.enter_context(gate(layout, shared=not to_write))
        if to_write:
            _attach_to_write(layout, connection, row_group_size)
        else:
            try:
                _attach_to_read(layout, connection)
            except StoreDamaged as damage:
                if torn_at(damage.__cause__) is None:
                    raise
                held.close()  # it is not for one of many readers to mend
                _mend_log(layout, connection)
                held.enter_context(gate(layout, shared=True))
                _attach_to_read(layout, connection)
        try:
            yield
        except BaseException:
            for undo in ("rollback", "detach store"):
                with suppress(duckdb.Error):
                    connection.execute(undo)
            raise
        connection.execute("detach store")


def is_absent(store: Path) -> bool:
    """Return whether there is no store yet; an empty file is none."""
    try:
        return store.stat().st_size == 0
    except FileNotFoundError:
        return True


@contextmanager
def told(layout: Layout) -> Iterator[None]:
    """Turn what DuckDB or the system says of the file into an error of ours, which says what to do."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        if meaning := store_error(layout, error):
            raise meaning from error
        if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException, OSError)):
            raise StoreUnavailable(f"{layout.store}: {error}. {_kept(layout)}") from error
        raise


def store_error(layout: Layout, error: Exception) -> StoreError | None:
    """Return what an error says about the file; None if it is about something else, such as the SQL."""
    text = str(error).replace(str(layout.store), "")
    for pattern, kind, advice in _MEANINGS:
        if re.search(pattern, text, re.IGNORECASE):
            return kind(f"{layout.store} {advice.format(holder=_holder(text))} {_kept(layout)}")
    return None


_MEANINGS: list[tuple[str, type[StoreError], str]] = [
    (
        "could not set lock|being used by another process|already open in",
        StoreLocked,
        "is locked by {holder}. Close it there, or ask again later.",
    ),
    (
        "unique file handle conflict|different configuration than existing",
        StoreLocked,
        "is open in this very process, through a connection of its own. Close that first.",
    ),
    (
        "but we can only read versions?|newer version of DuckDB",
        StoreTooNew,
        "was written by a newer DuckDB. Upgrade with `pip install -U duckdb`.",
    ),
    (
        "no space left|disk quota|file too large|could not write|could not truncate",
        StoreUnavailable,
        "has no space left to grow. Free some, then run `tracer absorb`.",
    ),
    (
        "permission denied|read-only file system|operation not permitted",
        StoreUnavailable,
        "cannot be opened by this user. Give access to it and to its folder, or set TRACER_STORE to another path.",
    ),
    (
        "not a valid duckdb database|corrupt|checksum|could not read|failure while replaying wal|serialization error",
        StoreDamaged,
        "is no DuckDB database that can be read. Move it away, or put a copy in its place.",
    ),
]


def wants_memory(error: duckdb.Error) -> bool:
    """Return whether DuckDB ran into its memory limit; that has several kinds of error, by where it happens."""
    return isinstance(error, duckdb.OutOfMemoryException) or "failed to pin block" in str(error)


def _holder(text: str) -> str:
    found = re.search(r"(?:held|open) in\s+(?:(\S.*?) )?\(?PID (\d+)", text)
    return f"process {found[2]} ({os.path.basename(found[1] or 'unknown')})" if found else "another process"


def _kept(layout: Layout) -> str:
    return f"Nothing is lost: what is recorded waits in {layout.folder}."


@contextmanager
def gate(layout: Layout, *, shared: bool) -> Iterator[None]:
    """Hold the gate. Whoever waits for it takes a turn, and while a writer has one no reader overtakes: else readers
    that relieve each other would keep it out for ever."""
    with ExitStack() as held:
        with _lock(layout.turn, shared=shared) as has_turn:
            is_in = has_turn and held.enter_context(_lock(layout.gate, shared=shared))
        if not is_in:
            busy = f"{'absorbing to' if shared else 'reading'} {layout.store}"
            raise StoreLocked(f"another process has been {busy} for {GATE_SECONDS:.0f} s. Ask again later.")
        yield


@contextmanager
def _lock(path: Path, *, shared: bool) -> Iterator[bool]:
    """Hold a lock. Where there is no such file and none can be made, as in a read-only folder, readers do without."""
    with ExitStack() as held:
        try:
            taken = held.enter_context(locked(path, shared=shared, timeout=GATE_SECONDS))
        except FileNotFoundError:
            if not shared:
                raise
            taken = True
        yield taken


def _attach_to_read(layout: Layout, connection: DuckDBPyConnection) -> None:
    if not is_absent(layout.store) and _attach(layout, connection, "read_only") > 0:
        return
    attach_nothing(connection)


def attach_nothing(connection: DuckDBPyConnection) -> None:
    """Attach empty tables in place of a store."""
    connection.execute("detach database if exists store; attach ':memory:' as store")
    migrate(connection)


def _mend_log(layout: Layout, connection: DuckDBPyConnection) -> None:
    with gate(layout, shared=False):
        _attach(layout, connection, "read_only false")
        connection.execute("detach store")


def _attach_to_write(layout: Layout, connection: DuckDBPyConnection, row_group_size: int) -> None:
    with told(layout):
        if is_absent(layout.store):
            _create(layout, connection)
        _attach(layout, connection, f"row_group_size {row_group_size}")
        # DuckDB would make its log readable by others.
        os.close(os.open(log_of(layout.store), os.O_WRONLY | os.O_CREAT, 0o600))
        migrate(connection)


def _attach(layout: Layout, connection: DuckDBPyConnection, options: str) -> int:
    """Attach the file, once no other program holds it; return the version of its schema."""
    deadline = time.monotonic() + FOREIGN_SECONDS
    cut_at = None
    while True:
        try:
            with told(layout):
                connection.execute(f"attach {_quoted(layout.store)} as store (type duckdb, {options})")
            break
        except StoreLocked:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        except StoreDamaged as damage:
            position = torn_at(damage.__cause__)
            if position is None or position == cut_at or options == "read_only":
                raise
            cut(layout, position)
            cut_at = position
    with told(layout):
        found = version(connection)
    if found is None:
        raise StoreDamaged(
            f"{layout.store} is a DuckDB database with tables of someone else's, and is left as it is. "
            f"Set TRACER_STORE to another path. {_kept(layout)}"
        )
    if found > LATEST:
        raise StoreTooNew(
            f"{layout.store} was written by a newer llm-tracer (schema {found}; known here are those up to {LATEST}). "
            f"Upgrade with `pip install -U llm-tracer`. {_kept(layout)}"
        )
    return found


def _create(layout: Layout, connection: DuckDBPyConnection) -> None:
    """Make the store under another name first, so that a crash leaves no half of it."""
    draft = layout.store.with_name(f".{layout.store.name}.new")
    # The log of a store that was deleted would be replayed into this one.
    for leftover in (draft, log_of(draft), log_of(layout.store)):
        leftover.unlink(missing_ok=True)
    attach_new(connection, draft, "store")
    try:
        migrate(connection)
    except duckdb.Error:
        with suppress(duckdb.Error):  # where the disk is full, no more can be asked of this connection
            connection.execute("detach store")
        raise
    connection.execute("detach store")
    draft.chmod(0o600)
    draft.replace(layout.store)


def attach_new(connection: DuckDBPyConnection, file: Path, name: str) -> None:
    """Make a database file laid out as a store is, and attach it."""
    connection.execute(f"attach {_quoted(file)} as {name} (type duckdb, {_NEW}, row_group_size {COPIED_ROW_GROUP})")


def replace(layout: Layout, connection: DuckDBPyConnection, draft: Path, before: os.stat_result) -> None:
    """Put a finished draft in the place of the store, all or nothing, while nobody has the store open.

    `before` is the store's state that the draft was made of. Raises StoreLocked if it has changed since, or if another
    program holds it.
    """
    store = layout.store.resolve()
    with gate(layout, shared=False), told(layout):
        # What a program left there that died while writing would be replayed into the old file, and lost with it.
        has_log = any(log_of(file).exists() and log_of(file).stat().st_size for file in (store, layout.store))
        _attach(layout, connection, "read_only false")
        try:
            now = store.stat()
            if has_log or (now.st_ino, now.st_size, now.st_mtime_ns) != (
                before.st_ino,
                before.st_size,
                before.st_mtime_ns,
            ):
                raise StoreLocked(f"{layout.store} was changed by another program meanwhile. Ask again.")
            if sys.platform == "win32":  # where no file can be replaced that is open
                connection.execute("detach store")
            draft.chmod(0o600)
            sync(draft)
            draft.replace(store)
            sync(store.parent)
        finally:
            connection.execute("detach database if exists store")


def _quoted(path: Path) -> str:
    return "'" + str(path.absolute()).replace("'", "''") + "'"
