"""Draw one trace as a tree, with durations, tokens, cost and errors, and say what it does not tell.

tracer show                     the newest trace
tracer show 01a208cbf92beae2    by its id, or as much of its beginning as tells it from the others
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from typing import Any

from tracer import render
from tracer.cli import options as shared
from tracer.cli import reading
from tracer.errors import TraceNotFound
from tracer.store import Store
from tracer.tree import Trace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace_id", nargs="?", help="the trace's id, or its beginning (default: the newest)")
    shared.add_store(parser)
    shared.add_json(parser)


def run(options: argparse.Namespace) -> int:
    store = reading.open_store(options)
    trace = store.trace(options.trace_id or _newest(store))
    if options.json:
        shared.print_json(_with_missed(trace))
    else:
        summary = store.summary(trace.trace_id)
        console = reading.console()
        console.print(render.trace_tree(trace, summary, min(console.width, 120)))
    reading.absorb_later(store)
    return 0


def _with_missed(trace: Trace) -> Iterator[dict[str, Any]]:
    """Yield the spans, each with the sentences that tell what it lacks. Every sentence stands at one span at least."""
    missed: dict[str, list[str]] = {}
    for note in trace.missed:
        for span_id in note.span_ids:
            missed.setdefault(span_id, []).append(note.text)
    for row in trace.rows:
        yield {**dataclasses.asdict(row), "missed": missed.get(row.span_id, [])}


def _newest(store: Store) -> str:
    for row in store.traces(limit=1, include_tests=True):
        newest: str = row["trace_id"]
        return newest
    raise TraceNotFound(f"no traces in {store.path}; record some with `tracer demo`")
