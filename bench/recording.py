"""What a span costs the thread of its caller, beside its limit and OpenTelemetry's SDK, in interleaved rounds.

The work: a root span with 3 children, each with one grandchild "model call" (messages in, a dict with usage out). Costs
are µs a span over the same calls undecorated.

    python bench/recording.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ["TRACER_ABSORB"] = "0"

import orjson
from measuring import Figures, Table, Target, interleaved, ratios, report, with_spread
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

import tracer
from tracer.journal.layout import Layout
from tracer.journal.locks import locked

SPANS_A_TRACE = 7
THREADS = 8
PACE_S = 0.002
SIZES = {"200 B": 200, "4 KB": 4_000, "100 KB": 100_000}
TRACES = {"200 B": 150, "4 KB": 120, "100 KB": 20}
"""How many traces a round takes: some 20 ms."""

Messages = list[dict[str, str]]
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
Work = Callable[[Messages], Any]
Repeat = Callable[[Any, Messages, int], float]
"""Does the work so many times; gives the seconds that it took."""


def workload(wrap: Wrap) -> Work:
    @wrap
    def model_call(messages: Messages) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": "yes"}, "usage": {"input": 100, "output": 10}}

    @wrap
    def step(messages: Messages) -> Any:
        return model_call(messages)

    @wrap
    def chain(question: str, messages: Callable[[], Messages]) -> Any:
        return [step(messages()) for _ in range(3)]

    return lambda messages: chain("?", lambda: messages)


def async_workload(wrap: Wrap) -> Callable[[Messages], Awaitable[Any]]:
    @wrap
    async def model_call(messages: Messages) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": "yes"}, "usage": {"input": 100, "output": 10}}

    @wrap
    async def step(messages: Messages) -> Any:
        return await model_call(messages)

    @wrap
    async def chain(question: str, messages: Callable[[], Messages]) -> Any:
        return [await step(messages()) for _ in range(3)]

    return lambda messages: chain("?", lambda: messages)


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    return tracer.trace(ignore=("messages",))(function) if function.__name__ == "chain" else tracer.trace(function)


def limit(folder: Path) -> Wrap:
    """Ids, a context variable, two clocks, orjson and one append to a file: what no durable tracer can do without."""
    descriptor = os.open(folder / "limit.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    current: contextvars.ContextVar[Any] = contextvars.ContextVar("current", default=None)
    bits = random.Random().getrandbits

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        shown = slice(1) if function.__name__ == "chain" else slice(None)

        def wrapper(*args: Any) -> Any:
            parent = current.get()
            ids = (parent[0] if parent else f"{bits(128):032x}", f"{bits(64):016x}")
            token = current.set(ids)
            start = time.time_ns()
            encoded = orjson.dumps(args[shown])
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
        shown = slice(1) if function.__name__ == "chain" else slice(None)

        def wrapper(*args: Any) -> Any:
            with sdk_tracer.start_as_current_span(function.__name__) as span:
                span.set_attribute("input", orjson.dumps(args[shown]).decode())
                result = function(*args)
                span.set_attribute("output", orjson.dumps(result).decode())
                return result

        return wrapper

    return wrap


# The ways to repeat the work.


def tight(work: Work, messages: Messages, traces: int) -> float:
    start = time.perf_counter()
    for _ in range(traces):
        work(messages)
    return time.perf_counter() - start


def paced(work: Work, messages: Messages, traces: int) -> float:
    """As a program that waits for a model: what it does in between has cooled every cache."""
    seconds = 0.0
    for _ in range(traces):
        time.sleep(PACE_S)
        start = time.perf_counter()
        work(messages)
        seconds += time.perf_counter() - start
    return seconds


def in_threads(work: Work, messages: Messages, traces: int) -> float:
    threads = [threading.Thread(target=tight, args=(work, messages, traces // THREADS)) for _ in range(THREADS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def awaited(work: Callable[[Messages], Awaitable[Any]], messages: Messages, traces: int) -> float:
    async def repeat() -> float:
        start = time.perf_counter()
        for _ in range(traces):
            await work(messages)
        return time.perf_counter() - start

    return asyncio.run(repeat())


def undecorated(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


BARE = workload(undecorated)


@dataclass(frozen=True)
class Way:
    """How the work is done: by whom it is recorded, how it is repeated, and what holds meanwhile."""

    work: Any
    repeat: Repeat = tight
    setup: Callable[[], ExitStack] = ExitStack
    bare: Any = BARE

    def cost(self, label: str) -> float:
        """Return µs a span over the work undecorated."""
        messages = [{"role": "user", "content": "x" * (SIZES[label] // 4)} for _ in range(4)]
        traces = TRACES[label]
        bare = self.repeat(self.bare, messages, traces)
        with self.setup():
            return (self.repeat(self.work, messages, traces) - bare) / traces / SPANS_A_TRACE * 1e6


def costs(ways: dict[str, Way], label: str, rounds: int) -> dict[str, Figures]:
    return interleaved({name: partial(way.cost, label) for name, way in ways.items()}, rounds)


def unredacted() -> ExitStack:
    tracer.configure(redact=False)
    undo = ExitStack()
    undo.callback(tracer.configure, redact=None)
    return undo


def held() -> ExitStack:
    """Another process absorbs or purges: it holds the gate, and the DuckDB file."""
    import duckdb

    layout = Layout(STORE)
    layout.folder.mkdir(exist_ok=True)
    undo = ExitStack()
    undo.enter_context(locked(layout.gate, shared=False, timeout=10))
    undo.enter_context(closing(duckdb.connect(str(STORE))))
    return undo


def gone() -> ExitStack:
    """The store has been moved away."""
    away = STORE.with_suffix(".away")
    if STORE.exists():
        STORE.rename(away)
    undo = ExitStack()
    undo.callback(lambda: away.exists() and away.rename(STORE))
    return undo


STORE = Path()


def by_size(work: Work, limit: Work, rounds: int) -> Table:
    table = Table(
        "A span on its caller's thread, durable in the journal: µs, and as a ratio",
        ["value", "limit", "llm-tracer", "to limit", "target", "redact=False", "to limit", "target", "SDK", "to SDK"],
    )
    targets = {"200 B": (Target(3), Target(3)), "4 KB": (Target(3), Target(3)), "100 KB": (Target(2), Target(1.25))}
    ways = {"limit": Way(limit), "ours": Way(work), "bare": Way(work, setup=unredacted), "sdk": Way(workload(sdk()))}
    for label in SIZES:
        took = costs(ways, label, rounds)
        cells = [with_spread(took["limit"])]
        for name, target in zip(("ours", "bare"), targets[label], strict=True):
            ratio = ratios(took[name], took["limit"])
            cells += [with_spread(took[name]), with_spread(ratio), held_against(target, ratio)]
        cells += [with_spread(took["sdk"]), with_spread(ratios(took["ours"], took["sdk"]))]
        table.add(label, *cells, **took)
    return table


def held_against(target: Target, figures: Figures) -> str:
    return f"{target} {target.verdict(statistics.median(figures))}"


def by_way(work: Work, limit: Work, rounds: int) -> Table:
    """How the cost changes with the way in which the program runs, and with what becomes of the store."""
    ways = {
        "sync": Way(work),
        "async": Way(async_workload(traced), awaited, bare=async_workload(undecorated)),
        "store held": Way(work, setup=held),
        "store gone": Way(work, setup=gone),
        "paced": Way(work, paced),
        "limit, paced": Way(limit, paced),
        f"{THREADS} threads": Way(work, in_threads),
        f"limit, {THREADS} threads": Way(limit, in_threads),
    }
    took = costs(ways, "4 KB", rounds)
    table = Table("The same at 4 KB in other ways", ["way", "llm-tracer", "beside", "ratio", "target"])
    for way, target in {
        "async": 1.3,
        "store held": 1.2,
        "store gone": 1.2,
        "paced": 3,
        f"{THREADS} threads": 3,
    }.items():
        beside = f"limit, {way}" if f"limit, {way}" in took else "sync"
        ratio = ratios(took[way], took[beside])
        cells = with_spread(took[way], "µs"), f"{beside.partition(',')[0]}: {with_spread(took[beside], 'µs')}"
        table.add(
            way, *cells, with_spread(ratio), held_against(Target(target), ratio), ours=took[way], beside=took[beside]
        )
    return table


def slowest(work: Work, limit: Work, rounds: int) -> Table:
    """The slowest of many traces: a program waits for those."""
    messages = [{"role": "user", "content": "x" * 1_000} for _ in range(4)]

    def p99(work: Work) -> float:
        took = []
        for _ in range(400):
            start = time.perf_counter()
            work(messages)
            took.append(time.perf_counter() - start)
        return statistics.quantiles(took, n=100)[-1] * 1e3

    took = interleaved({"limit": partial(p99, limit), "ours": partial(p99, work)}, rounds)
    table = Table("A whole trace of 7 spans at 4 KB: 99th percentile of 400", ["", "limit", "llm-tracer", "target"])
    cells = with_spread(took["limit"], "ms"), with_spread(took["ours"], "ms")
    table.add("trace", *cells, held_against(Target(0.3, unit="ms"), took["ours"]), **took)
    return table


def main() -> None:
    global STORE  # noqa: PLW0603 - a set-up is a function of no arguments
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=15)
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        STORE = folder / "bench.duckdb"
        tracer.configure(store=STORE)
        pair = workload(traced), workload(limit(folder))
        report("recording", [by_size(*pair, rounds), by_way(*pair, rounds), slowest(*pair, rounds)])
        tracer.configure(store=None)  # so that its folder may go


if __name__ == "__main__":
    main()
