"""List the newest traces.

tracer ls                         the newest 20
tracer ls error since:1h          those with an error, of the last hour
tracer ls model:gpt-4o dur>2s     by model and duration
tracer ls '"refund policy"'       by text in inputs, outputs and errors
tracer ls --where "cost_usd > 1"  by SQL over the table `traces`
"""

from __future__ import annotations

import argparse
import sys
import time

from tracer import render
from tracer.cli import options as shared
from tracer.cli import reading
from tracer.plain import plain
from tracer.store import Store
from tracer.store.purge import LARGE_BYTES
from tracer.units import size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("filter", nargs="*", help="words of the filter language, as above")
    parser.add_argument("--where", metavar="SQL", help="a condition over the table `traces`")
    parser.add_argument("-n", "--limit", type=_count, default=20, help="how many (default: 20)")
    parser.add_argument("--tests", action="store_true", help="also those recorded under pytest")
    shared.add_store(parser)
    shared.add_json(parser)


def run(options: argparse.Namespace) -> int:
    store = reading.open_store(options)
    traces = store.traces(
        " ".join(options.filter) or None, where=options.where, limit=options.limit, include_tests=options.tests
    )
    if options.json:
        shared.print_json(traces)
    elif len(traces):
        reading.console().print(render.trace_list(traces, time.time_ns()))
    else:
        print(_nothing(store, bool(options.filter or options.where)))
    if (stored := store.size()) > LARGE_BYTES:
        print(f"The store takes {size(stored)}: `tracer purge --older-than 30d` deletes old traces.", file=sys.stderr)
    reading.absorb_later(store)
    return 0


def _nothing(store: Store, filtered: bool) -> str:
    if filtered:
        return "No trace matches."
    where = plain(str(store.path))
    return f"No traces in {where}. Record some: `tracer demo`, `tracer run app.py`, or @trace in a program."


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count
