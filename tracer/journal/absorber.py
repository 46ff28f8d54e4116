"""Start the process that moves segments into DuckDB. Recording and reading start it; neither waits for it.

It is a process of its own because a program that records must never hold DuckDB: a forked child would share the
instance without its lock, and absorbing takes memory that belongs to nobody's program.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tracer.errors import logger
from tracer.journal import detached

_PROGRAM = "import sys; from tracer.cli import main; sys.exit(main(sys.argv[1:]))"


def start(
    store: Path, *, at_exit: bool = False, retention: str | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Start absorbing `store` in the background, detached and at low priority. Never raises.

    It deletes, at most once a day, what is older than `retention`: "" is for ever, None as TRACER_RETENTION says.
    `environ` is added to its environment. Where no process can be started, or with TRACER_ABSORB=0, segments wait:
    readers see them all the same.
    """
    if not detached.may_start():
        return
    added = dict(environ or {})
    if retention is not None:
        added["TRACER_RETENTION"] = retention
    try:
        detached.start([*_command(store), "--background"], store, added, at_exit=at_exit)
    except OSError as error:
        logger.info("no absorber could be started (%s); segments wait in the journal", error)


def run(store: Path, timeout: float | None) -> bool:
    """Absorb `store` now, in a process of its own; return whether that was done within `timeout` seconds."""
    try:
        return detached.spawn(_command(store), store, {}).wait(timeout) == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def why_not(store: Path) -> str:
    """Return why no absorber can be started here, in a line; "" if one can. It takes half a second."""
    if not sys.executable:
        return "this Python does not know its own executable"
    folder = store.parent if store.parent.is_dir() else None
    try:
        done = subprocess.run(
            [*_command(store), "--help"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _command(store: Path) -> list[str]:
    return [sys.executable, "-c", _PROGRAM, "absorb", "--store", str(store)]
