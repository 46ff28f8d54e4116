"""Look whether all is well with a store, its journal and the machine, and say what to do where it is not.

Everything is looked at, whatever else is broken: no store, a damaged one, somebody else's, a locked one, an unreadable
folder. Nothing is written, and DuckDB is opened to read only.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb
from duckdb import DuckDBPyConnection

from tracer.config import check_retention
from tracer.errors import StoreError, StoreLocked, UsageError
from tracer.journal import absorber, attachments
from tracer.journal.layout import JOURNAL_VERSION, Layout
from tracer.journal.locks import is_locked, locked, try_lock
from tracer.plain import plain
from tracer.store import live, notes, quarantine
from tracer.store.attachments import is_known
from tracer.store.database import attach_nothing, attached, connect, is_absent, told
from tracer.store.holders import Holder, holders
from tracer.store.migrations import LATEST, version
from tracer.store.purge import LARGE_BYTES
from tracer.units import counted, short_age, size

_LITTLE_ROOM_BYTES = 100_000_000
_OLD_NS = 600 * 10**9
"""How long segments wait before that is worth a word: recording programs start an absorber long before."""

Level = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `note` is worth knowing; `bad` needs a person. `next` says what to do."""

    level: Level
    topic: str
    text: str
    next: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def examine(path: Path, why: str, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Return all findings about the store; `why` says why it is this one."""
    layout = Layout(path.absolute())
    looks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("store", lambda: _store(layout, why)),
        ("holders", lambda: _holders(layout)),
        ("contents", lambda: _contents(layout)),
        ("journal", lambda: _journal(layout)),
        ("attachments", lambda: _attachments(layout)),
        ("quarantine", lambda: _quarantine(layout)),
        ("absorber", lambda: _absorber(layout, environ)),
        ("retention", lambda: _retention(layout, environ)),
        ("locks", lambda: _locks(layout)),
        ("permissions", lambda: _permissions(layout)),
        ("disk", lambda: _disk(layout)),
    ]
    return [finding for topic, look in looks for finding in _looked(topic, look, layout)]


def _looked(topic: str, look: Callable[[], Iterator[Finding]], layout: Layout) -> list[Finding]:
    try:
        return list(look())
    except OSError as error:
        advice = f"Give this user access: sudo chown -R $USER {_command_paths(layout)}"
        return [Finding("bad", topic, f"cannot be looked at: {error}", advice)]
    except (StoreError, duckdb.Error) as error:
        return [Finding("bad", topic, str(error), "What is said there; nothing is lost meanwhile")]


def _store(layout: Layout, why: str) -> Iterator[Finding]:
    yield Finding("ok", "store", f"{layout.store}, {why}", facts={"path": str(layout.store), "why": why})
    if is_absent(layout.store):
        yield Finding("ok", "file", "there is none yet", "Record something: `tracer demo`, or @trace in a program")
        return
    stored = layout.store.stat().st_size
    level: Level = "note" if stored > LARGE_BYTES else "ok"
    advice = "`tracer purge --older-than 30d` deletes old traces" if level == "note" else ""
    yield Finding(level, "file", size(stored), advice, {"bytes": stored})
    leftover = layout.store.resolve().with_name(f".{layout.store.resolve().name}.purge")
    if leftover.exists() and not is_locked(layout.absorb_lock):
        yield Finding("note", "file", f"a purge was interrupted and left {leftover}", "Purge again; that removes it")


def _holders(layout: Layout) -> Iterator[Finding]:
    """Tell who has the file open. Readers of ours have it for moments only, so they are looked at twice."""
    first = {holder.pid for holder in holders(layout.store)}
    if first:
        time.sleep(0.3)
    for holder in holders(layout.store):
        if holder.pid in first and holder.pid != os.getpid():
            yield _held(layout, holder)


def _held(layout: Layout, holder: Holder) -> Finding:
    facts = {"pid": holder.pid, "program": holder.program, "exclusive": holder.is_exclusive}
    if any(other.pid == holder.pid for other in holders(layout.absorb_lock)):
        return Finding("ok", "file", f"open in the absorber, {holder}", facts=facts)
    use = "write" if holder.is_exclusive else "read"
    blocked = "nothing can be read or absorbed" if holder.is_exclusive else "nothing can be absorbed"
    return Finding(
        "bad", "file", f"open to {use} in {holder}: {blocked} meanwhile", "Close it there, or end that process", facts
    )


def _contents(layout: Layout) -> Iterator[Finding]:
    """Tell what is stored and what is live; where the file cannot be read, what the journal alone tells."""
    try:
        with told(layout), closing(connect(layout)) as connection:
            if not _gate_is_free(layout):
                raise StoreLocked(f"{layout.gate} is held by {_named(holders(layout.gate))}.")
            with attached(layout, connection):
                live.show(connection, layout, traces=False)
                if not is_absent(layout.store):
                    yield from _stored(connection)
                yield from _open_spans(connection)
                yield from _dropped(connection)
        return
    except StoreError as error:
        what, _, advice = str(error).partition(". ")
        yield Finding("bad", "contents", what, advice)
    with told(layout), closing(connect(layout)) as connection:
        attach_nothing(connection)
        live.show(connection, layout, traces=False)
        yield from _open_spans(connection, " in the journal alone")
        yield from _dropped(connection)


def _gate_is_free(layout: Layout) -> bool:
    if not layout.folder.is_dir():
        return True
    with locked(layout.gate, shared=True, timeout=2) as taken:
        return taken


def _stored(connection: DuckDBPyConnection) -> Iterator[Finding]:
    traces, spans, newest_ns = connection.execute(
        "select (select count(*) from store.traces), count(*), max(start_ns) from store.spans"
    ).fetchall()[0]
    newest = f", the newest {short_age(time.time_ns() - newest_ns)} old" if newest_ns is not None else ""
    facts = {"traces": traces, "spans": spans, "newest_start_ns": newest_ns}
    yield Finding("ok", "contents", f"{counted(traces, 'trace')} with {counted(spans, 'span')}{newest}", facts=facts)
    if is_known(connection):
        query = "select count(*), coalesce(sum(bytes), 0)::bigint from store.attachments"
        count, total = connection.execute(query).fetchall()[0]
        facts = {"attachments": count, "bytes": total}
        yield Finding("ok", "contents", f"{counted(count, 'attachment')}, {size(total)}", facts=facts)
    schema = version(connection) or 0
    facts = {"schema": schema, "known": LATEST, "duckdb": duckdb.__version__}
    text = f"schema {schema}, DuckDB {duckdb.__version__}"
    if schema < LATEST:
        yield Finding(
            "note", "schema", f"{text}; {LATEST} is the latest", "`tracer absorb` brings it up to date", facts
        )
    else:
        yield Finding("ok", "schema", text, facts=facts)
    block, all_blocks, free = connection.execute(
        "select block_size, total_blocks, free_blocks from pragma_database_size() where database_name = 'store'"
    ).fetchall()[0]
    text = f"{free} of {counted(all_blocks, 'block')} free, {size(free * block)}"
    is_much = free * 4 > all_blocks and free * block > _LITTLE_ROOM_BYTES
    advice = "DuckDB uses it again; a purge gives it back to the disk" if is_much else ""
    facts = {"free_blocks": free, "blocks": all_blocks, "block_bytes": block}
    yield Finding("note" if is_much else "ok", "blocks", text, advice, facts)


def _open_spans(connection: DuckDBPyConnection, where: str = "") -> Iterator[Finding]:
    running, lost = connection.execute("""
        select count(*) filter (status = 'RUNNING'), count(*) filter (status = 'LOST') from spans where end_ns is null
    """).fetchall()[0]
    text = f"{running} running, {lost} lost with their process{where}"
    yield Finding("ok", "open spans", text, facts={"running": running, "lost": lost})


def _dropped(connection: DuckDBPyConnection) -> Iterator[Finding]:
    rows = connection.execute("""
        select dropped_spans, drop_reason, argv, pid from processes where dropped_spans > 0 order by start_ns desc
    """).fetchall()
    if not rows:
        yield Finding("ok", "dropped", "no span, as far as programs could tell", facts={"dropped_spans": 0})
        return
    total = sum(row[0] for row in rows)
    _, reason, argv, pid = rows[0]
    last = plain(" ".join(argv or ()))[:60] or f"pid {pid}"
    text = f"{counted(total, 'span')} of {counted(len(rows), 'program')}; the last was {last}"
    yield Finding(
        "note",
        "dropped",
        f"{text}: {plain(reason or 'unknown')}",
        "They cannot be had back. Free some space, or set TRACER_STORE to a larger disk",
        {"dropped_spans": total, "programs": len(rows), "last_reason": reason},
    )


def _journal(layout: Layout) -> Iterator[Finding]:
    waiting = [segment for segment in layout.segments() if not is_locked(segment.path)]
    newer = [segment for segment in waiting if segment.version > JOURNAL_VERSION]
    stats = [segment.path.stat() for segment in waiting]
    total = sum(stat.st_size for stat in stats)
    age_ns = time.time_ns() - min((stat.st_mtime_ns for stat in stats), default=time.time_ns())
    text = f"{counted(len(waiting), 'segment')} to absorb, {size(total)}"
    facts = {"segments": len(waiting), "bytes": total, "oldest_age_ns": age_ns}
    if newer:
        yield Finding(
            "bad",
            "journal",
            f"{counted(len(newer), 'segment')} of a newer llm-tracer",
            "pip install -U llm-tracer",
            facts,
        )
    elif waiting and age_ns > _OLD_NS:
        yield Finding("note", "journal", f"{text}, the oldest {short_age(age_ns)} old", "`tracer absorb`", facts)
    else:
        yield Finding("ok", "journal", text, facts=facts)
    for process_id, path in sorted(layout.live_files().items()):
        yield _process(layout, process_id, path)


def _process(layout: Layout, process_id: str, path: Path) -> Finding:
    age_ns = time.time_ns() - path.stat().st_mtime_ns
    held = [segment.path for segment in layout.segments() if segment.process_id == process_id]
    total = sum(segment.stat().st_size for segment in held)
    lives = is_locked(path)
    who = _named(holders(path)) if lives else process_id[:8]
    facts = {"process_id": process_id, "lives": lives, "age_ns": age_ns, "bytes": total}
    facts["pids"] = [holder.pid for holder in holders(path)]
    text = f"{who} {'records' if lives else 'ended without a word'}, began {short_age(age_ns)} ago; {size(total)} here"
    return Finding("ok", "program", text, facts=facts)


def _named(found: list[Holder]) -> str:
    return ", ".join(map(str, found)) or "a process unknown"


def _attachments(layout: Layout) -> Iterator[Finding]:
    """Tell how many contents wait, and what lies among them and is none."""
    waiting = attachments.waiting(layout)
    waiting_bytes = sum(one.size for one in waiting)
    facts = {"waiting": len(waiting), "waiting_bytes": waiting_bytes}
    yield Finding("ok", "attachments", f"{len(waiting)} to absorb, {size(waiting_bytes)}", facts=facts)
    if strangers := attachments.strangers(layout):
        text = f"{counted(len(strangers), 'thing')} that nobody of ours put there, such as {plain(strangers[0].name)}"
        yield Finding("note", "attachments", text, f"Look at {layout.attachments}; they are left as they are")


def _quarantine(layout: Layout) -> Iterator[Finding]:
    files = len(quarantine.files(layout))
    lines, first = 0, b""
    for kept in quarantine.kept_lines(layout):
        first = first or kept.line
        lines += 1
    if others := quarantine.other_files(layout):
        names = f"{counted(len(others), 'file')} set aside whole, such as {plain(others[0].name)}"
        advice = "Attachments that were not what their names said, and torn logs of DuckDB's; a purge deletes them"
        yield Finding("note", "quarantine", names, advice, {"files": len(others)})
    facts = {"lines": lines, "files": files, "first": plain(first[:60].decode(errors="replace").rstrip("\n"))}
    if not lines:
        yield Finding("ok", "quarantine", "no line", facts=facts)
        return
    yield Finding(
        "note",
        "quarantine",
        f"{counted(lines, 'line')} in {counted(files, 'file')} could not be read; the first begins {facts['first']}",
        f"Look at {layout.quarantine}; `tracer purge --older-than 30d` deletes old ones",
        facts,
    )


def _absorber(layout: Layout, environ: Mapping[str, str]) -> Iterator[Finding]:
    if is_locked(layout.absorb_lock):
        yield Finding("ok", "absorber", f"at work, {_named(holders(layout.absorb_lock))}")
    if (failure := notes.last_failure(layout)) is not None:
        ago = short_age(time.time_ns() - failure.time_ns)
        facts = {"error": failure.error, "message": failure.message, "time_ns": failure.time_ns}
        text = f"failed {ago} ago: {failure.error}: {plain(failure.message)}"
        yield Finding("bad", "absorber", text, "Mend that, then `tracer absorb`", facts)
    if environ.get("TRACER_ABSORB") == "0":
        yield Finding(
            "note", "absorber", "switched off by TRACER_ABSORB=0", "`tracer absorb` now and then, or unset it"
        )
    elif why := absorber.why_not(layout.store):
        yield Finding("bad", "absorber", f"cannot be started: {plain(why)}", "Run `tracer absorb` to see why")
    else:
        yield Finding("ok", "absorber", "can be started")


def _retention(layout: Layout, environ: Mapping[str, str]) -> Iterator[Finding]:
    retention = environ.get("TRACER_RETENTION") or None
    try:
        check_retention(retention)
    except UsageError as error:
        yield Finding(
            "bad", "retention", f"TRACER_RETENTION={plain(retention or '')}: {error}", "Write 30d, or unset it"
        )
        return
    text = (
        f"TRACER_RETENTION={retention}"
        if retention
        else "nothing is deleted by itself, but for what programs configure"
    )
    if layout.retention.exists():
        text += f"; last carried out {short_age(time.time_ns() - layout.retention.stat().st_mtime_ns)} ago"
    yield Finding("ok", "retention", text, facts={"retention": retention})


def _locks(layout: Layout) -> Iterator[Finding]:
    """Try a lock that nobody waits for: of the gate if there is one, else of the nearest folder there is."""
    place = layout.gate if layout.gate.exists() else _nearest(layout.store.parent)
    if sys.platform == "win32" and place.is_dir():
        return
    descriptor = os.open(place, os.O_RDONLY)
    try:
        try_lock(descriptor, shared=True)
    except OSError as error:
        text = f"the file system of {place} does not support flock ({error.strerror})"
        yield Finding("bad", "locks", text, "Set TRACER_STORE to a file on a local disk")
        return
    finally:
        os.close(descriptor)
    yield Finding("ok", "locks", "flock works there")


def _permissions(layout: Layout) -> Iterator[Finding]:
    """Tell what others may read, or this user may not write. Windows has no such bits."""
    if sys.platform == "win32":
        return
    ours = [path for path in _ours(layout) if path.exists()]
    open_to_all = [path for path in ours if path.stat().st_mode & 0o077 and path.name != ".gitignore"]
    closed = [path for path in ours if not os.access(path, os.R_OK | os.W_OK)]
    if open_to_all:
        shown = ", ".join(f"{path.name} ({path.stat().st_mode & 0o777:04o})" for path in open_to_all[:3])
        more = f" and {len(open_to_all) - 3} more" if len(open_to_all) > 3 else ""
        yield Finding(
            "bad", "permissions", f"other users may open {shown}{more}", f"chmod -R go= {_command_paths(layout)}"
        )
    if closed:
        advice = f"sudo chown -R $USER {_command_paths(layout)}"
        yield Finding("bad", "permissions", f"this user may not write {closed[0]}", advice)
    if not (open_to_all or closed):
        yield Finding(
            "ok", "permissions", "files and folders are this user's alone" if ours else "there are no files yet"
        )


def _ours(layout: Layout) -> Iterator[Path]:
    if layout.store.parent.name == ".tracer":
        yield layout.store.parent
    yield layout.store
    yield layout.store.with_name(layout.store.name + ".wal")
    yield layout.folder
    if layout.folder.is_dir():
        # DuckDB makes the folder that it spills to, and removes it.
        yield from (path for path in layout.folder.rglob("*") if layout.spill not in (path, path.parent))


def _command_paths(layout: Layout) -> str:
    """Return what a command is to be about, quoted for a shell."""
    if layout.store.parent.name == ".tracer":
        return shlex.quote(str(layout.store.parent))
    return f"{shlex.quote(str(layout.store))} {shlex.quote(str(layout.folder))}"


def _disk(layout: Layout) -> Iterator[Finding]:
    free = shutil.disk_usage(_nearest(layout.store.parent)).free
    stored = 0 if is_absent(layout.store) else layout.store.stat().st_size
    facts = {"free_bytes": free}
    if free < _LITTLE_ROOM_BYTES:
        yield Finding("bad", "disk", f"{size(free)} free", "Free some, or set TRACER_STORE to another disk", facts)
    elif free < stored:
        advice = "A purge needs room for what stays: free some before it is needed"
        yield Finding("note", "disk", f"{size(free)} free, less than the store takes", advice, facts)
    else:
        yield Finding("ok", "disk", f"{size(free)} free", facts=facts)


def _nearest(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
