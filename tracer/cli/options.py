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


def counted(count: int, noun: str) -> str:
    """Return `1 span`, `2 spans`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def size(count: float) -> str:
    """Return bytes as people write them: `1.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    json.dump([dict(row) for row in rows], sys.stdout, default=_plain, ensure_ascii=False)
    sys.stdout.write("\n")


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
