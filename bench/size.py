"""How large the store is, beside the same rows as zstd Parquet, and beside the distinct messages of agents' traces.

An agent sends the whole history with every call, so 50 turns hold each message up to 50 times.

    python bench/size.py [--spans 200000]
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import journals
import orjson
from measuring import Table, Target, report

from tracer.journal.writer import Writer
from tracer.store import Store

TURNS = 50

CHARACTERS_A_MESSAGE = 400


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--spans", type=int, default=200_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        report("size", [beside_parquet(Path(place), chosen.spans), beside_messages(Path(place))])


def beside_parquet(folder: Path, spans: int) -> Table:
    table = Table("The store beside zstd Parquet", ["what", "journal, MB", "store", "Parquet", "ratio", "target", ""])
    target = Target(1.3)
    traces = spans // journals.SPANS_A_TRACE
    journals_: dict[str, Callable[[Path], int]] = {
        f"{spans:,} spans of 1.3 KB": lambda store: journals.write(store, range(traces)),
        f"{TURNS}-turn agents": lambda store: write_agents(store, 40)[0],
    }
    for name, write in journals_.items():
        store = folder / name / "traces.duckdb"
        journal_bytes = write(store)
        Store(store).absorb()
        sizes = store.stat().st_size, parquet_bytes(store)
        ratio = sizes[0] / sizes[1]
        megabytes = (f"{size / 1e6:.1f}" for size in (journal_bytes, *sizes))
        table.add(name, *megabytes, f"{ratio:.2f}", target, target.verdict(ratio), ratio=[ratio])
    return table


def parquet_bytes(store: Path) -> int:
    """Return the bytes of the rows of all tables as Parquet files."""
    total = 0
    with duckdb.connect(str(store), read_only=True) as connection:
        for (name,) in connection.execute("show tables").fetchall():
            file = store.with_name(f"{name}.parquet")
            connection.execute(f"copy {name} to '{file}' (format parquet, compression zstd)")
            total += file.stat().st_size
    return total


def beside_messages(folder: Path) -> Table:
    title = f"The store of {TURNS}-turn agents beside their distinct messages, as JSON"
    table = Table(title, ["what", "journal, MB", "store", "messages", "ratio", "target", ""])
    target = Target(1)
    for agents in (5, 40):
        store = folder / f"{agents} agents" / "traces.duckdb"
        journal_bytes, message_bytes = write_agents(store, agents)
        Store(store).absorb()
        ratio = store.stat().st_size / message_bytes
        megabytes = (f"{size / 1e6:.2f}" for size in (journal_bytes, store.stat().st_size, message_bytes))
        table.add(f"{agents} traces", *megabytes, f"{ratio:.2f}", target, target.verdict(ratio), ratio=[ratio])
    return table


def write_agents(store: Path, agents: int) -> tuple[int, int]:
    """Write a trace for each agent; return the bytes of the journal, and of the distinct messages in it."""
    writer = Writer(store)
    journal = messages = 0
    for agent in range(agents):
        for row, new_messages in agent_trace(agent):
            line = orjson.dumps({"process_id": writer.process_id, **row})
            writer.write(line)
            journal += len(line) + 1
            messages += sum(len(orjson.dumps(message)) for message in new_messages)
    writer.close()
    return journal, messages


def agent_trace(number: int) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield the spans of an agent, each with the messages that were not said before."""
    dice = random.Random(number)
    *_, root = journals.trace(number)
    history: list[dict[str, Any]] = []
    for turn in range(TURNS):
        asked = journals.message("user", journals.words(dice, CHARACTERS_A_MESSAGE))
        answered = journals.message("assistant", journals.words(dice, CHARACTERS_A_MESSAGE))
        history.append(asked)
        start_ns = root["start_ns"] + turn * journals.SECOND
        row = {
            **journals.call_columns(dice, list(history), answered),
            "trace_id": root["trace_id"],
            "span_id": f"{dice.getrandbits(64):016x}",
            "parent_id": root["span_id"],
            "name": "chat",
            "kind": "llm",
            "start_ns": start_ns,
            "end_ns": start_ns + journals.SECOND,
            "status": "OK",
            "rev": 1,
        }
        yield row, [asked, answered]
        history.append(answered)
    yield {**root, "input": None, "output": None, "end_ns": root["start_ns"] + TURNS * journals.SECOND}, []


if __name__ == "__main__":
    main()
