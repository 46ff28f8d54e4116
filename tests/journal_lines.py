"""Write a journal by hand, as recording processes of the documented format do: real files with real locks."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from tracer.journal.layout import Layout
from tracer.journal.locks import try_lock

START_NS = 1_760_000_000_000_000_000
SECOND = 1_000_000_000


def trace_id(number: int) -> str:
    """A trace id of our form: 48 bits of milliseconds, here `number` seconds after START_NS, then the number."""
    return f"{START_NS // 1_000_000 + number * 1000:012x}{number:020x}"


def span(
    name: str = "answer", *, trace: int = 0, at: float = 0, lasts: float | None = 1, **columns: Any
) -> dict[str, Any]:
    """An ended function span, `at` seconds into its trace; with `lasts=None` one that is still open."""
    start_ns = START_NS + trace * SECOND + int(at * SECOND)
    row = {
        "trace_id": trace_id(trace),
        "span_id": hashlib.blake2b(f"{trace} {name}".encode(), digest_size=8).hexdigest(),
        "name": name,
        "kind": "chain",
        "start_ns": start_ns,
        "end_ns": None if lasts is None else start_ns + int(lasts * SECOND),
        "status": None if lasts is None else "OK",
        "rev": 0 if lasts is None else 1,
        "dialect": "native",
    }
    if "parent" in columns:
        row["parent_id"] = span(columns.pop("parent"), trace=trace)["span_id"]
    return {name: value for name, value in {**row, **columns}.items() if value is not None}


def call(name: str = "chat gpt-4o", **columns: Any) -> dict[str, Any]:
    """A chat with gpt-4o that took 1,000 tokens in and 100 out."""
    usual = {
        "kind": "llm",
        "operation": "chat",
        "provider": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 1000,
        "output_tokens": 100,
    }
    return span(name, **{**usual, **columns})


class Process:
    """A recording process as others see it: the file whose lock says that it lives, and its segments."""

    def __init__(self, store: Path) -> None:
        self.layout = Layout(store)
        self.process_id = uuid.uuid4().hex
        self.layout.folder.mkdir(exist_ok=True)
        self._number = 0
        self._locks = [self._locked(self.layout.live(self.process_id))]

    def segment(self, *lines: dict[str, Any] | bytes, live: bool = False) -> Path:
        """Write a segment; `live` keeps it locked, as one that may still grow."""
        self._number += 1
        path = self.layout.segment(self.process_id, self._number)
        path.write_bytes(b"".join(self._line(line) for line in lines))
        if live:
            self._locks.append(self._locked(path))
        return path

    def die(self) -> None:
        """End as by kill -9: the locks fall, the files stay."""
        while self._locks:
            os.close(self._locks.pop())

    def _line(self, line: dict[str, Any] | bytes) -> bytes:
        if isinstance(line, bytes):
            return line
        return json.dumps(line if "record" in line else {"process_id": self.process_id, **line}).encode() + b"\n"

    @staticmethod
    def _locked(path: Path) -> int:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        assert try_lock(descriptor)
        return descriptor


def written(store: Path, *lines: dict[str, Any] | bytes) -> Path:
    """Write a segment of a process that has died, and return it."""
    process = Process(store)
    path = process.segment(*lines)
    process.die()
    return path
