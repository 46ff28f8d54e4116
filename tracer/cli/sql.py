"""Ask the store in SQL: read-only, with the rows of running programs included.

tracer sql "select name, cost_usd from traces order by cost_usd desc limit 5"
tracer sql "select request_model, sum(input_tokens) from spans group by all" --json
tracer sql "describe spans"
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rich.table import Table

from tracer import render
from tracer.cli import options as shared
from tracer.cli import reading
from tracer.plain import plain
from tracer.store.answer import MEMORY, SECONDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", help="one statement that reads")
    parser.add_argument(
        "-n", "--limit", type=shared.count_or_zero, default=10_000, help="most rows (default: 10000; 0: all)"
    )
    parser.add_argument(
        "--timeout", type=float, default=SECONDS, metavar="SECONDS", help="most time (default: 30; 0: for ever)"
    )
    parser.add_argument("--memory", default=MEMORY, metavar="BYTES", help="most memory, like 8GB (default: 2GB)")
    shared.add_store(parser)
    shared.add_json(parser)


def run(options: argparse.Namespace) -> int:
    store = reading.open_store(options)
    rows = store.sql(options.query, limit=options.limit or None, timeout=options.timeout or None, memory=options.memory)
    if options.json:
        shared.print_json(rows)
    else:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in rows.columns:
            table.add_column(plain(column), overflow="fold")
        for row in rows:
            table.add_row(*(_cell(value) for value in row.values()))
        reading.console(400).print(table)
    if rows.is_cut:
        print(f"Only the first {len(rows)} rows are shown: --limit 0 shows all.", file=sys.stderr)
    reading.absorb_later(store)
    return 0


def _cell(value: Any) -> str:
    if value is None:
        return render.UNKNOWN
    return plain(value if isinstance(value, str) else _text(value))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list)) else str(value)
