"""A viewer that serves a store of realistic traces, and a page in a real browser that watches where it goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from serving import Viewer, serve

from tracer.store import Store

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_MS = 20_000
"""How long a test waits for what it expects: a machine that is busy with other tests shows it late."""

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="package")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one of each trace of the corpus, recorded by a program that has ended."""
    store = tmp_path_factory.mktemp("viewer") / "traces.duckdb"
    program = "import corpus; corpus.everything()"
    environment = {**os.environ, "TRACER_STORE": str(store)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=Path(__file__).parent)
    Store(store).absorb()
    return store


@pytest.fixture(scope="package")
def viewer(recorded: Path) -> Iterator[Viewer]:
    with serve(recorded) as running:
        yield running


@pytest.fixture
def live_viewer(store_path: Path) -> Iterator[Viewer]:
    """A viewer of the store that this test records to."""
    with serve(store_path) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        assert not os.environ.get("CI"), "CI needs a browser"
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all tests, so that only the first page of each viewer has to load all of Streamlit."""
    shared = browser.new_context(viewport={"width": 1440, "height": 900})
    shared.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield shared
    shared.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of 1440 by 900. The test fails if a script of it fails, or if it asks anyone but this machine."""
    elsewhere: list[str] = []
    failures: list[str] = []
    opened = context.new_page()
    opened.on("request", lambda request: None if is_here(request.url) else elsewhere.append(request.url))
    opened.on("websocket", lambda socket: None if is_here(socket.url) else elsewhere.append(socket.url))
    opened.on("pageerror", lambda error: failures.append(str(error)))
    yield opened
    opened.close()
    assert elsewhere == []
    assert failures == []


def is_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
