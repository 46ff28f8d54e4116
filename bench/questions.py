"""How long a question takes through `Store`, beside the best query written by hand against the best layout.

Both open the file, ask, fetch all rows and close. The layout that hand-written queries get is DuckDB's own: one
insert, sorted by time, full row groups. Asked are 1M and 10M spans (bench/datasets.py), and 1M with 70 MB of journal
that nobody has absorbed: in 17 segments, and in 3,000. There, a reader that lives on is measured: it has asked before.

    python bench/questions.py [--rounds 7] [--spans 1000000 10000000] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import duckdb
import journals
from measuring import Figures, Table, Target, add_ratio, against, interleaved, report, timed

from tracer.store import Store

Question = Callable[[], object]

BY_MODEL = """
    select request_model, count(*) as calls, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
        median(end_ns - start_ns) as median_ns
    from spans where kind = 'llm' group by 1 order by 1
"""

SEARCH = """
    from traces where trace_id in (
        select trace_id from spans
        where regexp_matches(input, $1, 'i') or regexp_matches(output, $1, 'i') or regexp_matches(name, $1, 'i')
            or regexp_matches(status_message, $1, 'i') or regexp_matches(error_type, $1, 'i'))
    order by start_ns desc, trace_id desc limit 50
"""

LATEST = "from traces order by start_ns desc, trace_id desc limit 50"

TRACE = "from spans where trace_id = $1 order by start_ns, span_id"


def ours(store: Store, trace_id: str) -> dict[str, Question]:
    return {
        "latest 50 traces": lambda: len(store.traces()),
        "a trace of 1,000 spans": lambda: store.trace(trace_id),
        "text search": lambda: len(store.traces(f'"{journals.NEEDLE.lower()}"', timeout=None)),
        "tokens and latency by model": lambda: len(store.sql(BY_MODEL)),
    }


def by_hand(path: Path, trace_id: str) -> dict[str, Question]:
    def ask(query: str, *parameters: Any) -> object:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(query, list(parameters)).fetchall()

    return {
        "latest 50 traces": lambda: ask(LATEST),
        "a trace of 1,000 spans": lambda: ask(TRACE, trace_id),
        "text search": lambda: ask(SEARCH, journals.NEEDLE.lower()),
        "tokens and latency by model": lambda: ask(BY_MODEL),
    }


def best_layout(store: Path) -> Path:
    """Return a copy of the store as DuckDB itself would lay it out; make it if it is not there yet."""
    copy = store.with_name("best.duckdb")
    if not copy.exists():
        draft = copy.with_name("best.draft")
        draft.unlink(missing_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"attach '{store}' as store (read_only)")
            connection.execute(f"attach '{draft}' as best")
            for table in ("spans", "traces"):
                connection.execute(f"create table best.{table} as from store.{table} order by start_ns")
        draft.rename(copy)
    return copy


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--spans", type=int, nargs="+", default=[datasets.MILLION, 10 * datasets.MILLION])
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "llm-tracer-bench")
    chosen = options.parse_args()
    taken = stored(chosen.folder, chosen.spans, chosen.rounds)
    tables = [beside_the_best(spans, figures) for spans, figures in taken.items()]
    if len(taken) > 1:
        tables.append(growth(*list(taken.items())[:2]))
    report("questions", [*tables, *waiting(chosen.folder, chosen.rounds)])


Taken = dict[str, dict[str, Figures]]
"""By question: the seconds that we took, and those of the query by hand."""


def stored(folder: Path, sizes: list[int], rounds: int) -> dict[int, Taken]:
    """Ask stores of all sizes by turns: what holds up the machine meanwhile holds up all of them."""
    asked: dict[int, dict[str, dict[str, Question]]] = {}
    for spans in sizes:
        path, trace_id = datasets.stored(folder, spans), datasets.long_trace_id(spans)
        asked[spans] = {"ours": ours(Store(path), trace_id), "by hand": by_hand(best_layout(path), trace_id)}
    taken: dict[int, Taken] = {spans: {} for spans in sizes}
    for name in ours(Store(folder), ""):
        runs = {f"{who}, {spans}": timed(questions[name]) for spans in sizes for who, questions in asked[spans].items()}
        figures = interleaved(runs, rounds)
        for spans in sizes:
            taken[spans][name] = {who: figures[f"{who}, {spans}"] for who in asked[spans]}
    return taken


def beside_the_best(spans: int, taken: Taken) -> Table:
    table = against(f"Questions to {spans:,} spans", "Store", "by hand")
    for name, figures in taken.items():
        add_ratio(table, name, figures["ours"], figures["by hand"], Target(3), unit="ms", scale=1000)
    return table


def growth(small: tuple[int, Taken], large: tuple[int, Taken]) -> Table:
    """Return how many times longer each question takes to the larger store: ours, and by hand."""
    title = f"From {small[0]:,} to {large[0]:,} spans, how many times longer"
    table = Table(title, ["what", "Store", "by hand", "target", ""])
    for name in small[1]:
        mine, best = (
            statistics.median(large[1][name][who]) / statistics.median(small[1][name][who])
            for who in ("ours", "by hand")
        )
        # No two medians of the same agree to the last digit.
        target = Target(round(1.1 * best, 2))
        table.add(
            name, f"{mine:.2f}", f"{best:.2f}", f"{target} (1.1 x)", target.verdict(mine), ours=[mine], hand=[best]
        )
    return table


def waiting(folder: Path, rounds: int) -> list[Table]:
    """Ask 1M spans, and the same with 70 MB of journal beside them, by turns."""
    path = datasets.stored(folder, datasets.MILLION)
    trace_id = datasets.long_trace_id(datasets.MILLION)
    alone = ours(Store(path), trace_id)
    tables = []
    for title, lines_a_segment in (("17 segments", None), ("3,000 segments", 18)):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            beside = Path(place) / path.name
            os.link(path, beside)
            journals.write(beside, range(100_000, 105_400), lines_a_segment=lines_a_segment)
            store = Store(beside)
            mine = ours(store, trace_id)
            table = against(f"Questions with 70 MB of journal beside 1M spans, in {title}", "Store", "nothing waits")
            for name in mine:
                runs = {"waiting": timed(mine[name]), "alone": timed(alone[name])}
                figures = interleaved(runs, rounds, warm=2)
                add_ratio(table, name, figures["waiting"], figures["alone"], Target(2), unit="ms", scale=1000)
            tables.append(table)
    return tables


if __name__ == "__main__":
    main()
