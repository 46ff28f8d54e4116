"""Send a span down the whole road (a program, its journal, the absorber, a reader) and see whether it arrives.

It goes to a store of its own beside the user's, so on the same disk and under the same rules, and that is removed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tracer.errors import StoreError
from tracer.store import Store
from tracer.store.health import Finding

_PROGRAM = """
import time
import tracer
began = time.perf_counter()
with tracer.span("tracer doctor"):
    pass
print(time.perf_counter() - began, flush=True)
raise SystemExit(not tracer.flush(60))
"""


def send(store: Path) -> Iterator[Finding]:
    """Record a span in a program, let it be absorbed, and read it; tell how long that took."""
    nearest = next(place for place in (store.parent, *store.parent.parents) if place.exists())
    try:
        folder = Path(tempfile.mkdtemp(prefix=".llm-tracer-doctor-", dir=nearest))
    except OSError as error:
        text = f"nothing can be written in {nearest}: {error.strerror}"
        yield Finding("bad", "test span", text, "Set TRACER_STORE to a file on a disk that can be written")
        return
    try:
        yield _sent(folder / "traces.duckdb")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sent(store: Path) -> Finding:
    settings = {"TRACER_STORE": str(store), "TRACER_ENABLED": "1", "TRACER_ABSORB": "0", "TRACER_RETENTION": ""}
    began = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            cwd=store.parent,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        arrived = [row["name"] for row in Store(store).sql("select name from store.spans")]
    except (OSError, subprocess.TimeoutExpired, StoreError) as error:
        return Finding("bad", "test span", f"did not get through: {error}", "What is said there")
    if done.returncode or arrived != ["tracer doctor"]:
        why = (done.stderr.strip().splitlines() or [f"{len(arrived)} spans arrived"])[-1]
        return Finding("bad", "test span", f"did not get through: {why}", "What is said there; then `tracer absorb`")
    took_ms, first_ms = (time.perf_counter() - began) * 1e3, float(done.stdout) * 1e3
    text = f"recorded in {first_ms:.0f} ms, the first of a program; absorbed and read, all in {took_ms:.0f} ms"
    return Finding("ok", "test span", text, facts={"recorded_ms": first_ms, "all_ms": took_ms})
