"""Conversations: the traces of a session as one thread."""

from __future__ import annotations

import time
from typing import Any

import corpus
import pytest
from playwright.sync_api import Page, expect
from serving import Viewer
from starlette.applications import Starlette
from starlette.testclient import TestClient

import tracer
from tracer.errors import TracerError
from tracer.store import Store
from tracer.viewer.api import refuse, routes
from tracer.viewer.sessions import said


@pytest.fixture
def api(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(store), exception_handlers={TracerError: refuse}))


def talk(session: str, *turns: tuple[str, str], ago_s: float = 600) -> None:
    for i, (question, answer) in enumerate(turns):
        corpus.agent(ago_s - 60 * i, question, answer, session_id=session, user_id="ada")


def test_sessions_are_listed_with_their_sums_the_last_active_first(api: TestClient) -> None:
    talk("old", ("Hello?", "Hello."), ago_s=900)
    talk("new", ("A refund?", "Yes."), ("And now?", "No."))
    corpus.many(3, ago_s=60)  # of no session
    listed = api.get("/api/sessions").json()["sessions"]
    assert listed["session_id"] == ["new", "old"]
    assert listed["turns"] == [2, 1]
    assert listed["first_input"] == ["A refund?", "Hello?"]
    assert listed["last_output"] == ["No.", "Hello."]
    assert listed["input_tokens"] == [4800, 2400]
    assert listed["lasted_us"][0] == pytest.approx(62.32e6, rel=0.01)
    assert api.get("/api/sessions?q=session:old").json()["sessions"]["session_id"] == ["old"]


def test_a_session_is_its_turns_in_order_with_what_was_said(api: TestClient) -> None:
    talk("s", ("A refund?", "Yes."), ("And now?", "No."))
    turns = api.get("/api/session?id=s").json()["turns"]
    assert [(turn["input"], turn["output"]) for turn in turns] == [("A refund?", "Yes."), ("And now?", "No.")]
    assert [turn["name"] for turn in turns] == ["support_agent", "support_agent"]


def test_a_turn_that_runs_is_there_with_no_answer(api: TestClient) -> None:
    with tracer.using(session_id="s"), tracer.span("running", input={"question": "Well?"}):
        deadline = time.monotonic() + 20
        while not (turns := api.get("/api/session?id=s").json()["turns"]) and time.monotonic() < deadline:
            time.sleep(0.05)
    [turn] = turns
    assert (turn["status"], turn["input"], turn["output"]) == ("RUNNING", "Well?", None)


def test_an_id_that_is_no_session_has_no_turns(api: TestClient) -> None:
    assert api.get("/api/session?id=%27%20or%201=1%20--").json()["turns"] == []
    assert api.get("/api/sessions").json()["sessions"] == {}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"type": "text", "content": text}]}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Why?", "Why?"),
        ({"question": "Why?"}, "Why?"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ([user("first"), {"role": "assistant", "parts": []}, user("second")], user("second")),
        ({"messages": [user("first")], "step": 3}, user("first")),
        ({"messages": "none", "step": 3}, {"messages": "none", "step": 3}),
        ([{"role": "tool", "parts": []}], {"role": "tool", "parts": []}),
        ([], []),
        (None, None),
    ],
)
def test_of_a_turn_that_holds_the_whole_talk_only_its_last_word_is_shown(value: Any, shown: Any) -> None:
    assert said(value, "user") == shown


@pytest.mark.browser
def test_a_session_is_read_as_a_thread_whose_turns_lead_to_their_traces(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    page.get_by_role("link", name="Sessions").click()
    row = page.locator("[data-session-id='s-42']")
    expect(row).to_contain_text("2.8k")
    row.click()
    assert page.url == f"{viewer.url}/?session=s-42"
    turn = page.locator(".t-turn")
    expect(turn.locator("[data-role=user]")).to_contain_text(corpus.QUESTION)
    expect(turn.locator("[data-role=assistant]")).to_contain_text(corpus.ANSWER)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("treeitem")).to_have_count(7)
    page.get_by_role("button", name="s-42").click()
    expect(turn).to_have_count(1)
    page.keyboard.press("Escape")
    expect(row).to_be_visible()


@pytest.mark.browser
def test_a_session_that_is_not_there_says_so(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?session=nobody")
    expect(page.get_by_role("heading", name="No such session")).to_be_visible()
    page.get_by_role("button", name="All sessions").click()
    expect(page.locator("[data-session-id='s-42']")).to_be_visible()
