"""Start a process that outlives this one, so that the program that we are a guest of does not notice it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ALLOWED = "TRACER_ABSORB"
"""The variable that is 0 where no process is to be started."""


def may_start() -> bool:
    """Return whether processes may be started here at all."""
    return os.environ.get(ALLOWED) != "0" and bool(sys.executable)


def is_unnoticed() -> bool:
    """Return whether the program would not notice a child that lives for a moment: it handles no SIGCHLD, and has no
    children of its own, for which it might be waiting with `os.wait()`."""
    if sys.platform == "win32":
        return True
    if signal.getsignal(signal.SIGCHLD) is not signal.SIG_DFL or not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # takes nothing from whoever waits
    except ChildProcessError:
        return True
    return False


def start(command: list[str], store: Path, environ: Mapping[str, str], *, at_exit: bool) -> None:
    """Start a Python command in the background. Raises OSError where no process can be started.

    While the program goes on, a shell stands between, so that no child of ours is left for its `os.wait()`.
    """
    if at_exit or sys.platform == "win32":
        process = spawn(command, store, environ)
        process.returncode = 0  # nobody will wait for it; this keeps Popen from warning of that
    else:
        spawn(["/bin/sh", "-c", '"$@" &', "sh", *command], store, environ).wait()


def spawn(command: list[str], store: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, with nothing to read and nowhere to write, that records nothing."""
    return subprocess.Popen(
        command,
        cwd=store.parent,  # `-c` puts the working directory first on the path; here no module of the user's lies
        env={**os.environ, "TRACER_ENABLED": "0", **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
