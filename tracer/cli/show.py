"""Draw one trace as a tree, with durations, tokens, cost and errors.

tracer show                     the newest trace
tracer show 01a208cbf92beae2    by its id, or as much of its beginning as tells it from the others
"""

from __future__ import annotations

import argparse
import dataclasses

from tracer import render
from tracer.cli import options as shared
from tracer.cli import reading
from tracer.errors import TraceNotFound
from tracer.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace_id", nargs="?", help="the trace's id, or its beginning (default: the newest)")
    shared.add_store(parser)
    shared.add_json(parser)


def run(options: argparse.Namespace) -> int:
    store = reading.open_store(options)
    trace = store.trace(options.trace_id or _newest(store))
    if options.json:
        shared.print_json(dataclasses.asdict(row) for row in trace.rows)
    else:
        summary = store.summary(trace.trace_id)
        console = reading.console()
        console.print(render.trace_tree(trace, summary, min(console.width, 120)))
    reading.absorb_later(store)
    return 0


def _newest(store: Store) -> str:
    for row in store.traces(limit=1, include_tests=True):
        newest: str = row["trace_id"]
        return newest
    raise TraceNotFound(f"no traces in {store.path}; record some with `tracer demo`")
