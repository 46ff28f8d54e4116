"""A model call beside the one before it in its conversation, in the API and on the page."""

from __future__ import annotations

from typing import Any

import corpus
import pytest
from playwright.sync_api import Page, expect
from serving import Viewer
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tracer.errors import TracerError
from tracer.integrations.genai import message, text
from tracer.recorder import Span
from tracer.store import Store
from tracer.viewer.answers import previous_within
from tracer.viewer.api import refuse, routes


@pytest.fixture
def api(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(store), exception_handlers={TracerError: refuse}))


def user(words: str) -> dict[str, Any]:
    return message("user", [text(words)])


def assistant(words: str) -> dict[str, Any]:
    return message("assistant", [text(words)])


TALK = [user("Where is order 4711?"), assistant("Which carrier?"), user("Acme Rail")]


def calls(*prompts: list[dict[str, Any]], **last: Any) -> Span:
    """Record a trace of model calls with these prompts, of which the last has these fields, and return that one."""
    clock = corpus.Clock(60)
    root = clock.span("talk", "chain", None, 0, None)
    for i, prompt in enumerate(prompts):
        fields = last if i == len(prompts) - 1 else {}
        call = clock.model_call(root, 10 + i * 100, 90 + i * 100, input=prompt, **fields)
    clock.end(root, 2000)
    return call


def previous(api: TestClient, call: Span) -> Any:
    return api.get(f"/api/span/{call.trace_id}/{call.span_id}/previous").json()


def test_what_was_added_to_the_prompt_is_told_from_what_was_sent_before(api: TestClient) -> None:
    told = previous(api, calls(TALK[:1], TALK))
    assert told["parts"] == [["same", 0, 1], ["new", 1, 3]]
    assert (told["instructions"], told["tools"], told["broke"]) == (None, None, None)


def test_a_call_of_another_conversation_is_passed_over(api: TestClient) -> None:
    assert previous(api, calls(TALK[:1], [user("Write a title.")], TALK))["parts"] == [["same", 0, 1], ["new", 1, 3]]
    assert previous(api, calls(TALK[:1], [user("Write a title.")])) is None


def test_a_conversation_goes_on_from_trace_to_trace_of_its_session(api: TestClient) -> None:
    first = corpus.Clock(90).model_call(None, 0, 50, input=TALK[:1], session_id="s-1")
    second = corpus.Clock(60).model_call(None, 0, 50, input=TALK, session_id="s-1")
    alone = corpus.Clock(30).model_call(None, 0, 50, input=TALK, session_id="s-2")
    assert previous(api, second)["trace_id"] == first.trace_id
    assert previous(api, alone) is None


def test_a_shared_file_tells_the_same_of_each_call(api: TestClient, store: Store) -> None:
    corpus.Clock(90).model_call(None, 0, 50, input=TALK[:1], session_id="s-1")
    call = corpus.Clock(60).model_call(None, 0, 50, input=TALK, session_id="s-1")
    calls(TALK[:1], [user("Write a title.")], TALK)
    for trace in store.traces(include_tests=True):
        rows = store.trace(trace["trace_id"]).rows
        for span_id, told in previous_within(store, rows).items():
            assert api.get(f"/api/span/{trace['trace_id']}/{span_id}/previous").json() == told
    assert previous_within(store, [store.span(call.trace_id, call.span_id)])[call.span_id] is not None


def test_what_was_changed_or_left_out_of_what_was_sent_before_is_told(api: TestClient) -> None:
    changed = [TALK[0], assistant("Which train?"), TALK[2], assistant("Wait.")]
    told = previous(api, calls(TALK, changed))
    [same, [_, at, end, [became]], again, new] = told["parts"]
    assert (same, again, new, at, end) == (["same", 0, 1], ["same", 2, 3], ["new", 3, 4], 1, 2)
    assert [words for kind, words in became if kind != "="] == ["carrier", "train"]
    told = previous(api, calls([*TALK, assistant("On its way.")], [TALK[0], assistant("On its way."), user("Thanks")]))
    assert told["parts"] == [
        ["same", 0, 1],
        ["gone", 1, ["assistant:\nWhich carrier?", "user:\nAcme Rail"]],
        ["same", 1, 2],
        ["new", 2, 3],
    ]


@pytest.mark.parametrize(
    ("fields", "broke"),
    [
        ({"tool_definitions": [corpus.TOOLS[0], {**corpus.TOOLS[1], "description": "x"}]}, "tool 2 (get_order)"),
        ({"tool_definitions": corpus.TOOLS[:1]}, "tool 2, which is gone"),
        ({"system_instructions": [text("It is 12:04.")]}, "the instructions"),
        ({"input": [user("Where is order 4711, please?"), *TALK[1:]]}, "message 1"),
        ({"request_model": "gpt-5"}, "the model, which was gpt-4o"),
        ({}, None),
    ],
)
def test_what_broke_the_prefix_of_the_cache_is_named(api: TestClient, fields: Any, broke: str | None) -> None:
    prompts = TALK, fields.pop("input", [*TALK, assistant("On its way.")])
    assert previous(api, calls(*prompts, cached_tokens=0, **fields))["broke"] == broke
    assert previous(api, calls(*prompts, cached_tokens=1100, **fields))["broke"] is None
    assert previous(api, calls(*prompts, cached_tokens=None, **fields))["broke"] is None


@pytest.mark.browser
def test_the_page_folds_what_was_sent_before_and_marks_what_is_new(page: Page, live_viewer: Viewer) -> None:
    before = [*TALK, assistant("On its way."), user("To where?")]
    call = calls(
        before, [*before[:3], assistant("On its road."), before[4], assistant("Oslo."), user("Ok.")], cached_tokens=0
    )
    page.goto(f"{live_viewer.url}/?trace={call.trace_id}&span={call.span_id}")
    detail = page.get_by_test_id("span-detail")
    expect(detail.locator("[data-new]")).to_have_count(2)
    expect(detail.locator(".t-diff del")).to_have_text("way")
    expect(detail.locator(".t-diff ins")).to_have_text("road")
    expect(detail.locator(".t-since b")).to_have_text("message 4")
    expect(detail.get_by_text("Where is order 4711?")).to_have_count(0)
    detail.get_by_role("button", name="3 messages as in the call before").click()
    expect(detail.get_by_text("Where is order 4711?")).to_be_visible()
    detail.get_by_role("link", name="the call before").click()
    expect(page.locator("[role=treeitem]").nth(1)).to_have_attribute("aria-selected", "true")
