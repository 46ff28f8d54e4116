"""Contents beside the segments: each a file that is named by the SHA-256 of what it holds and by its MIME type.

    traces.duckdb.journal/attachments/
        <sha256>.image~png                      a content
        .<process id>-<n>                       one that is being written

A file has its name once it is whole. Whoever reads one cannot trust that its name is right, nor that it is a file.
"""

from __future__ import annotations

import os
import re
import stat
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from tracer.journal.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN_TYPE = "application/octet-stream"

_MIME_TYPE = r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,100}"
_NAME = r"([0-9a-f]{64})\.([a-z0-9.+-]+~[a-z0-9.+-]+)"
_DRAFT = r"\.([0-9a-f]{32})-\d+"

_numbers = count()


class Waiting(NamedTuple):
    """A content that waits in the journal. `size` is in bytes."""

    path: Path
    hash: str
    mime_type: str
    size: int


def plain_type(mime_type: str | None) -> str:
    """Return a MIME type without parameters, in lower case; that of unknown bytes if it is none."""
    plain = (mime_type or "").partition(";")[0].strip().lower()
    return plain if re.fullmatch(_MIME_TYPE, plain) else UNKNOWN_TYPE


def is_there(layout: Layout, hash: str, mime_type: str, size: int) -> bool:
    """Return whether a content of so many bytes lies there."""
    return _size(_path(layout, hash, mime_type)) == size


def put(layout: Layout, process_id: str, hash: str, mime_type: str, content: bytes) -> None:
    """Write a content. Raises OSError, and leaves nothing of it then."""
    path = _path(layout, hash, mime_type)
    try:
        layout.attachments.mkdir(mode=0o700)
    except FileExistsError:
        pass
    draft = path.with_name(f".{process_id}-{next(_numbers)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _path(layout: Layout, hash: str, mime_type: str) -> Path:
    return layout.attachments / f"{hash}.{mime_type.replace('/', '~')}"


def waiting(layout: Layout) -> list[Waiting]:
    """Return the contents that lie there now, the smallest first. What is no file of ours is left out."""
    found = []
    for name in _names(layout):
        path = layout.attachments / name
        if (match := re.fullmatch(_NAME, name)) and (size := _size(path)) is not None:
            found.append(Waiting(path, match[1], match[2].replace("~", "/"), size))
    return sorted(found, key=lambda one: (one.size, one.hash))


def drafts(layout: Layout) -> dict[Path, str]:
    """Return the files that are being written, or were as their process died; each with the id of that process."""
    return {layout.attachments / name: match[1] for name in _names(layout) if (match := re.fullmatch(_DRAFT, name))}


def strangers(layout: Layout) -> list[Path]:
    """Return what lies there and is no file of ours."""
    ours = {one.path for one in waiting(layout)} | drafts(layout).keys()
    return [path for name in _names(layout) if (path := layout.attachments / name) not in ours]


def open_to_read(path: Path) -> int:
    """Return a descriptor of a content. Raises OSError, as for a link, which is not followed."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))


def _names(layout: Layout) -> list[str]:
    try:
        return os.listdir(layout.attachments)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size(path: Path) -> int | None:
    """Return the bytes of a file; None where there is none, or something else."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
