"""What programs emitted against what is stored: the claim that every test in this folder makes.

A program under test gives each span a name of its own, and prints it once the span has ended: so it is emitted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from journal_lines import Process, call, span

import programs
from tracer.store import Store
from tracer.store.absorb import main


def assert_balance(path: Path, emitted: Iterable[str], *, dropped: int = 0, untold: int = 0) -> None:
    """Every emitted span is told to a reader exactly once, and is in DuckDB exactly once after absorbing.

    `dropped` are missing, as their program said in its log. `untold` may be there although their program died before it
    could say that they had ended.
    """
    names = Counter(emitted)
    assert all(count == 1 for count in names.values()), "the program gave two spans one name"
    for moment in ("before absorbing", "after absorbing"):
        if moment == "after absorbing":
            main(path)
        ended = Counter(row["name"] for row in Store(path).sql("select name from spans where end_ns is not null"))
        missing = (names - ended).total()
        doubled = [name for name, count in ended.items() if count > 1]
        more = ended.keys() - names.keys()
        summary = (
            f"{moment}: emitted {names.total()}, stored {ended.total()}, missing {missing}, told as dropped {dropped}, "
            f"stored twice {len(doubled)}, stored though not told {len(more)}"
        )
        print(summary)
        assert (missing, doubled) == (dropped, []), summary
        assert len(more) <= untold, summary


def backlog(path: Path, segments: int = 6, spans: int = 50) -> int:
    """Segments of several processes, with open rows that a later segment ends; return how many spans they hold."""
    processes = [Process(path) for _ in range(2)]
    for number in range(segments):
        traces = range(number * spans, (number + 1) * spans)
        rows = [
            row for trace in traces for row in (span("root", trace=trace, lasts=None), call(trace=trace, parent="root"))
        ]
        processes[number % 2].segment(*rows)
        processes[number % 2].segment(*(span("root", trace=trace) for trace in traces))
    for process in processes:
        process.die()
    return 2 * segments * spans


def told(path: Path) -> dict[str, int]:
    """What a reader is told: rows, distinct spans, spans with no end, and traces."""
    (row,) = Store(path).sql("""
        select count(*) as rows, count(distinct (trace_id, span_id)) as spans, count(*) filter (end_ns is null) as open,
            (select count(*) from traces where span_count = 2 and input_tokens = 1000) as traces
        from spans""")
    return row


def whole(spans: int) -> dict[str, int]:
    return {"rows": spans, "spans": spans, "open": 0, "traces": spans // 2}


def killed_at(
    path: Path,
    step: str,
    times: int = 1,
    settings: str = "",
    *,
    of: str = "absorb",
    portions: str = "absorb.SLICE_BYTES = 20_000",
) -> None:
    """Absorb in a process that is killed when it comes to a step `of` a module for the given time.

    `settings` are DuckDB's; `portions` is what makes the steps so small that there are several.
    """
    program = f"""
        import os, signal, sys
        from pathlib import Path
        from tracer.store import absorb, attachments
        {portions}
        absorb._MODEST += sys.argv[4]
        left = int(sys.argv[3])
        def killed(step):
            global left
            left -= step == sys.argv[2]
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        {of}._step = killed
        absorb.absorb(Path(sys.argv[1]))
    """
    with programs.start(program, path, path, step, times, settings) as process:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == -9, stderr
