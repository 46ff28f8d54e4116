"""Traces side by side in the viewer."""

from __future__ import annotations

import corpus
import pytest
from playwright.sync_api import Page, expect
from serving import Viewer
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tracer.errors import TracerError
from tracer.store import Store
from tracer.viewer.api import refuse, routes

LESS = "Yes: 60 % of the price, since departure is less than 24 hours away."
ROWS = "[role=row][data-trace-id]"


@pytest.fixture
def api(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(store), exception_handlers={TracerError: refuse}))


def test_where_two_runs_part_is_named_and_what_became_of_the_text_is_shown(api: TestClient) -> None:
    a, b = corpus.agent(ago_s=60), corpus.agent(ago_s=30, answer=LESS)
    answer = api.get(f"/api/compare?traces={a.trace_id},{b.trace_id}").json()
    assert [trace["trace_id"] for trace in answer["traces"]] == [a.trace_id, b.trace_id]
    assert answer["divergences"] == [None, {"step": 6, "how": "gives another output"}]
    assert [step["differs"][1] for step in answer["steps"]] == [["output"], [], [], [], [], ["output"], ["output"]]
    places = [f"{t.trace_id}.{answer['steps'][6]['spans'][i]['span_id']}" for i, t in enumerate((a, b))]
    told = api.get("/api/compare/span", params=dict(zip("ab", places, strict=True))).json()
    assert list(told["texts"]) == ["output"]
    assert [text for kind, text in told["texts"]["output"] if kind == "-"] == ["90", "more"]
    assert [text for kind, text in told["texts"]["output"] if kind == "+"] == ["60", "less"]
    assert told["parameters"] == []


def test_what_cannot_be_compared_is_told(api: TestClient) -> None:
    assert api.get("/api/compare?traces=abcdef01").json()["message"] == "from 2 to 6 traces can be compared, not 1"
    assert api.get("/api/compare?traces=a'b,c").status_code == 400
    assert api.get(f"/api/compare?traces={'0' * 32},{'1' * 32}").status_code == 404
    assert api.get("/api/compare/span?a=x&b=y").status_code == 400


@pytest.mark.browser
def test_traces_are_marked_in_the_list_and_put_side_by_side(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?q=name:support_agent")
    expect(page.locator(ROWS)).to_have_count(2)
    page.keyboard.press("Home")
    page.keyboard.press("c")
    page.locator(ROWS).nth(1).locator(".t-mark-cell").click()
    page.get_by_role("button", name="Compare 2").click()
    expect(page.locator(".t-verdict")).to_contain_text("first part at support_agent, which has another input")
    steps = page.locator("[role=row][data-step]")
    expect(steps).to_have_count(7)
    expect(page.locator(".t-diff ins").first).to_be_visible()
    page.keyboard.press("d")
    expect(steps).not_to_have_count(7)
    page.keyboard.press("Escape")
    expect(page.locator(ROWS)).to_have_count(2)


@pytest.mark.browser
def test_a_trace_is_compared_with_the_one_of_its_name_before_it(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?q=name:support_agent")
    page.locator(ROWS).first.click()
    expect(page.get_by_role("treeitem")).to_have_count(7)
    page.keyboard.press("c")
    expect(page.locator(".t-side")).to_have_count(2)
    page.reload()
    expect(page.locator(".t-side")).to_have_count(2)
