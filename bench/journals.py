"""Journals to measure with: written by the real writer, in the shape of what an application of agents records.

A trace is a root, three steps, and in each a retrieval and a model call: ten spans of some 1.3 KB, with words that
compress as prose does. The words come from a seed, so that every run measures the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from tracer.journal.writer import Writer

START_NS = 1_760_000_000_000_000_000
SECOND = 1_000_000_000

SPANS_A_TRACE = 10

NEEDLE = "Quantum Teapot"
"""Stands in one trace of 5,000: what a search looks for."""

_MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "o3-mini")
_PLACES = ("Lisbon", "Oslo", "Quito", "Hanoi", "Accra")


def trace_id(number: int) -> str:
    """Return an id of our form, of a trace that began `number` seconds after START_NS."""
    return f"{START_NS // 1_000_000 + number * 1000:012x}{number:020x}"


def write(store: Path, traces: Iterable[int], *, lines_a_segment: int | None = None, opened: bool = False) -> int:
    """Write the journal of a process that has ended; return its bytes.

    Segments are sealed at the writer's own 8 MB, or at a number of lines. With `opened`, every model call and
    what is around it has a line without an end too, as if it had taken longer than half a second.
    """
    writer = Writer(store)
    written = 0
    for line_number, row in enumerate((row for number in traces for row in trace(number, opened=opened)), 1):
        line = orjson.dumps({"process_id": writer.process_id, **row})
        writer.write(line)
        written += len(line) + 1
        if lines_a_segment and line_number % lines_a_segment == 0:
            writer.seal()
    writer.close()
    return written


def write_long_trace(store: Path, number: int, spans: int) -> str:
    """Write a trace of so many spans; return its id."""
    writer = Writer(store)
    root, *rest = (row for part in range(spans // SPANS_A_TRACE) for row in trace(number, part=part))
    for row in (root, *rest):
        writer.write(orjson.dumps({"process_id": writer.process_id, **row}))
    writer.close()
    return trace_id(number)


def trace(number: int, *, part: int = 0, opened: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the lines of a trace in the order in which they are written: as spans end."""
    dice = random.Random(number * 1000 + part)
    ids = [f"{dice.getrandbits(64):016x}" for _ in range(SPANS_A_TRACE)]
    start_ns = START_NS + number * SECOND + part * SECOND // 50
    question = words(dice, 200)
    common = {"trace_id": trace_id(number), "session_id": f"session-{number // 20}", "scope_name": "app"}

    def row(place: int, parent: int | None, name: str, kind: str, **columns: Any) -> dict[str, Any]:
        took = dice.randrange(200, 900) * 1_000_000 // (1 if parent is None else 4)
        begun = start_ns + place * 40_000_000
        ids_ = {"span_id": ids[place]} if parent is None else {"span_id": ids[place], "parent_id": ids[parent]}
        times = {"start_ns": begun, "end_ns": begun + took, "status": "OK", "rev": 1}
        return {**common, **ids_, "name": name, "kind": kind, **times, "dialect": "native", **columns}

    failed = number % 50 == 7
    answer = words(dice, 300) + (NEEDLE if number % 5000 == 4321 else "")
    root = row(0, None, "answer", "chain", input={"question": question}, output=answer, tags=["bench"])
    root |= {"status": "ERROR", "error_type": "TimeoutError"} if failed else {}
    steps = [1, 4, 7]
    lines = []
    for step in steps:
        place = dice.choice(_PLACES)
        plan = row(
            step, 0, f"step {place}", "chain", input={"question": question, "place": place}, output=words(dice, 80)
        )
        documents = [{"content": words(dice, 250), "score": round(dice.random(), 4)} for _ in range(3)]
        found = row(step + 1, step, "retrieval handbook", "retriever", input={"query": question}, output=documents)
        call = row(step + 2, step, "chat", "llm", **call_columns(dice, *_said(dice, question)))
        lines += [found, call, plan]
    if opened:
        yield from (_begun(line) for line in (root, *lines))
    yield from lines
    yield root


def _said(dice: random.Random, question: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    said = [message("system", words(dice, 150)), message("user", question + words(dice, 400))]
    return said, message("assistant", words(dice, 300))


def call_columns(dice: random.Random, said: list[dict[str, Any]], answered: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a model call."""
    model = dice.choice(_MODELS)
    return {
        "operation": "chat",
        "provider": "openai",
        "request_model": model,
        "response_model": model,
        "response_id": f"chatcmpl-{dice.getrandbits(96):024x}",
        "finish_reasons": ["stop"],
        "stream": dice.random() < 0.3,
        "ttft_ns": dice.randrange(20_000_000, 90_000_000),
        "request_parameters": {"temperature": 0.2, "max_tokens": 500},
        "input_tokens": dice.randrange(150, 400),
        "output_tokens": dice.randrange(20, 120),
        "cached_tokens": 0,
        "input": said,
        "output": [answered],
        "attributes": {"server.address": "127.0.0.1", "server.port": 8080},
    }


def _begun(row: dict[str, Any]) -> dict[str, Any]:
    later = ("output", "end_ns", "status", "error_type", "finish_reasons", "response_model", "response_id", "ttft_ns")
    return {name: value for name, value in row.items() if name not in later and "tokens" not in name} | {"rev": 0}


def message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def words(dice: random.Random, length: int) -> str:
    """Return so many characters of prose, from a random place of a long text."""
    text = _prose()
    begin = dice.randrange(len(text) - length)
    return text[begin : begin + length]


@cache
def _prose() -> str:
    """Return 8 MB of words of three lengths, a few of them frequent and most of them rare, as in a language."""
    dice = random.Random(1)
    consonants, vowels = "bcdfghklmnprstvw", "aeiou"
    vocabulary = [
        "".join(dice.choice(consonants) + dice.choice(vowels) for _ in range(dice.choice((1, 2, 3, 4))))
        for _ in range(20_000)
    ]
    weights = [1 / (rank + 10) for rank in range(len(vocabulary))]
    return " ".join(dice.choices(vocabulary, weights, k=1_200_000))
