"""The claim that every test in this folder makes: a program's work nests rightly wherever it goes, and nothing else of
the program changes.

Each program is run as a user runs it, twice: with the real `trace`, `span` and `using`, and with ones that do nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

from tracer.store import Store
from tracer.tree import Node, build_tree

PRELUDE = """
import sys

if sys.argv[1] == "untraced":
    from contextlib import contextmanager

    def trace(function=None, /, **options):
        return function or trace

    @contextmanager
    def span(*_, **__):
        yield

    using = span
else:
    from tracer import span, trace, using
"""


class Run(NamedTuple):
    """What a program printed, and the trees that it left: a line a span, indented, with its status if that is not OK.

    Siblings are in the order of their names, since what runs side by side begins in any order.
    """

    printed: str
    trees: list[str]


def run(program: str, folder: Path, **environ: str) -> Run:
    """Run a program with us and without, and return what the one with us left; both end alike and print the same."""
    script = folder / "program.py"
    script.write_text(PRELUDE + textwrap.dedent(program))
    store = folder / "traces.duckdb"
    untraced = _run(script, "untraced", store, environ)
    traced = _run(script, "traced", store, environ)
    told = f"traced: {traced.stderr}\nuntraced: {untraced.stderr}"
    assert (traced.returncode, traced.stderr) == (untraced.returncode, untraced.stderr), told
    assert traced.stdout == untraced.stdout
    return Run(traced.stdout, trees(store))


def trees(store: Path) -> list[str]:
    lines: list[str] = []
    for trace in sorted(Store(store).traces(limit=100_000), key=lambda trace: trace["start_ns"]):
        roots = build_tree(Store(store).trace(trace["trace_id"]).rows)
        for root in sorted(roots, key=_name):
            _draw(root, 0, lines)
    return lines


def _draw(node: Node, depth: int, lines: list[str]) -> None:
    lines.append("  " * depth + node.row.name + ("" if node.row.status == "OK" else f" {node.row.status}"))
    for child in sorted(node.children, key=_name):
        _draw(child, depth + 1, lines)


def _name(node: Node) -> tuple[str, int]:
    return node.row.name, node.row.start_ns


def _run(script: Path, how: str, store: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), how],
        env={**os.environ, "TRACER_STORE": str(store), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
