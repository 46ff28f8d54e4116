"""What all benches share: interleaved rounds, medians with their spread, processes measured from outside, and tables.

Machines differ and change under load, so what holds is a ratio to something measured in the same rounds. A bench prints
its tables, and writes them to bench/results/NAME.json together with every single figure.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"

Figures = list[float]
"""One figure a round."""


def interleaved(runs: Mapping[str, Callable[[], float]], rounds: int, *, warm: int = 1) -> dict[str, Figures]:
    """Call each run once a round, every other round backwards; return their figures without those of `warm` rounds."""
    measured: dict[str, Figures] = {name: [] for name in runs}
    for round_ in range(-warm, rounds):
        for name in reversed(runs) if round_ % 2 else runs:
            figure = runs[name]()
            if round_ >= 0:
                measured[name].append(figure)
    return measured


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Return a run that gives the seconds which `work` takes."""

    def run() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def ratios(ours: Figures, limit: Figures) -> Figures:
    """Return the ratio of each round: what slowed both down at the time falls out."""
    return [one / other for one, other in zip(ours, limit, strict=True)]


def with_spread(figures: Figures, unit: str = "", scale: float = 1) -> str:
    """Return `1.2 ms (1.1 to 1.4)`: the median, the least and the most, of `scale` times the figures."""
    middle, least, most = (_short(scale * of(figures)) for of in (statistics.median, min, max))
    return f"{middle}{unit and ' ' + unit}" + (f" ({least} to {most})" if len(figures) > 1 else "")


def _short(figure: float) -> str:
    digits = 0 if abs(figure) >= 100 else 1 if abs(figure) >= 10 else 2
    return f"{figure:,.{digits}f}"


@dataclass(frozen=True)
class Target:
    """What a median is held against, in the unit that the table shows it in."""

    limit: float
    at_least: bool = False
    unit: str = ""

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:,g}{self.unit and ' ' + self.unit}"

    def verdict(self, figure: float) -> str:
        met = figure >= self.limit if self.at_least else figure <= self.limit
        return "met" if met else "missed"


@dataclass
class Table:
    """A table of a bench, and the figures that it was made of, by row and name."""

    title: str
    columns: Sequence[str]
    rows: list[list[str]] = field(default_factory=list)
    figures: dict[str, dict[str, Figures]] = field(default_factory=dict)

    def add(self, name: str, *cells: object, **figures: Figures) -> None:
        self.rows.append([name, *map(str, cells)])
        self.figures[name] = figures

    def markdown(self) -> str:
        widths = [max(map(len, cells)) for cells in zip(self.columns, *self.rows, strict=True)]
        lines = [self.columns, ["-" * width for width in widths], *self.rows]
        drawn = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
            for line in lines
        ]
        return "\n".join([f"**{self.title}**", "", *drawn])


def against(title: str, ours: str, limit: str) -> Table:
    """Return a table for `add_ratio`."""
    return Table(title, ["what", ours, limit, "ratio", "target", ""])


def add_ratio(
    table: Table, name: str, ours: Figures, limit: Figures, target: Target, *, unit: str = "", scale: float = 1
) -> None:
    """Add a row: ours, the limit, and the ratio of each round held against the target."""
    ratio = ratios(ours, limit)
    cells = (with_spread(ours, unit, scale), with_spread(limit, unit, scale), with_spread(ratio))
    table.add(name, *cells, target, target.verdict(statistics.median(ratio)), ours=ours, limit=limit, ratio=ratio)


def report(bench: str, tables: Sequence[Table]) -> None:
    """Print the tables, and write them to bench/results."""
    facts = machine()
    print(f"{', '.join(facts.values())}\n")
    print("\n\n".join(table.markdown() for table in tables))
    RESULTS.mkdir(exist_ok=True)
    result = {"bench": bench, "time_s": int(time.time()), "machine": facts, "tables": [asdict(one) for one in tables]}
    (RESULTS / f"{bench}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False))


def machine() -> dict[str, str]:
    return {
        "python": f"Python {platform.python_version()}",
        "cores": f"{os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
    }


@dataclass(frozen=True, slots=True)
class Finished:
    """A Python program that ran to its end: how long that took with the start of Python, and the most memory it had."""

    seconds: float
    peak_mb: float
    output: str


def child(program: str, *arguments: object, **environ: str) -> Finished:
    """Run a Python program as a process of its own. Raises RuntimeError, with what it said, where it fails."""
    command = [sys.executable, "-c", _TELLING_ITS_PEAK + program, *map(str, arguments)]
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}:\n{done.stderr}")
    return Finished(seconds, float(done.stderr.rsplit(None, 1)[-1]) / 1024, done.stdout)


# A process tells its peak itself: what its parent hears at its end may be the parent's own.
_TELLING_ITS_PEAK = """
import atexit, resource, sys
def _peak_kb():
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
atexit.register(lambda: print(_peak_kb(), file=sys.stderr))
"""
