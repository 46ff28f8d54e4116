"""Ask the store in SQL: read-only, with the rows of running programs included.

tracer sql "select name, cost_usd from traces order by cost_usd desc limit 5"
tracer sql "select request_model, sum(input_tokens) from spans group by all" --json
tracer sql "describe spans"
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.table import Table

from tracer import render
from tracer.cli import options as shared
from tracer.cli import reading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", help="one statement that reads")
    shared.add_store(parser)
    shared.add_json(parser)


def run(options: argparse.Namespace) -> int:
    store = reading.open_store(options)
    rows = store.sql(options.query)
    if options.json:
        shared.print_json(rows)
    else:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in rows.columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(_cell(value) for value in row.values()))
        reading.console(400).print(table)
    reading.absorb_later(store)
    return 0


def _cell(value: Any) -> str:
    if value is None:
        return render.UNKNOWN
    return render.plain(value if isinstance(value, str) else _text(value))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list)) else str(value)
