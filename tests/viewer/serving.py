"""A running `tracer view`, as a test needs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Viewer:
    """A running `tracer view`."""

    url: str
    store: Path


@contextmanager
def serve(store: Path, *options: str) -> Iterator[Viewer]:
    """Run `tracer view` on a free port for the block."""
    command = [sys.executable, "-m", "tracer", "view", "--no-open", "--port", "0", "--store", str(store), *options]
    environment = {**os.environ, "TRACER_ABSORB": "0"}
    # Not run in the project's own folder: `-m` would find `tracer` there, without the folders that are mapped into it.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=store.parent) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, "tracer view did not say where it serves"
        yield Viewer(found[0], store)
        process.terminate()
