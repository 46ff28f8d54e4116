"""DuckDB's log beside the store, as a power cut may leave it: with its last entries torn.

DuckDB passes over an end that is missing, but refuses the whole store for an end that is there and holds other bytes
than were written, as file systems leave them. What was committed was synced before, so it lies before the torn entry;
what lies behind waits in the journal still, for segments are deleted only after the commit.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from tracer.errors import logger
from tracer.journal.layout import Layout

_HEAD_BYTES = 16
"""The length and the checksum of an entry. DuckDB names the place behind them."""

_TORN = re.compile(r"replaying wal file.*entry at byte position (\d+)", re.IGNORECASE | re.DOTALL)


def log_of(store: Path) -> Path:
    return store.with_name(store.name + ".wal")


def torn_at(error: BaseException | None) -> int | None:
    """Return the byte from which on DuckDB finds its log torn; None if this error is about something else."""
    found = _TORN.search(str(error))
    return int(found[1]) - _HEAD_BYTES if found else None


def cut(layout: Layout, position: int) -> None:
    """Cut the log before its torn entry, and keep all of it in quarantine. For the holder of the gate alone."""
    log = log_of(layout.store)
    kept = layout.quarantine / log.name
    layout.quarantine.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(log, kept)
    kept.chmod(0o600)
    with log.open("r+b") as file:
        file.truncate(position)
        os.fsync(file.fileno())
    logger.warning(
        "the log of %s was torn at byte %d, as by a power cut, and is kept in %s. Nothing is lost: "
        "what was not stored yet waits in the journal.",
        layout.store,
        position,
        kept,
    )
