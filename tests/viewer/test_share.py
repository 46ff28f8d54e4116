"""A trace taken away: one HTML file that needs nothing, and Markdown for an issue."""

from __future__ import annotations

import re
from pathlib import Path

import corpus
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from serving import Viewer
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tracer.cli import main
from tracer.errors import TracerError
from tracer.store import Store
from tracer.viewer.api import refuse, routes
from tracer.viewer.theme import DARK, LIGHT, css

LESS = "Yes: 60 % of the price, since departure is less than 24 hours away."


@pytest.fixture
def api(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(store), exception_handlers={TracerError: refuse}))


@pytest.fixture
def alone(context: BrowserContext) -> Page:
    """A page that may ask nobody: a file that asks fails its test."""
    page = context.new_page()
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if re.match(r"https?:|ws", request.url) else None)
    page.on("pageerror", lambda error: failed.append(str(error)))
    yield page
    assert (asked, failed) == ([], [])
    page.close()


def exported(store: Store, path: Path, *trace_ids: str) -> str:
    assert main(["export", *trace_ids, "--store", str(store.path), "-o", str(path)]) == 0
    return path.as_uri()


@pytest.mark.browser
def test_a_file_shows_the_whole_trace_and_asks_nobody(alone: Page, store: Store, tmp_path: Path) -> None:
    root = corpus.agent(ago_s=60, session_id="s-1")
    alone.goto(exported(store, tmp_path / "one.html", root.trace_id))
    spans = alone.get_by_role("treeitem")
    expect(spans).to_have_count(7)
    spans.nth(3).click()
    expect(alone.get_by_test_id("span-detail")).to_contain_text(corpus.CHINESE)
    alone.keyboard.press("n")
    expect(alone.get_by_test_id("span-detail")).to_contain_text("90 % of the price")
    expect(alone.get_by_role("button", name="share")).to_be_hidden()
    alone.keyboard.press("c")
    alone.get_by_role("button", name="s-1").click()
    expect(spans).to_have_count(7)


@pytest.mark.browser
def test_a_file_of_two_traces_shows_them_side_by_side_and_each(alone: Page, store: Store, tmp_path: Path) -> None:
    a, b = corpus.agent(ago_s=60), corpus.agent(ago_s=30, answer=LESS)
    alone.goto(exported(store, tmp_path / "two.html", a.trace_id, b.trace_id))
    expect(alone.locator(".t-verdict")).to_contain_text("first part at chat gpt-4o, which gives another output")
    expect(alone.locator(".t-diff ins").first).to_have_text("60")
    alone.get_by_role("link", name="open in B").click()
    expect(alone.get_by_role("treeitem")).to_have_count(7)
    alone.keyboard.press("Escape")
    expect(alone.locator(".t-verdict")).to_be_visible()


@pytest.mark.browser
def test_an_attack_in_a_file_is_text(alone: Page, store: Store, tmp_path: Path) -> None:
    root = corpus.attack(ago_s=60)
    alone.goto(exported(store, tmp_path / "attack.html", root.trace_id))
    expect(alone.get_by_role("treeitem")).to_have_count(7)
    expect(alone.get_by_test_id("span-detail")).to_contain_text(corpus.ATTACK)
    assert alone.evaluate("window.attacked") is None


@pytest.mark.browser
def test_a_trace_is_shared_from_its_page(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?q=tag:beta")
    page.locator("[role=row][data-trace-id]").click()
    page.get_by_role("button", name="share").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="HTML file").click()
    assert re.fullmatch(r"support_agent-[0-9a-f]{16}\.html", download.value.suggested_filename)


def test_the_name_of_a_file_is_safe_whatever_the_trace_is_called(api: TestClient) -> None:
    root = corpus.Clock(60).span('../../a "b";\r\nX: y', "chain", None, 0, 10)
    answer = api.get(f"/api/share/trace/{root.trace_id}.html")
    assert answer.headers["content-disposition"] == f'attachment; filename="a-b-X-y-{root.trace_id[:16]}.html"'


def test_markdown_holds_the_tree_the_errors_and_what_was_said(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    root = corpus.failing_agent(ago_s=60)
    assert main(["export", root.trace_id[:20], "--store", str(store.path), "--format", "md"]) == 0
    text = capsys.readouterr().out
    assert "✗ failing_agent agent" in text
    assert "OrderNotFound: no order 4711" in text
    assert "Traceback" in text
    assert corpus.QUESTION in text


def test_markdown_of_two_names_where_they_part(api: TestClient) -> None:
    a, b = corpus.agent(ago_s=60), corpus.agent(ago_s=30, answer=LESS)
    text = api.get(f"/api/share/compare/{a.trace_id},{b.trace_id}.md").text
    assert "A and B first part at `chat gpt-4o`, which gives another output." in text
    assert "-Yes: 90 % of the price" in text
    assert "+Yes: 60 % of the price" in text
    assert "no step differs" in api.get(f"/api/share/compare/{a.trace_id},{a.trace_id}.md").text


def test_nothing_in_a_trace_ends_a_block_of_its_markdown(api: TestClient) -> None:
    root = corpus.agent(ago_s=60, question="````\n</details>\n# not a title", answer="x" * 100_000)
    text = api.get(f"/api/share/trace/{root.trace_id}.md").text
    assert "`````\n" in text
    assert "… 96,000 characters …" in text
    assert len(text) < 65_000


def test_what_cannot_be_exported_is_told(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "f" * 32, "--store", str(store.path)]) == 1
    root = corpus.agent(ago_s=60)
    assert main(["export", root.trace_id, "--store", str(store.path), "-o", str(tmp_path / "no" / "x.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_colours_of_a_file_are_those_of_the_viewer() -> None:
    assert [colour for colour in (*LIGHT.values(), *DARK.values()) if colour not in css()] == []
