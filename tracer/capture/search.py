"""Look for all markers in one pass over the line: in native code, or in Python alone once the program ends."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

Meaning = TypeVar("Meaning")
"""What a marker stands for."""


class Search(Generic[Meaning]):
    """All of these markers in one pass. Up to 64 of them are looked for at nearly the memory's speed, more are not.

    `find` returns a tuple for each place where one stands: its number, where it begins and where it ends.
    """

    all: ClassVar[list[Search[Any]]] = []

    def __init__(self, meanings: Mapping[bytes, Meaning]) -> None:
        self.find: Callable[[bytes], list[tuple[int, int, int]]] = self._find_first
        self._markers = list(meanings)
        self._meanings = list(meanings.values())
        Search.all.append(self)

    def __call__(self, line: bytes) -> list[tuple[int, Meaning]]:
        """Return where the markers begin in the line, each with what it stands for."""
        return [(start, self._meanings[number]) for number, start, _ in self.find(line)]

    def _find_first(self, line: bytes) -> list[tuple[int, int, int]]:
        """Find as `find` does, which is native code from now on: a program with no span is spared its making."""
        from ahocorasick_rs import BytesAhoCorasick, MatchKind

        self.find = BytesAhoCorasick(self._markers, matchkind=MatchKind.LeftmostLongest).find_matches_as_indexes
        return self.find(line)

    def leave_native_code(self) -> None:
        longest_first = sorted(self._markers, key=len, reverse=True)
        expression = re.compile(b"|".join(map(re.escape, longest_first)))
        numbers = {marker: number for number, marker in enumerate(self._markers)}

        def find(line: bytes) -> list[tuple[int, int, int]]:
            return [(numbers[found[0]], found.start(), found.end()) for found in expression.finditer(line)]

        self.find = find


def leave_native_code() -> None:
    """Search in Python alone from now on, and let those end that are in native code: for the program's exit.

    Before 3.14 Python ends a daemon thread that wants the GIL at that time by unwinding its stack. Where native code
    lies on it that was written in Rust, that aborts the process.
    Source: https://docs.python.org/3/c-api/init.html#c.PyEval_RestoreThread
    """
    for search in Search.all:
        search.leave_native_code()
    deadline = time.monotonic() + 0.1
    while _others_search() and time.monotonic() < deadline:
        time.sleep(0.001)


def _others_search() -> bool:
    """Return whether a thread other than this one is in code of this package, which is where native code is called."""
    own, package = threading.get_ident(), os.path.dirname(__file__)
    frames = sys._current_frames().items()
    return any(frame.f_code.co_filename.startswith(package) for thread, frame in frames if thread != own)
