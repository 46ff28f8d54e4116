"""Move what waits in the journal into DuckDB now, and wait until that is done.

Recording, `tracer ls` and the viewer do so by themselves in the background. Nothing is lost without it.
"""

from __future__ import annotations

import argparse
import os

from tracer.cli import options as shared
from tracer.journal.layout import Layout
from tracer.store.absorb import main


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--background", action="store_true", help="at low priority, and saying nothing")
    shared.add_store(parser)


def run(options: argparse.Namespace) -> int:
    os.umask(0o077)  # DuckDB would let others read what it spills
    path = shared.store_path(options)
    absorbed = main(path, background=options.background)
    if not options.background:
        print(f"Absorbed: {shared.counted(absorbed.spans, 'span')} of {shared.counted(absorbed.segments, 'segment')}.")
        if absorbed.quarantined_lines:
            lines = shared.counted(absorbed.quarantined_lines, "line")
            print(f"Unreadable: {lines}, kept in {Layout(path).quarantine}.")
    return 0
