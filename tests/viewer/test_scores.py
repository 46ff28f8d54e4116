"""Scores: what somebody who looks thinks of a trace or a span; the one thing that the viewer writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import corpus
import pytest
from playwright.sync_api import Page, expect
from serving import Viewer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

import tracer
from tracer.errors import TracerError, UsageError
from tracer.store import Store
from tracer.viewer.api import refuse, routes
from tracer.viewer.guard import Guard


@pytest.fixture
def api(store: Store) -> TestClient:
    app = Starlette(routes=routes(store), middleware=[Middleware(Guard)], exception_handlers={TracerError: refuse})
    return TestClient(app, base_url="http://127.0.0.1")


def test_a_score_is_kept_beside_those_of_programs(api: TestClient, store: Store) -> None:
    root = corpus.agent(ago_s=60)
    tracer.score(root, "correct", True)
    told = api.post("/api/scores", json={"trace_id": root.trace_id, "name": "thumb", "value": 1, "comment": "so good"})
    assert told.status_code == 201
    scores = [
        (score["name"], score["value"], score["source"]) for score in api.get(f"/api/scores/{root.trace_id}").json()
    ]
    assert scores == [("correct", 1.0, "api"), ("thumb", 1.0, "viewer")]
    store.absorb()
    assert [score["comment"] for score in store.scores(root.trace_id)] == [None, "so good"]


def test_traces_are_found_by_their_scores(store: Store) -> None:
    good, bad = corpus.agent(ago_s=60), corpus.failing_agent(ago_s=30)
    tracer.score(good, "helpful", 0.9)
    tracer.score(bad, "helpful", 0.2, label="rude")
    found = {
        asked: [row["name"] for row in store.traces(asked)]
        for asked in ("score:helpful", "score:rude", "score<0.5", "score>=0.9", "score:none")
    }
    assert found == {
        "score:helpful": ["failing_agent", "support_agent"],
        "score:rude": ["failing_agent"],
        "score<0.5": ["failing_agent"],
        "score>=0.9": ["support_agent"],
        "score:none": [],
    }


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"trace_id": "a" * 32, "name": "x"},
        {"trace_id": "a" * 32, "name": "", "value": 1},
        {"trace_id": "../../etc", "name": "x", "value": 1},
        {"trace_id": "a" * 32, "span_id": "b", "name": "x", "value": 1},
        {"trace_id": "a" * 32, "name": "x", "value": "much"},
        {"trace_id": "a" * 32, "name": ["x"], "value": 1},
        [1, 2],
    ],
)
def test_what_is_no_score_is_refused(api: TestClient, store: Store, told: Any) -> None:
    assert api.post("/api/scores", json=told).status_code == 400
    assert list(store.sql("from scores")) == []


def test_a_page_of_a_stranger_can_write_nothing(api: TestClient, store: Store) -> None:
    told = b'{"trace_id": "%s", "name": "x", "value": 1}' % (b"a" * 32)
    plain = {"Content-Type": "text/plain"}  # all that a page may send elsewhere without being allowed to
    assert api.post("/api/scores", content=told, headers=plain).status_code == 403
    elsewhere = {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}
    assert api.post("/api/scores", content=told, headers=elsewhere).status_code == 403
    assert list(store.sql("from scores")) == []


def test_a_secret_in_a_comment_is_not_kept(api: TestClient, store: Store) -> None:
    root = corpus.agent(ago_s=60)
    api.post("/api/scores", json={"trace_id": root.trace_id, "name": "x", "comment": f"sk-{'a1B2' * 12}"})
    assert "[redacted:" in next(iter(store.scores(root.trace_id)))["comment"]


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    app = Starlette(routes=routes(Store(tmp_path / "file" / "t.duckdb")), exception_handlers={TracerError: refuse})
    answer = TestClient(app).post("/api/scores", json={"trace_id": "a" * 32, "name": "x", "value": 1})
    assert (answer.status_code, answer.json()["error"]) == (500, "StoreUnavailable")


@pytest.mark.parametrize("value", ["1", float("nan"), 1j])
def test_a_program_is_told_of_a_value_that_is_none(value: Any) -> None:
    with pytest.raises(UsageError, match="number or a bool"):
        tracer.score("a" * 32, "x", value)


@pytest.mark.browser
def test_a_trace_is_judged_on_its_page(page: Page, live_viewer: Viewer) -> None:
    root = corpus.agent(ago_s=60)
    page.goto(f"{live_viewer.url}/?trace={root.trace_id}")
    good = page.get_by_role("button", name="good", exact=True)
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="score…").click()
    page.get_by_label("name").fill("tone")
    page.get_by_label("label").fill("warm")
    page.get_by_label("comment").fill("kind words")
    page.keyboard.press("Enter")
    expect(page.locator(".t-scores")).to_contain_text("tone warm “kind words”")
    page.reload()
    expect(good).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("j")
    expect(page.locator(".t-scores")).not_to_contain_text("tone")
    expect(good).to_have_attribute("aria-pressed", "false")


@pytest.mark.browser
def test_what_a_program_said_of_the_root_stands_beside_it(page: Page, live_viewer: Viewer) -> None:
    root = corpus.agent(ago_s=60)
    tracer.score(root, "faithful", 0.5)
    page.goto(f"{live_viewer.url}/?trace={root.trace_id}")
    expect(page.locator(".t-scores")).to_contain_text("faithful 0.5")
