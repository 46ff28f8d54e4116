"""Move what waits in the journal into DuckDB now, and wait until that is done.

Recording, `tracer ls` and the viewer do so by themselves in the background. Nothing is lost without it.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tracer.cli import options as shared
from tracer.config import from_environment
from tracer.errors import attempt
from tracer.journal.layout import Layout
from tracer.plain import plain
from tracer.process import changes
from tracer.process.uncommitted import ASKED
from tracer.store import notes
from tracer.store.absorb import main
from tracer.store.purge import keep
from tracer.units import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--background", action="store_true", help="at low priority, and saying nothing")
    shared.add_store(parser)


def run(options: argparse.Namespace) -> int:
    os.umask(0o077)  # DuckDB would let others read what it spills
    path = shared.store_path(options)
    if options.background:
        _in_background(path)
        return 0
    absorbed = main(path)
    contents = f" and {counted(absorbed.attachments, 'attachment')}" if absorbed.attachments else ""
    print(f"Absorbed: {counted(absorbed.spans, 'span')} of {counted(absorbed.segments, 'segment')}{contents}.")
    if absorbed.quarantined_lines:
        lines = counted(absorbed.quarantined_lines, "line")
        print(f"Unreadable: {lines}, kept in {plain(str(Layout(path).quarantine))}.")
    return 0


def _in_background(path: Path) -> None:
    """Look at what a program that has ended asks about, absorb, then purge what is older than the retention.

    Nobody sees this fail, so that is left in a note.
    """
    _, error = attempt(lambda: _absorb_and_keep(path))
    if error is not None:
        notes.note_failure(Layout(path), error)
        raise error


def _absorb_and_keep(path: Path) -> None:
    if ASKED in os.environ:
        changes.main()
    main(path, background=True)
    if retention := from_environment().retention:
        keep(path, retention)
