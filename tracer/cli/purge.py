"""Delete traces for good, and give their space back.

tracer purge --older-than 30d              in which nothing happened since
tracer purge --session s1                  those of a session
tracer purge --user ada --older-than 1w    those of a user, if they are older
tracer purge 01a208cbf92beae2              one, by its id or the beginning of it

It says what it would delete, and asks. All that is given must hold. Traces that are running are never too old.
"""

from __future__ import annotations

import argparse
import os
import sys

from rich.console import Console

from tracer.cli import options as shared
from tracer.errors import UsageError
from tracer.plain import plain
from tracer.store import purge as purging
from tracer.store.purge import Found, Purged, Selection
from tracer.units import counted, size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace_ids", nargs="*", metavar="TRACE_ID", help="a trace's id, or its beginning")
    parser.add_argument("--older-than", metavar="AGE", help="like 30d, 2w or 12h")
    parser.add_argument("--session", metavar="ID", help="with a span of this session")
    parser.add_argument("--user", metavar="ID", help="with a span of this user")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    shared.add_store(parser)


def run(options: argparse.Namespace) -> int:
    os.umask(0o077)  # DuckDB would let others read what it spills
    chosen = _selection(options)
    path = shared.store_path(options)
    found = purging.find(path, chosen)
    if not found:
        print(f"Nothing to delete in {plain(str(path))}.")
        return 0
    if options.dry_run:
        print(f"Would delete {_described(found)}.")
        return 0
    if not (options.yes or _agreed(found)):
        print("Nothing was deleted.")
        return 1
    with Console(stderr=True).status("") as status:
        done = purging.purge(path, chosen, tell=lambda step: status.update(plain(step)))
    print(_told(done))
    return 0


def _selection(options: argparse.Namespace) -> Selection:
    if not (options.trace_ids or options.older_than or options.session or options.user):
        raise UsageError("say what to delete: --older-than 30d, --session ID, --user ID, or ids of traces")
    return purging.selection(
        tuple(options.trace_ids), older_than=options.older_than, session_id=options.session, user_id=options.user
    )


def _agreed(found: Found) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"this would delete {_described(found)}: say --yes to do it, --dry-run to look only")
    return input(f"Delete {_described(found)}? [y/N] ").strip().lower() in ("y", "yes")


def _described(found: Found) -> str:
    parts = []
    if found.spans:
        share = f", about {size(found.bytes)}" if found.bytes else ""
        parts.append(f"{counted(found.traces, 'trace')} with {counted(found.spans, 'span')}{share}")
    if found.attachments:
        parts.append(counted(found.attachments, "attachment"))
    if found.quarantined_lines:
        parts.append(counted(found.quarantined_lines, "quarantined line"))
    return " and ".join(parts)


def _told(done: Purged) -> str:
    text = f"Deleted {counted(done.traces, 'trace')} with {counted(done.spans, 'span')}"
    if done.attachments:
        text += f" and {counted(done.attachments, 'attachment')}"
    if done.quarantined_lines:
        text += f" and {counted(done.quarantined_lines, 'quarantined line')}"
    if done.freed_bytes > 0:
        text += f"; the store is {size(done.freed_bytes)} smaller"
    if done.waiting_spans:
        text += (
            f".\n{done.waiting_spans} of these spans lie in the journal of running programs: they are shown no more, "
            "and are gone once their segments are absorbed"
        )
    return text + "."
