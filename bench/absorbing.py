"""What it takes to move the journal into DuckDB: time, memory, and what the recording program feels of it.

The limit is DuckDB's own: one `insert … select … from read_ndjson(…)` of the same files into the same columns, with no
enriching, no summaries and no exactly-once. Both are processes of their own, from their start to their end.

    python bench/absorbing.py [--rounds 7] [--spans 100000] [--pairs 20]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ["TRACER_ABSORB"] = "0"

import journals
import orjson
from measuring import Table, Target, child, interleaved, ratios, report, with_spread

import tracer
from tracer.journal.layout import Layout
from tracer.journal.writer import Writer

BEST_PEER = 984
"""Spans a second that the best peer stores: an mlflow server that is fed over OTLP."""

ABSORB = "import sys; from tracer.cli import main; sys.exit(main(['absorb', '--store', sys.argv[1]]))"

ABSORB_BEHIND = ABSORB.replace("sys.argv[1]]", "sys.argv[1], '--background']")

LIMIT = """
import sys, duckdb
from pathlib import Path
from tracer.rows import SPAN_COLUMNS
store = Path(sys.argv[1])
files = sorted(map(str, Path(f"{store}.journal").glob("*.ndjson")))
columns = {name: "VARCHAR[]" if type_ == "VARCHAR[]" else type_ for name, type_ in SPAN_COLUMNS.items()}
with duckdb.connect(str(store)) as connection:
    connection.execute(f"create table spans ({', '.join(map(' '.join, SPAN_COLUMNS.items()))})")
    connection.execute("insert into spans from read_ndjson($files, columns = " + str(columns) + ")", {"files": files})
"""

RECORD = """
import sys
spans = int(sys.argv[1])
def step(question): return {"message": {"role": "assistant", "content": question}, "usage": {"input": 100}}
def answer(question): return [step(question) for _ in range(9)]
if sys.argv[2:]:
    from tracer import trace
    step, answer = trace(step), trace(answer)
for number in range(spans // 10):
    answer("why? " * 100)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--spans", type=int, default=100_000)
    options.add_argument("--pairs", type=int, default=20)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tables = [rates(folder, chosen.spans, chosen.rounds), memory(folder), slowing(folder, chosen.pairs)]
    report("absorbing", tables)


def rates(folder: Path, spans: int, rounds: int) -> Table:
    """Absorb a backlog again and again, by turns with the limit."""
    traces = range(spans // journals.SPANS_A_TRACE)
    title = f"From the journal until it can be asked, {spans:,} spans"
    table = Table(title, ["what", "absorbed, spans/s", "limit", "of the limit", "target", "", "of the best peer"])
    for name, opened in (("spans of 1.3 KB", False), ("the same, each with an open line before", True)):
        backlog = folder / name / "traces.duckdb"
        journals.write(backlog, traces, opened=opened)
        runs = {
            "absorbed": _on_copies(backlog, lambda store: child(ABSORB, store).seconds),
            "limit": _on_copies(backlog, lambda store: child(LIMIT, store).seconds),
        }
        taken = interleaved(runs, rounds)
        ours, limit = ([spans / seconds for seconds in taken[run]] for run in runs)
        ratio, target = ratios(ours, limit), Target(0.4, at_least=True)
        table.add(
            name,
            *(with_spread(ours), with_spread(limit), with_spread(ratio)),
            *(target, target.verdict(statistics.median(ratio))),
            f"{statistics.median(ours) / BEST_PEER:.0f} x (target ≥ 10 x)",
            ours=ours,
            limit=limit,
            ratio=ratio,
        )
        shutil.rmtree(backlog.parent)
    return table


def _on_copies(backlog: Path, run: Callable[[Path], float]) -> Callable[[], float]:
    def on_a_copy() -> float:
        with linked(backlog) as store:
            return run(store)

    return on_a_copy


@contextmanager
def linked(backlog: Path) -> Iterator[Path]:
    """Yield a new store whose journal holds the segments of another one."""
    with tempfile.TemporaryDirectory(dir=backlog.parent) as place:
        store = Path(place) / "traces.duckdb"
        link_segments(backlog, store)
        yield store


def link_segments(backlog: Path, store: Path) -> None:
    journal = Layout(store).folder
    journal.mkdir(exist_ok=True)
    for segment in Layout(backlog).segments():
        os.link(segment.path, journal / segment.name)


def memory(folder: Path) -> Table:
    """Absorb backlogs of different kinds once each: a peak varies little."""
    table = Table("Memory", ["what", "peak, MB", "target", ""])
    backlogs: dict[str, Callable[[Path], object]] = {
        "absorbing 50 MB": lambda store: journals.write(store, range(4_000)),
        "absorbing 500 MB": lambda store: journals.write(store, range(40_000)),
        "absorbing 3,000 small segments": lambda store: journals.write(store, range(3_000), lines_a_segment=10),
        "absorbing 20 lines of 8 MB": write_long_lines,
        "absorbing 50 MB with no usage": write_without_usage,
    }
    for name, write in backlogs.items():
        store = folder / "memory" / "traces.duckdb"
        write(store)
        _add_peak(table, name, child(ABSORB, store).peak_mb, Target(256, unit="MB"))
        shutil.rmtree(store.parent)
    environ = {"TRACER_STORE": str(folder / "recording.duckdb")}
    (folder / "recording.duckdb.journal").mkdir()
    bare, recording = (child(RECORD, 100_000, *extra, **environ).peak_mb for extra in ((), ("traced",)))
    _add_peak(table, "recording 100,000 spans, over the same program", recording - bare, Target(24, unit="MB"))
    return table


def _add_peak(table: Table, name: str, peak: float, target: Target) -> None:
    table.add(name, f"{peak:.0f}", target, target.verdict(peak), peak_mb=[peak])


def write_long_lines(store: Path) -> None:
    writer = Writer(store)
    for number in range(20):
        *_, root = journals.trace(number)
        writer.write(orjson.dumps({**root, "output": "long words " * 750_000}))
    writer.close()


def write_without_usage(store: Path) -> None:
    """Write calls of two generations of models whose tokens must be counted, each with its own encoding."""
    writer = Writer(store)
    for number in range(4_000):
        for row in journals.trace(number):
            known = {name: value for name, value in row.items() if "tokens" not in name}
            older = {"request_model": "gpt-4", "response_model": "gpt-4"} if number % 2 and row["kind"] == "llm" else {}
            writer.write(orjson.dumps(known | older))
    writer.close()


def slowing(folder: Path, pairs: int) -> Table:
    """Record by turns with and without an absorber at work, and twice without one.

    It works on a store of its own, so that there is enough to do each time. Where the cores are taken by others too,
    the wall clock tells what the scheduler gave it, and CPU time what it costs the work itself.
    """
    backlog = folder / "slowing" / "traces.duckdb"
    journals.write(backlog, range(30_000))
    tracer.configure(store=folder / "recorded.duckdb")
    work = tracer.trace(_answer)

    def record() -> tuple[float, float]:
        start, start_cpu = time.perf_counter(), time.process_time()
        for _ in range(2_500):
            work("why? " * 100)
        return time.perf_counter() - start, time.process_time() - start_cpu

    def record_beside_an_absorber() -> tuple[float, float]:
        with linked(backlog) as store, subprocess.Popen([sys.executable, "-c", ABSORB_BEHIND, str(store)]) as absorber:
            time.sleep(0.7)  # until it is at it
            taken = record()
            assert absorber.poll() is None, "the absorber ended before the work did"
            absorber.kill()
        return taken

    record()
    runs = {"alone": record, "alone again": record, "absorber": record_beside_an_absorber}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for number in range(pairs):
        for name in reversed(runs) if number % 2 else runs:
            taken[name].append(runs[name]())
    table = Table(f"What a recording program feels of it, {pairs} pairs", ["what", "slower by, %", "target", ""])
    rows = [
        ("while an absorber works", "absorber", 0, Target(5, unit="%")),
        ("null pair: alone both times", "alone again", 0, None),
        ("while an absorber works, CPU time", "absorber", 1, Target(5, unit="%")),
        ("null pair, CPU time", "alone again", 1, None),
    ]
    for name, run, clock, target in rows:
        slower = [100 * (one[clock] / other[clock] - 1) for one, other in zip(taken[run], taken["alone"], strict=True)]
        verdict = target.verdict(statistics.median(slower)) if target else ""
        table.add(name, with_spread(slower), target or "", verdict, slower_percent=slower)
    return table


def _answer(question: str) -> list[dict[str, object]]:
    return [_step(question) for _ in range(6)]


@tracer.trace
def _step(question: str) -> dict[str, object]:
    return {"message": {"role": "assistant", "content": question}, "usage": {"input": 100}}


if __name__ == "__main__":
    main()
