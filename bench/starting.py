"""What a program waits for at its start and at its end: `import tracer`, and the exit of a program that recorded.

Each figure is the wall time of a process of its own, less that of a bare Python in the same round.

    python bench/starting.py [--rounds 20]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from measuring import Figures, Table, Target, add_ratio, against, child, interleaved, report, with_spread

IMPORTS = {
    "python": "pass",
    "limit": "import opentelemetry.trace, orjson",
    "llm-tracer": "import tracer",
}

INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}
"""As pip installs us: with bytecode, which this environment may have been told not to write."""

PROGRAM = """
import sys, time
{set_up}

def model_call(prompt):
    return {{"answer": prompt}}

{wrap}
for number in range(1_000):
    model_call("prompt")
"""
PLAIN = PROGRAM.format(set_up="import opentelemetry.trace, orjson", wrap="")
TRACED = PROGRAM.format(set_up="import tracer", wrap="model_call = tracer.trace(model_call)")


def less(figures: Figures, base: Figures) -> Figures:
    return [one - other for one, other in zip(figures, base, strict=True)]


def importing(rounds: int) -> Table:
    runs = {name: lambda text=text: child(text, **INSTALLED).seconds for name, text in IMPORTS.items()}
    took = interleaved(runs, rounds)
    table = against("Import, over bare Python", "import tracer", "opentelemetry.trace and orjson")
    ours, limit = (less(took[name], took["python"]) for name in ("llm-tracer", "limit"))
    add_ratio(table, "import", ours, limit, Target(1.2), unit="ms", scale=1e3)
    return table


def ending(rounds: int, store: Path) -> Table:
    """The program tells when its last line was reached; what follows is its exit."""
    told = "\nprint(time.time())"

    def run(program: str) -> float:
        done = child(program + told, TRACER_STORE=str(store), **INSTALLED)
        return (time.time() - float(done.output)) * 1e3

    took = interleaved({"plain": lambda: run(PLAIN), "traced": lambda: run(TRACED)}, rounds)
    later = less(took["traced"], took["plain"])
    target = Target(30, unit="ms")
    table = Table(
        "Exit of a program that recorded 1,000 spans: ms from its last line", ["plain", "traced", "later", "target"]
    )
    cells = with_spread(took["traced"], "ms"), with_spread(later, "ms")
    table.add(
        with_spread(took["plain"], "ms"),
        *cells,
        f"{target} {target.verdict(sorted(later)[len(later) // 2])}",
        later=later,
    )
    return table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=20)
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        INSTALLED["PYTHONPYCACHEPREFIX"] = folder
        report("starting", [importing(rounds), ending(rounds, Path(folder) / "bench.duckdb")])


if __name__ == "__main__":
    main()
