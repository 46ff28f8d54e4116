"""Options that several commands share, and what they mean. Knows no store: `tracer run` must not load DuckDB."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tracer.config import from_environment, resolved_store
from tracer.plain import plain_json


def add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", type=Path, metavar="FILE", help="the DuckDB file (default: TRACER_STORE, or .tracer/ of the project)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON array, for programs")


def count_or_zero(text: str) -> int:
    """Read a whole number, 0 or more."""
    count = int(text)
    if count < 0:
        raise argparse.ArgumentTypeError("0 or more")
    return count


def store_path(options: argparse.Namespace) -> Path:
    """Return the store that the command is about."""
    chosen: Path | None = options.store
    return Path(chosen).expanduser().absolute() if chosen else resolved_store(from_environment())


def print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    text = json.dumps([dict(row) for row in rows], default=_plain, ensure_ascii=False)
    sys.stdout.write(plain_json(text) + "\n")


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
