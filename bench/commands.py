"""How long `tracer ls` takes from the shell, beside Python with DuckDB that asks the same with nothing around it.

python bench/commands.py [--rounds 15] [--spans 1000000] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import datasets
from measuring import Target, add_ratio, against, interleaved, report, timed

BARE = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    print(connection.execute("from traces order by start_ns desc limit 20").fetchall())
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--spans", type=int, default=1_000_000)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "llm-tracer-bench")
    chosen = options.parse_args()
    store = str(datasets.stored(chosen.folder, chosen.spans))
    tracer = str(Path(sys.executable).with_name("tracer"))
    commands = {
        "bare": [sys.executable, "-c", BARE, store],
        "tracer ls": [tracer, "ls", "--store", store],
        "tracer ls --json": [tracer, "ls", "--json", "--store", store],
    }
    taken = interleaved({name: timed(lambda c=command: run(c)) for name, command in commands.items()}, chosen.rounds)
    table = against(f"Commands, {chosen.spans:,} spans", "command", "python, import duckdb, query")
    for name in list(commands)[1:]:
        add_ratio(table, name, taken[name], taken["bare"], Target(2), unit="ms", scale=1000)
    report("commands", [table])


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
