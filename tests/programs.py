"""Run real Python programs: what a crash, a fork or another user of the store does cannot be seen from inside."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path


def start(
    program: str, store: Path, *arguments: object, before: Sequence[str] = (), **environ: str
) -> subprocess.Popen[str]:
    """Start a program that records to `store`; its output can be read, and input be given, while it runs.

    `before` is a command that starts it.
    """
    return subprocess.Popen(
        [*before, sys.executable, "-u", "-c", textwrap.dedent(program), *map(str, arguments)],
        env={**os.environ, "TRACER_STORE": str(store), **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    program: str, store: Path, *arguments: object, seconds: float = 60, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; the test fails if the program does, or takes longer."""
    with start(program, store, *arguments, **environ) as process:
        stdout, stderr = process.communicate(timeout=seconds)
    assert process.returncode == 0, stderr
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def tracer(store: Path, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command `tracer` as a user does, and wait for it."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("tracer")), *map(str, arguments)],
        env={**os.environ, "TRACER_STORE": str(store), "COLUMNS": "160", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
