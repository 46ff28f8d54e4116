"""What someone who looks waits for, in headless Chromium, beside an empty page of Streamlit.

The store holds 10,000 traces, one of 50 spans and one of 10,000. Cold is a browser that has never seen the page, warm
one that comes back to it. Times are the page's own: from the start of the navigation to the frame that shows the first
rows, or, for a span, from the click or the key to the frame that shows what it says.

The list of a store of 1M traces (bench/datasets.py, made once) is asked through the API: a page from the middle, and
filters; beside each is the time of its SQL alone, with the store open already.

    python bench/viewer.py [--rounds 5] [--folder FOLDER] [--no-million]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import datasets
import journals
import orjson
from measuring import Figures, Table, Target, add_ratio, against, interleaved, ratios, report, timed, with_spread
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tracer.journal.layout import Layout
from tracer.journal.writer import Writer
from tracer.store import Store, live
from tracer.store.database import attached, connect
from tracer.store.newest import newest
from tracer.viewer.api.traces import SEARCH_SECONDS

TRACES = 10_000
SHORT, LONG = 50, 10_000

SPANS = "[role=treeitem]"
LISTED = "[role=row][data-trace-id]"
EMPTY = "[data-testid=stMarkdown] p"
FIRST_ROWS = 8

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WINDOW = {"width": 1440, "height": 900}

TIMES = ["what", "taken", "beside an empty page", "target", ""]

SEEN = """
    window.seen = new Promise((tell) => {
        const look = () => {
            if (document.querySelectorAll(SELECTOR).length < COUNT) return;
            looking.disconnect();
            requestAnimationFrame(() => tell(performance.now()));
        };
        const looking = new MutationObserver(look);
        looking.observe(document, { childList: true, subtree: true });
    });
"""
"""Runs before all else in a page; `seen` is when so many elements had come."""

DETAIL = """
    async ([keys, count]) => {
        const detail = document.querySelector("[data-testid=span-detail]");
        const rows = () => [...document.querySelectorAll("[role=treeitem]")];
        const changed = () => new Promise((tell) => {
            const looking = new MutationObserver(() => {
                looking.disconnect();
                requestAnimationFrame(() => tell(performance.now()));
            });
            looking.observe(detail, { attributeFilter: ["data-span-id"] });
        });
        const took = [];
        for (let i = 0; i < count; i++) {
            const shown = changed();
            const began = performance.now();
            if (keys) document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
            else rows()[3 + (i * 7) % 24].click();
            took.push(await shown - began);
            await new Promise((go) => setTimeout(go, 120));
        }
        return took;
    }
"""
"""Clicks rows that were not asked for ahead, or goes down by key; returns the milliseconds to each span's content."""

VISIBLE = """
    (rows) => rows.map((row) => row.getBoundingClientRect())
        .filter((box) => box.top >= 0 && box.bottom <= innerHeight).length
"""

LOADED = """
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .reduce((bytes, entry) => bytes + entry.transferSize, 0)
"""


@dataclass(frozen=True)
class Server:
    url: str
    process_id: int
    started: float


@dataclass(frozen=True)
class Place:
    """A page to go to, and what is on it once it has come."""

    url: str
    selector: str
    count: int = FIRST_ROWS


def stored(folder: Path) -> tuple[Path, dict[int, str]]:
    """Return the store, and the ids of its two long traces by their number of spans; make it if it is not there yet."""
    ids = {spans: journals.trace_id(TRACES + spans) for spans in (SHORT, LONG)}
    store = folder / "viewer" / "traces.duckdb"
    if not store.exists():
        draft = folder / "viewer.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        shutil.copy(datasets.stored(folder, TRACES * journals.SPANS_A_TRACE), draft / store.name)
        for spans in ids:
            write_batch(draft / store.name, TRACES + spans, spans)
        Store(draft / store.name).absorb()
        draft.rename(store.parent)
    return store, ids


def write_batch(store: Path, number: int, spans: int) -> None:
    """Write a trace of so many spans: a root, and below it examples, each with the steps of a trace."""
    rows = [row for part in range(spans // journals.SPANS_A_TRACE) for row in journals.trace(number, part=part)]
    root, *others = sorted(rows, key=lambda row: row["start_ns"])
    root["end_ns"] = max(row["end_ns"] for row in rows)
    writer = Writer(store)
    for place, row in enumerate(others):
        parent = {} if "parent_id" in row else {"parent_id": root["span_id"], "name": f"example {place}"}
        writer.write(orjson.dumps({"process_id": writer.process_id, **row, **parent}))
    writer.write(orjson.dumps({"process_id": writer.process_id, **root}))
    writer.close()


# ── servers and pages


@contextmanager
def serving(command: list[str], folder: Path) -> Iterator[Server]:
    """Run a server for the block; it is asked once it says where it is."""
    started = time.perf_counter()
    environment = {**os.environ, "TRACER_ABSORB": "0"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder) as process:
        said = iter(process.stdout or ())
        url = next(found[0] for line in said if (found := re.search(r"http://(127\.0\.0\.1|localhost):\d+", line)))
        try:
            yield Server(url, process.pid, started)
        finally:
            process.kill()  # Streamlit waits for its browsers when it is asked to end


def viewer(store: Path) -> list[str]:
    tracer = str(Path(sys.executable).with_name("tracer"))
    return [tracer, "view", "--no-open", "--port", "0", "--store", str(store)]


def empty_page(folder: Path) -> list[str]:
    """Return the command that serves the least that a page of Streamlit can be."""
    script = folder / "empty.py"
    script.write_text("import streamlit as st\n\nst.write('empty')\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"server.headless": "true", "server.address": "127.0.0.1", "browser.gatherUsageStats": "false"}
    options |= {"server.port": str(port), "server.fileWatcherType": "none", "logger.level": "error"}
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(script), *flags]


def opened(context: BrowserContext, place: Place) -> tuple[Page, float]:
    """Go to a place; return its page, and the milliseconds until its first rows were seen."""
    page = context.new_page()
    page.add_init_script(SEEN.replace("SELECTOR", repr(place.selector)).replace("COUNT", str(place.count)))
    page.goto(place.url, wait_until="commit")
    return page, float(page.evaluate("window.seen"))


def seconds(context: BrowserContext, place: Place) -> float:
    page, took = opened(context, place)
    page.close()
    return took / 1000


def cold(browser: Browser, place: Place) -> float:
    context = browser.new_context(viewport=WINDOW)
    took = seconds(context, place)
    context.close()
    return took


# ── what is measured


def coming(browser: Browser, places: dict[str, Place], rounds: int) -> list[Table]:
    """Cold and warm, each beside the empty page; and a trace of 10,000 spans beside one of 50."""
    limits = {"cold": {"10,000 spans": 1.5}, "warm": {"10,000 spans": 0.7, "10,000 traces": 0.5}}
    warm = browser.new_context(viewport=WINDOW)
    asked = {
        "cold": {name: lambda place=place: cold(browser, place) for name, place in places.items()},
        "warm": {name: lambda place=place: seconds(warm, place) for name, place in places.items()},
    }
    tables = []
    for state, runs in asked.items():
        took = interleaved(runs, rounds)
        table = Table(f"Until the first rows, {state}", TIMES)
        for name, figures in took.items():
            add_time(table, name, figures, took["empty"], limits[state].get(name))
        longer = against(f"10,000 spans beside 50, {state}", "10,000 spans", "50 spans")
        add_ratio(longer, "first rows", took["10,000 spans"], took["50 spans"], Target(1.3), unit="ms", scale=1000)
        tables += [table, longer]
    warm.close()
    return tables


def add_time(table: Table, name: str, took: Figures, empty: Figures, limit_s: float | None = None) -> None:
    target = Target(1000 * limit_s, unit="ms") if limit_s else None
    verdict = target.verdict(1000 * statistics.median(took)) if target else ""
    ratio = with_spread(ratios(took, empty))
    table.add(name, with_spread(took, "ms", 1000), ratio, target or "", verdict, seconds=took)


def choosing(browser: Browser, place: Place) -> Table:
    """From a click, and from a key, to what a span says; and what the page of 10,000 spans holds and shows."""
    context = browser.new_context(viewport=WINDOW)
    page, _ = opened(context, place)
    page.wait_for_selector("[data-testid=span-detail][data-span-id]")
    table = Table("The page of 10,000 spans", ["what", "measured", "target", ""])
    for name, keys in (("click", False), ("key", True)):
        took = page.evaluate(DETAIL, [keys, 40])
        quantiles = statistics.quantiles(took, n=20, method="inclusive")
        for quantile, figure, most in (("p50", quantiles[9], 60), ("p95", quantiles[18], 100)):
            add_figure(table, f"{name} to the span, {quantile}", figure, Target(most, unit="ms"))
    devtools = context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    heap = devtools.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    add_figure(table, "JavaScript heap", heap, Target(20, unit="MB"))
    nodes = page.evaluate("document.querySelectorAll('*').length")
    add_figure(table, "elements", nodes, Target(2000))
    add_figure(table, "loaded, cold", page.evaluate(LOADED) / 1e6, Target(3.5, unit="MB"))
    add_figure(table, "rows in sight", page.locator(SPANS).evaluate_all(VISIBLE), Target(28, at_least=True))
    context.close()
    return table


def add_figure(table: Table, name: str, figure: float, target: Target) -> None:
    shown = with_spread([figure], target.unit)
    table.add(name, shown, target, target.verdict(figure), figure=[figure])


# ── the list of 1M traces

MIDDLE = f"{journals.START_NS + 500_000 * journals.SECOND}."

FILTERS = ("error", "model:gpt-4o", "dur>0.8s", "name:answer", "session:session-7", "name:nobody")
SEARCHES = (f'"{journals.NEEDLE}"', '"in no trace"')
"""What is said in few traces, and in none: answered with how far back it was searched."""


def listing(store: Path, folder: Path, rounds: int) -> Table:
    """Ask for pages of the list of 1M traces, and for the sums of filters."""
    asked = {"the first page": ({}, 250), "a page from the middle": ({"before": MIDDLE}, 250)}
    asked |= {filter_: ({"q": filter_}, 700) for filter_ in (*FILTERS, *SEARCHES)}
    table = Table("The list of 1M traces", ["what", "answered", "target", "", "SQL alone", "target", ""])
    with serving(viewer(store), folder) as server:
        pages = {name: timed(partial(get, server, "traces", query)) for name, (query, _) in asked.items()}
        took = interleaved(pages, rounds)
        for name, (query, most_ms) in asked.items():
            # A search ends when its time is up, so that its SQL alone says nothing.
            sql = [] if name in SEARCHES else sql_seconds(store, query, rounds)
            table.add(name, *against_most(took[name], most_ms), *against_most(sql, 100), seconds=took[name], sql=sql)
        sums = {f"sums of {one}": timed(partial(get, server, "summary", {"q": one})) for one in FILTERS[:3]}
        for name, figures in interleaved(sums, rounds).items():
            table.add(name, *against_most(figures, 700), "", "", "", seconds=figures)
        memory = memory_mb(server.process_id)
    limit = Target(350, unit="MB")
    table.add("memory of the server", with_spread([memory], "MB"), limit, limit.verdict(memory), "", "", "")
    return table


limits = count(100)


def get(server: Server, what: str, query: dict[str, str]) -> None:
    """Ask the API, each time for one more than before, so that it answers no question from what it kept."""
    with urlopen(f"{server.url}/api/{what}?{urlencode({'limit': next(limits), **query})}") as answer:
        answer.read()


def sql_seconds(store: Path, query: dict[str, str], rounds: int) -> Figures:
    """Return what a page takes in a store that is open already."""
    layout = Layout(store)
    condition = Store.condition(query.get("q"))
    before = (int(query["before"].rstrip(".")), "") if "before" in query else None
    with closing(connect(layout)) as connection, attached(layout, connection):
        live.show(connection, layout)
        run = timed(lambda: newest(connection, condition, limit=100, before=before, seconds=SEARCH_SECONDS))
        return interleaved({"sql": run}, rounds)["sql"]


def against_most(took: Figures, most_ms: float) -> tuple[object, ...]:
    """Return the cells of a time in seconds and of what it is held against; empty ones where nothing was measured."""
    if not took:
        return "", "", ""
    target = Target(most_ms, unit="ms")
    return with_spread(took, "ms", 1000), target, target.verdict(1000 * statistics.median(took))


def arriving(browser: Browser, server: Server, store: Path, times: int) -> Figures:
    """Return the seconds from the end of a span until the list shows it: each is the first of its trace."""
    context = browser.new_context(viewport=WINDOW)
    page, _ = opened(context, Place(server.url, LISTED))
    writer = Writer(store)
    took = []
    for number in range(times):
        now = time.time_ns()
        ids = {"trace_id": f"{now // 1_000_000:012x}{number:020x}", "span_id": f"{number + 1:016x}"}
        row = {**ids, "name": f"arrival {number}", "kind": "chain", "start_ns": now - 1_000_000, "end_ns": now}
        began = time.perf_counter()
        writer.write(orjson.dumps({"process_id": writer.process_id, **row, "status": "OK", "rev": 1}))
        page.wait_for_selector(f"{LISTED}:has-text('arrival {number}')")
        took.append(time.perf_counter() - began)
    writer.close()
    context.close()
    return took


def starting(browser: Browser, commands: dict[str, tuple[list[str], Place]], folder: Path, rounds: int) -> Table:
    """From the command to the first rows, in a browser that runs already."""
    context = browser.new_context(viewport=WINDOW)

    def run(command: list[str], place: Place) -> float:
        with serving(command, folder) as server:
            page, _ = opened(context, Place(server.url, place.selector, place.count))
            took = time.perf_counter() - server.started
            page.close()
            return took

    took = interleaved({name: lambda given=given: run(*given) for name, given in commands.items()}, rounds, warm=0)
    context.close()
    table = Table("From the command to the first rows", TIMES)
    add_time(table, "tracer view", took["tracer view"], took["empty"], 4)
    add_time(table, "streamlit run, an empty page", took["empty"], took["empty"])
    return table


def memory_mb(process_id: int) -> float:
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process_id)], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1024


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "llm-tracer-bench")
    options.add_argument("--no-million", action="store_true", help="leave out the list of 1M traces")
    chosen = options.parse_args()
    kept, ids = stored(chosen.folder)
    with tempfile.TemporaryDirectory(dir=chosen.folder, ignore_cleanup_errors=True) as name, sync_playwright() as play:
        folder = Path(name)
        store = folder / kept.name
        os.link(kept, store)
        browser = play.chromium.launch(executable_path=next(filter(None, map(shutil.which, CHROMIUM))), args=QUIET)
        with serving(viewer(store), folder) as server, serving(empty_page(folder), folder) as empty:
            places = {"empty": Place(empty.url, EMPTY, 1)}
            places |= {f"{spans:,} spans": Place(f"{server.url}/?trace={ids[spans]}", SPANS) for spans in ids}
            places["10,000 traces"] = Place(server.url, LISTED)
            tables = coming(browser, places, chosen.rounds)
            page = choosing(browser, places["10,000 spans"])
            arrived = statistics.median(arriving(browser, server, store, chosen.rounds))
            memory = memory_mb(server.process_id)
        served = Table("The viewer", ["what", "measured", "target", ""])
        add_figure(served, "a span that ended is in the list", 1000 * arrived, Target(1000, unit="ms"))
        add_figure(served, "memory of the server", memory, Target(350, unit="MB"))
        commands = {
            "tracer view": (viewer(store), Place("", LISTED)),
            "empty": (empty_page(folder), Place("", EMPTY, 1)),
        }
        started = starting(browser, commands, folder, 3)
        browser.close()
        tables += [] if chosen.no_million else [listing(datasets.many_traces(chosen.folder), folder, chosen.rounds)]
    report("viewer", [*tables, page, served, started])


if __name__ == "__main__":
    main()
