"""Who holds a file's locks: told by the Linux kernel in /proc/locks. Elsewhere nobody tells."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock, and how it was started."""

    pid: int
    program: str
    is_exclusive: bool

    def __str__(self) -> str:
        return f"pid {self.pid} ({self.program})"


def holders(path: Path) -> list[Holder]:
    """Return who holds a lock of the file, of either kind; nobody where that cannot be known.

    Source: proc_locks(5)
    """
    try:
        stat = path.stat()
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    place = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}"
    found = {}
    for line in lines:
        fields = line.split()
        if len(fields) >= 6 and fields[1] != "->" and fields[5] == place and fields[4].isdigit():
            pid = int(fields[4])
            found[pid] = Holder(pid, program(pid), fields[3] == "WRITE")
    return list(found.values())


def program(pid: int) -> str:
    """Return how a process was started, in short: the name of its program and of what it runs."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "unknown"
    shown = [os.path.basename(words[0]), *(os.path.basename(word) for word in words[1:3] if word)]
    return " ".join(shown)[:60] or "unknown"
