"""Lengths of time and amounts of bytes as people write and read them: `300ms`, `30d`, `1.2 MB`."""

from __future__ import annotations

import math
import re

NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
}
NANOSECONDS |= {"min": NANOSECONDS["m"], "w": 7 * NANOSECONDS["d"]}


def amount(text: str, units: dict[str, int]) -> float | None:
    """Return a number with one of the units, or with none, in what the units count; None if it is no such text."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ]*)", text.strip().lower())
    if not found or (found[2] and found[2] not in units):
        return None
    return float(found[1]) * units.get(found[2], 1)


def age_ns(text: str) -> int | None:
    """Return an age such as `30d`, `12h` or `2w` in nanoseconds; None if it is none, or has no unit."""
    found = amount(text, NANOSECONDS)
    if found is None or found == 0 or math.isinf(found) or not text.strip()[-1:].isalpha():
        return None
    return int(found)


def short_age(ns: int) -> str:
    """Return how long ago something was, in its largest unit: `3d`, `5m`, `0s`."""
    seconds = max(0, ns // 1_000_000_000)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def size(count: float) -> str:
    """Return bytes as people read them: `1.2 MB`."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"


def counted(count: int, noun: str) -> str:
    """Return `1 span`, `2 spans`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
