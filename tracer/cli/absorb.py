"""Move what waits in the journal into DuckDB now, and wait until that is done.

Recording, `tracer ls` and the viewer do so by themselves in the background. Nothing is lost without it.
"""

from __future__ import annotations

import argparse

from tracer.cli import options as shared
from tracer.store.absorb import main


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--background", action="store_true", help="at low priority, and saying nothing")
    shared.add_store(parser)


def run(options: argparse.Namespace) -> int:
    absorbed = main(shared.store_path(options), background=options.background)
    if not options.background:
        print(f"{absorbed.spans} spans of {absorbed.segments} segments absorbed.")
        if absorbed.quarantined_lines:
            print(f"{absorbed.quarantined_lines} lines could not be read and lie in the journal's quarantine/.")
    return 0
