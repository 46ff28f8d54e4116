"""Start the process that moves segments into DuckDB. Recording and reading start it; neither waits for it.

It is a process of its own because a program that records must never hold DuckDB: a forked child would share the
instance without its lock, and absorbing takes memory that belongs to nobody's program.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tracer.errors import logger

_PROGRAM = "import sys; from tracer.cli import main; sys.exit(main(sys.argv[1:]))"


def start(store: Path, *, at_exit: bool = False, retention: str | None = None) -> None:
    """Start absorbing `store` in the background, detached and at low priority. Never raises.

    It deletes, at most once a day, what is older than `retention`: "" is for ever, None as TRACER_RETENTION says.
    Where no process can be started, or with TRACER_ABSORB=0, segments wait: readers see them all the same.
    While the program goes on, a shell stands between, so that no child of ours is left for its `os.wait()`.
    """
    if os.environ.get("TRACER_ABSORB") == "0" or not sys.executable:
        return
    command = [*_command(store), "--background"]
    try:
        if at_exit or sys.platform == "win32":
            process = _spawn(command, store, retention)
            process.returncode = 0  # nobody will wait for it; this keeps Popen from warning of that
        else:
            _spawn(["/bin/sh", "-c", '"$@" &', "sh", *command], store, retention).wait()
    except OSError as error:
        logger.info("no absorber could be started (%s); segments wait in the journal", error)


def run(store: Path, timeout: float | None) -> bool:
    """Absorb `store` now, in a process of its own; return whether that was done within `timeout` seconds."""
    try:
        return _spawn(_command(store), store).wait(timeout) == 0
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


def _spawn(command: list[str], store: Path, retention: str | None = None) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "TRACER_ENABLED": "0"}
    if retention is not None:
        environ["TRACER_RETENTION"] = retention
    return subprocess.Popen(
        command,
        cwd=store.parent,  # `-c` puts the working directory first on the path; here no module of the user's lies
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
