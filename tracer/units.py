"""Lengths of time as people write them: `300ms`, `2s`, `30d`."""

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
