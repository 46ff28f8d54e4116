"""The lines of the journal that could not be read: they are set aside, can be looked at, and are purged as all else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tracer.errors import logger
from tracer.journal.layout import MAX_LINE_BYTES, Layout
from tracer.store.durable import sync


@dataclass(frozen=True, slots=True)
class Kept:
    """A line that was set aside: from the segment whose name its file bears, at a time in Unix nanoseconds."""

    file: Path
    time_ns: int
    line: bytes


def set_aside(layout: Layout, segment: Path, lines: list[bytes]) -> None:
    """Keep the unreadable lines of a segment."""
    layout.quarantine.mkdir(mode=0o700, exist_ok=True)
    kept = layout.quarantine / segment.name
    with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)
    sync(kept)
    sync(layout.quarantine)
    logger.warning("%d lines of the journal could not be read; they are kept in %s", len(lines), kept)


def set_file_aside(layout: Layout, path: Path) -> None:
    """Keep a file whose content is not what its name says."""
    layout.quarantine.mkdir(mode=0o700, exist_ok=True)
    kept = layout.quarantine / path.name
    path.replace(kept)
    logger.warning("%s does not hold what its name says; it is kept in %s", path, kept)


def kept_lines(layout: Layout) -> Iterator[Kept]:
    """Yield every line that was set aside, the oldest file first. Very long ones come in pieces."""
    for path in sorted(files(layout), key=lambda path: path.stat().st_mtime_ns):
        time_ns = path.stat().st_mtime_ns
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES):
                yield Kept(path, time_ns, line)


def files(layout: Layout) -> list[Path]:
    """Return the files of lines that were set aside."""
    return [path for path in _all_files(layout) if path.suffix == ".ndjson"]


def other_files(layout: Layout) -> list[Path]:
    """Return what was set aside and is no file of lines."""
    return [path for path in _all_files(layout) if path.suffix != ".ndjson"]


def _all_files(layout: Layout) -> list[Path]:
    try:
        return [path for path in layout.quarantine.iterdir() if path.is_file()]
    except FileNotFoundError:
        return []


def drop(layout: Layout, is_purged: Callable[[Kept], bool]) -> int:
    """Delete the lines of which `is_purged` says so; return how many they were.

    Other files go as a whole: nobody can tell what is in them, and of a torn log of DuckDB's all that counts is stored.
    """
    for path in other_files(layout):
        path.unlink()
    purged = 0
    for path in files(layout):
        times = path.stat()
        draft = path.with_name(f".{path.name}")
        before = purged
        with path.open("rb") as file, open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            while line := file.readline(MAX_LINE_BYTES):
                if is_purged(Kept(path, times.st_mtime_ns, line)):
                    purged += 1
                else:
                    out.write(line)
            is_empty = out.tell() == 0
        if is_empty:
            path.unlink()
        elif purged > before:
            os.utime(draft, ns=(times.st_atime_ns, times.st_mtime_ns))
            draft.replace(path)
        draft.unlink(missing_ok=True)
    return purged
