"""What is left in the journal's folder for whoever looks next: the last failure of a background absorber, and what was
purged.

Each is a small file beside the segments, written whole or not at all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from tracer.errors import StoreUnavailable
from tracer.journal.layout import Layout

_FORGET_AFTER_NS = 30 * 86400 * 10**9
"""How long a purged trace is remembered. Nothing but a segment of a process that still lives can bring rows of it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an absorber in the background ended early, and when (Unix nanoseconds)."""

    time_ns: int
    error: str
    message: str


def note_failure(layout: Layout, error: Exception) -> None:
    """Leave what went wrong; where not even that can be written, nothing."""
    failure = {"time_ns": time.time_ns(), "error": type(error).__name__, "message": str(error)[:2000]}
    try:
        _write(layout.absorb_error, orjson.dumps(failure))
    except OSError:
        pass


def clear_failure(layout: Layout) -> None:
    layout.absorb_error.unlink(missing_ok=True)


def last_failure(layout: Layout) -> Failure | None:
    """Return how the last absorber in the background failed; None if it did not."""
    try:
        return Failure(**orjson.loads(layout.absorb_error.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return Failure(0, "unknown", "its note cannot be read")


def note_purged(layout: Layout, trace_ids: Iterable[str]) -> None:
    """Remember traces of which rows may still come: they are dropped, so that what was purged stays purged."""
    now = time.time_ns()
    remembered = {id_: ns for id_, ns in _purged(layout).items() if now - ns < _FORGET_AFTER_NS}
    remembered |= dict.fromkeys(trace_ids, now)
    if remembered or layout.purged.exists():
        _write(layout.purged, orjson.dumps(remembered))


def purged_traces(layout: Layout) -> list[str]:
    """Return the ids of traces whose rows are dropped wherever they are met."""
    return list(_purged(layout))


def _purged(layout: Layout) -> dict[str, int]:
    try:
        found: dict[str, int] = orjson.loads(layout.purged.read_bytes())
    except FileNotFoundError:
        return {}
    except orjson.JSONDecodeError as error:
        raise StoreUnavailable(
            f"{layout.purged} cannot be read, so nobody knows what was purged. Delete it, if that may be forgotten."
        ) from error
    return found


def note_kept(layout: Layout) -> None:
    """Remember that what is older than the retention was purged just now."""
    _write(layout.retention, b"")


def is_kept_today(layout: Layout) -> bool:
    """Return whether that was within a day."""
    try:
        return 0 <= time.time() - layout.retention.stat().st_mtime < 86400
    except FileNotFoundError:
        return False


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
