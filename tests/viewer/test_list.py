"""The list of traces, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import corpus
import pytest
from playwright.sync_api import Page, Route, expect
from serving import Viewer

import tracer

pytestmark = pytest.mark.browser

ROWS = "[role=row][data-trace-id]"


def test_traces_are_listed_newest_first_with_their_figures(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    newest = page.locator(ROWS).first
    expect(newest).to_contain_text("support_agent")
    expect(newest).to_contain_text(corpus.QUESTION)
    expect(newest).to_contain_text(corpus.ANSWER)
    expect(newest).to_contain_text("2.8k")
    expect(newest).to_contain_text("2.32s")
    expect(page.locator(ROWS).nth(1)).to_contain_text("failing_agent")


def test_the_error_stands_in_the_row(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    failed = page.locator(f"{ROWS}[data-status=ERROR]", has_text="failing_agent")
    expect(failed.locator(".t-status-ERROR", has_text="the order could not be looked up")).to_be_visible()


def test_a_filter_narrows_the_list_and_lives_in_the_address(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    expect(page.locator(ROWS).first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("name:failing")
    expect(page.locator(ROWS)).to_have_count(1)
    assert page.url == f"{viewer.url}/?q=name%3Afailing"
    page.reload()
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.get_by_role("searchbox", name="Search and filter traces")).to_have_value("name:failing")


def test_words_are_searched_in_inputs_and_outputs(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?q=%22result 77%22")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(ROWS)).to_contain_text("lookup 77")


def test_a_wrong_field_is_named_with_a_better_one(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?q=modle:gpt-4o")
    expect(page.get_by_role("alert").filter(has_text="model")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.locator(ROWS).first).to_be_visible()


def test_more_pages_come_with_scrolling_to_the_oldest(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    expect(page.locator(ROWS).first).to_be_visible()
    for _ in range(3):
        page.keyboard.press("End")
        page.wait_for_timeout(300)
    page.keyboard.press("End")
    expect(page.locator(ROWS).last).to_contain_text("lookup 0")


def test_keys_lead_to_a_trace_and_back_to_the_same_row(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    expect(page.locator(ROWS).first).to_be_visible()
    for key in ("j", "j", "j", "k", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("treeitem").first).to_contain_text("failing_agent")
    page.keyboard.press("Escape")
    expect(page.locator(f"{ROWS}[aria-selected=true]")).to_contain_text("failing_agent")
    assert page.url == f"{viewer.url}/"


def test_an_empty_store_says_how_to_record(page: Page, live_viewer: Viewer) -> None:
    page.goto(live_viewer.url)
    expect(page.get_by_text("tracer demo", exact=True)).to_be_visible()
    expect(page.get_by_text(str(live_viewer.store))).to_be_visible()
    with tracer.span("first"):
        pass
    expect(page.locator(ROWS)).to_contain_text("first")
    expect(page.get_by_text("tracer demo", exact=True)).to_be_hidden()


def test_new_traces_come_on_the_top_and_wait_while_paused(page: Page, live_viewer: Viewer) -> None:
    with tracer.span("one"):
        pass
    page.goto(live_viewer.url)
    expect(page.locator(ROWS)).to_have_count(1)
    with tracer.span("two"):
        pass
    expect(page.locator(ROWS).first).to_contain_text("two")
    page.get_by_role("button", name="live").click()
    with tracer.span("three"):
        pass
    page.wait_for_timeout(1500)
    expect(page.locator(ROWS)).to_have_count(2)
    page.get_by_role("button", name="paused").click()
    expect(page.locator(ROWS).first).to_contain_text("three")


@pytest.mark.parametrize("content", [b"this is no database", b"\0" * 5000], ids=["text", "zeros"])
def test_a_file_that_is_no_store_is_told_with_the_next_step(page: Page, live_viewer: Viewer, content: bytes) -> None:
    Path(live_viewer.store).write_bytes(content)
    page.goto(live_viewer.url)
    expect(page.get_by_role("alert").filter(has_text="The store cannot be read")).to_be_visible()
    expect(page.get_by_text("Traceback")).to_be_hidden()


def test_the_traces_of_a_filter_are_summed_up_and_drawn_over_time(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    expect(page.locator(".t-summary")).to_contain_text("156 traces")
    expect(page.locator(".t-history-failed").first).to_be_attached()
    page.goto(f"{viewer.url}/?q=error")
    expect(page.locator(".t-summary")).to_contain_text("2 traces100% errors")
    page.goto(f"{viewer.url}/?q=name:nobody")
    expect(page.locator(".t-summary")).to_contain_text("0 traces")


def test_a_time_is_chosen_by_dragging_over_it(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    expect(page.locator(".t-history-ok").first).to_be_visible()
    box = page.locator(".t-history").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 10)
    page.mouse.up()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile(r"since:\S+Z until:\S+Z"))
    expect(page.locator(".t-summary")).not_to_contain_text("156 traces")
    expect(page.locator(ROWS).filter(has_text="support_agent")).to_have_count(0)


def test_columns_are_chosen_and_live_in_the_address(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    expect(page.locator(ROWS).first).to_be_visible()
    page.keyboard.press("v")
    page.get_by_role("button", name="Session", exact=True).click()
    expect(page.get_by_role("columnheader", name="Session")).to_be_visible()
    page.get_by_role("button", name="Input", exact=True).click()
    expect(page.get_by_role("columnheader", name="Input")).to_have_count(0)
    assert "cols=started%2Cname%2Coutput" in page.url
    page.reload()
    expect(page.locator(ROWS).first).to_contain_text("s-42")


def test_a_view_is_saved_taken_up_again_and_forgotten(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?q=name:failing")
    expect(page.locator(ROWS)).to_have_count(1)
    page.keyboard.press("v")
    page.get_by_label("Name", exact=True).fill("what failed")
    page.keyboard.press("Enter")
    page.goto(viewer.url)
    page.get_by_role("button", name="view", exact=True).click()
    page.get_by_role("button", name="what failed", exact=True).click()
    expect(page.locator(ROWS)).to_have_count(1)
    page.get_by_role("button", name="view", exact=True).click()
    page.get_by_role("button", name="Forget what failed").click()
    expect(page.get_by_role("button", name="what failed", exact=True)).to_have_count(0)


def test_a_filter_may_end_in_sql(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?q=where span_count > 1000")
    expect(page.locator(ROWS)).to_have_count(1)
    page.goto(f"{viewer.url}/?q=where nothing > 1")
    expect(page.get_by_role("alert").filter(has_text="nothing")).to_be_visible()


def test_where_a_search_stopped_is_told_and_it_goes_on_when_asked(page: Page, viewer: Viewer) -> None:
    def cut_short(route: Route) -> None:
        answer = route.fetch().json()
        now_ms = max(answer["traces"]["start_ms"]) + 1000
        none = {name: [] for name in answer["traces"]}
        route.fulfill(json={**answer, "traces": none, "next": f"{int(now_ms * 1e6)}.", "searched_ms": now_ms})

    page.route(lambda url: "/api/traces?q=" in url and "before" not in url, cut_short, times=1)
    page.goto(f"{viewer.url}/?q=name:failing")
    expect(page.get_by_text("Searched back to")).to_be_visible()
    expect(page.locator(ROWS)).to_have_count(0)
    expect(page.get_by_text("No trace matches")).to_have_count(0)
    page.get_by_role("button", name="Search further back").click()
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.get_by_text("Searched back to")).to_be_hidden()
