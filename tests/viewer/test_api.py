"""The JSON API over a real store, and the columns that it answers with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import corpus
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import tracer
from tracer.errors import TracerError
from tracer.recorder import start_span
from tracer.store import Store
from tracer.viewer.api import refuse, routes
from tracer.viewer.columns import coded, rolled_up


@pytest.fixture
def api(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(store), exception_handlers={TracerError: refuse}))


def test_a_page_of_the_list_leads_to_the_next(api: TestClient) -> None:
    corpus.many(5, ago_s=60)
    first = api.get("/api/traces?limit=3").json()
    second = api.get("/api/traces", params={"limit": 3, "before": first["next"]}).json()
    assert first["traces"]["name"] == ["lookup 4", "lookup 3", "lookup 2"]
    assert second["traces"]["name"] == ["lookup 1", "lookup 0"]
    assert second["next"] is None


def test_nothing_is_answered_until_something_is_recorded(api: TestClient) -> None:
    corpus.many(1, ago_s=60)
    version = settled(api)
    assert api.get("/api/traces", params={"since": version}).status_code == 204
    with tracer.span("new"):
        pass
    assert api.get("/api/traces", params={"since": version}).json()["traces"]["name"] == ["new", "lookup 0"]


def test_a_trace_is_answered_again_only_if_it_changed(api: TestClient) -> None:
    root = start_span("root", parent=None)
    root.end()
    answer = api.get(f"/api/trace/{root.trace_id}").json()
    with tracer.span("another trace"):
        pass
    again = api.get(f"/api/trace/{root.trace_id}", params={"since": answer["version"]}).json()
    assert list(again) == ["version"]
    assert again["version"] != answer["version"]


def test_an_answer_is_kept_until_something_is_recorded(api: TestClient) -> None:
    corpus.many(2, ago_s=60)
    settled(api)
    first = api.get("/api/traces").content
    assert api.get("/api/traces").content == first
    assert api.get("/api/traces?limit=1").json()["traces"]["name"] == ["lookup 1"]
    with tracer.span("new"):
        pass
    assert api.get("/api/traces").json()["traces"]["name"] == ["new", "lookup 1", "lookup 0"]


def test_a_search_that_takes_long_says_how_far_it_came_and_goes_on_from_there(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.store.newest._SLICE", 2)
    monkeypatch.setattr("tracer.viewer.api.traces.SEARCH_SECONDS", 0)
    corpus.many(6, ago_s=60)
    first = api.get("/api/traces", params={"q": "name:lookup"}).json()
    assert 0 < len(first["traces"]["name"]) < 6
    assert first["searched_ms"] <= min(first["traces"]["start_ms"])
    found = list(first["traces"]["name"])
    while first["next"]:
        first = api.get("/api/traces", params={"q": "name:lookup", "before": first["next"]}).json()
        found += first["traces"]["name"]
    assert found == [f"lookup {number}" for number in (5, 4, 3, 2, 1, 0)]
    assert first["searched_ms"] is None


def test_a_sum_that_would_take_too_long_is_not_given(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus.many(3, ago_s=60)
    assert api.get("/api/summary").json()["traces"] == 3
    monkeypatch.setattr("tracer.viewer.api.summary.MOST_SECONDS", 1e-6)
    assert api.get("/api/summary?q=lookup").json()["traces"] is None


def test_a_trace_comes_in_drawing_order_without_its_content(api: TestClient) -> None:
    root = corpus.agent(ago_s=60)
    answer = api.get(f"/api/trace/{root.trace_id}").json()
    spans = answer["spans"]
    assert [word(spans["name"], i) for i in range(7)][3:] == [
        "retrieve",
        "execute_tool get_order",
        "answer",
        "chat gpt-4o",
    ]
    assert spans["depth"] == [0, 1, 2, 1, 1, 1, 2]
    assert spans["start_us"][:3] == [0, 2_000, 5_000]
    assert spans["duration_us"][0] == 2_320_000
    assert spans["ttft_us"][2] == 120_000
    assert spans["tokens"] == [2760, 1380, 1380, None, None, 1380, 1380]
    assert corpus.ANSWER not in str(spans)


def test_a_span_comes_with_all_its_content(api: TestClient) -> None:
    root = corpus.agent(ago_s=60)
    answer = api.get(f"/api/span/{root.trace_id}/{root.span_id}").json()
    assert answer["content"]["output"] == corpus.ANSWER
    assert answer["span"]["duration_us"] == 2_320_000
    assert "cost_usd" not in answer["span"]


def test_a_text_is_found_in_the_spans_of_a_trace(api: TestClient) -> None:
    root = corpus.loop(ago_s=60)
    corpus.loop(ago_s=50)

    def found(q: str) -> list[str]:
        return list(api.get(f"/api/trace/{root.trace_id}/find", params={"q": q}).json()["span_ids"])

    assert len(found("RESULT 4")) == 11
    assert len(found("step failed")) == 1
    assert found("result (4)") == []


def test_neighbours_are_the_traces_just_before_and_after_and_the_one_of_its_name(api: TestClient) -> None:
    corpus.many(3, ago_s=60)
    corpus.agent(ago_s=90)
    corpus.agent(ago_s=70)
    newest, middle, oldest, agent, agent_before = api.get("/api/traces").json()["traces"]["trace_id"]
    assert api.get(f"/api/trace/{middle}/neighbours").json() == {"newer": newest, "older": oldest, "same": None}
    assert api.get(f"/api/trace/{newest}/neighbours").json() == {"newer": None, "older": middle, "same": None}
    assert api.get(f"/api/trace/{agent}/neighbours").json()["same"] == agent_before


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/trace/00000000000000000000000000000000", 404, "TraceNotFound"),
        ("/api/trace/'or'1", 400, "UsageError"),
        ("/api/span/00000000000000000000000000000000/../..", 404, None),
        ("/api/traces?limit=-1", 400, "UsageError"),
        ("/api/traces?before=x", 400, "UsageError"),
        ("/api/traces?q=modle:gpt", 400, "QueryError"),
    ],
)
def test_what_cannot_be_answered_is_told(api: TestClient, path: str, status: int, error: str | None) -> None:
    with tracer.span("something"):
        pass
    answer = api.get(path)
    assert answer.status_code == status
    assert error is None or answer.json()["error"] == error


def test_a_damaged_store_is_told_and_not_traced_back(api: TestClient, store_path: Path) -> None:
    store_path.write_bytes(b"this is no database")
    answer = api.get("/api/traces")
    assert answer.status_code == 500
    assert answer.json()["error"] == "StoreDamaged"
    assert str(store_path) in answer.json()["message"]


def test_words_are_told_once() -> None:
    assert coded(["a", "b", "a", None]) == {"words": ["a", "b", None], "index": [0, 1, 0, 2]}


def test_the_topmost_call_with_a_figure_counts() -> None:
    step, unknown = (False, None), (True, None)
    depths = [0, 1, 2, 2, 1, 2]
    calls = [step, (True, 10.0), (True, 4.0), unknown, unknown, (True, 3.0)]
    assert rolled_up(depths, calls) == ([13.0, 10.0, 4.0, None, 3.0, 3.0], [0, 0, 0, 1, 0, 0])
    assert rolled_up([0, 1, 1], [step, (True, 1.0), unknown]) == ([1.0, 1.0, None], [1, 0, 1])
    assert rolled_up([0], [step]) == ([None], [0])


def settled(api: TestClient) -> str:
    """Return the version once it stays: a moment after its first span, a process adds what it is."""
    version = api.get("/api/traces").json()["version"]
    while (answer := api.get("/api/traces", params={"since": version})).status_code != 204:
        version = answer.json()["version"]
        time.sleep(0.05)
    return str(version)


def word(column: dict[str, Any], i: int) -> Any:
    return column["words"][column["index"][i]]
