"""What a span costs the caller's thread, beside its limit and OpenTelemetry's SDK, in one interleaved run.

The work: a root span with 3 children, each with one grandchild "model call" (messages in, a dict with usage out). Times
are µs a span over the same calls undecorated; the ratio to the limit is what holds from machine to machine.

    python bench/recording.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import contextvars
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TRACER_ABSORB"] = "0"

import orjson
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

import tracer

SIZES = {"200 B": 200, "4 KB": 4_000, "100 KB": 100_000}
SPANS_A_TRACE = 7

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def workload(wrap: Wrap) -> Callable[[list[dict[str, str]]], Any]:
    @wrap
    def model_call(messages: list[dict[str, str]]) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": "yes"}, "usage": {"input": 100, "output": 10}}

    @wrap
    def step(messages: list[dict[str, str]]) -> Any:
        return model_call(messages)

    @wrap
    def chain(question: str) -> Any:
        return [step(run.messages) for _ in range(3)]

    def run(messages: list[dict[str, str]]) -> Any:
        run.messages = messages
        return chain("?")

    return run


def limit(folder: Path) -> Wrap:
    """Ids, a context variable, two clocks, orjson and one append to a file: what no durable tracer can do without."""
    descriptor = os.open(folder / "limit.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    current: contextvars.ContextVar[Any] = contextvars.ContextVar("current", default=None)
    bits = random.Random().getrandbits

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any) -> Any:
            parent = current.get()
            ids = (parent[0] if parent else f"{bits(128):032x}", f"{bits(64):016x}")
            token = current.set(ids)
            start = time.time_ns()
            encoded = orjson.dumps(args)
            result = function(*args)
            row = {"trace": ids[0], "span": ids[1], "parent": parent, "name": function.__name__, "start": start}
            row |= {"end": time.time_ns(), "input": orjson.Fragment(encoded), "output": result}
            os.write(descriptor, orjson.dumps(row) + b"\n")
            current.reset(token)
            return result

        return wrapper

    return wrap


def sdk() -> Wrap:
    """A bare SDK span with an exporter that does nothing."""

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Nowhere()))
    sdk_tracer = provider.get_tracer("bench")

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any) -> Any:
            with sdk_tracer.start_as_current_span(function.__name__) as span:
                span.set_attribute("input", orjson.dumps(args).decode())
                result = function(*args)
                span.set_attribute("output", orjson.dumps(result).decode())
                return result

        return wrapper

    return wrap


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7)
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tracer.configure(store=folder / "bench.duckdb")
        runs = {
            "undecorated": workload(lambda function: function),
            "limit": workload(limit(folder)),
            "llm-tracer": workload(tracer.trace),
            "otel sdk": workload(sdk()),
        }
        machine = f"Python {sys.version.split()[0]}, {os.cpu_count()} cores"
        print(f"{machine}, {rounds} rounds; µs a span, median (min to max)\n")
        print(f"| {'value':7} | {'limit':18} | {'llm-tracer':18} | {'otel sdk':18} | to limit | to sdk |")
        print("|---|---|---|---|---|---|")
        for label, size in SIZES.items():
            messages = [{"role": "user", "content": "x" * (size // 4)} for _ in range(4)]
            traces = 40 if size > 50_000 else 300
            costs: dict[str, list[float]] = {name: [] for name in runs}
            for round_ in range(rounds + 1):
                for name, run in runs.items():
                    start = time.perf_counter()
                    for _ in range(traces):
                        run(messages)
                    if round_:  # the first warms up
                        costs[name].append((time.perf_counter() - start) / traces / SPANS_A_TRACE * 1e6)
            print(table_row(label, costs))


def table_row(label: str, costs: dict[str, list[float]]) -> str:
    base = statistics.median(costs.pop("undecorated"))
    net = {name: [cost - base for cost in measured] for name, measured in costs.items()}
    middle = {name: statistics.median(measured) for name, measured in net.items()}
    cells = " | ".join(f"{middle[n]:6.1f} ({min(m):.1f}-{max(m):.1f})".ljust(18) for n, m in net.items())
    ours = middle["llm-tracer"]
    return f"| {label:7} | {cells} | {ours / middle['limit']:8.2f} | {ours / middle['otel sdk']:6.2f} |"


if __name__ == "__main__":
    main()
