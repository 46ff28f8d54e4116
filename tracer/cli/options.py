"""Options that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tracer.config import from_environment, resolved_store
from tracer.journal import absorber
from tracer.store import Store


def add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", type=Path, metavar="FILE", help="the DuckDB file (default: TRACER_STORE, or .tracer/ of the project)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON array, for programs")


def store_path(options: argparse.Namespace) -> Path:
    """Return the store that the command is about."""
    chosen: Path | None = options.store
    return Path(chosen).expanduser().absolute() if chosen else resolved_store(from_environment())


def open_store(options: argparse.Namespace) -> Store:
    return Store(store_path(options))


def absorb_later(store: Store) -> None:
    """Let what waits in the journal be absorbed, now that the answer is out."""
    if store.waiting():
        absorber.start(store.path, at_exit=True)


def print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    json.dump([dict(row) for row in rows], sys.stdout, default=_plain, ensure_ascii=False)
    sys.stdout.write("\n")


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
