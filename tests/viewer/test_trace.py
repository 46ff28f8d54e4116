"""The page of a trace, in a real browser: tree, waterfall and the selected span."""

from __future__ import annotations

import corpus
import pytest
from playwright.sync_api import Locator, Page, expect
from serving import Viewer

import tracer
from tracer.recorder import start_span, use
from tracer.store import Store

pytestmark = pytest.mark.browser

SPANS = "[role=treeitem]"

AGENT = [
    (1, "support_agent"),
    (2, "plan"),
    (3, "chat gpt-4o"),
    (2, "retrieve"),
    (2, "execute_tool get_order"),
    (2, "answer"),
    (3, "chat gpt-4o"),
]


def open_trace(page: Page, viewer: Viewer, name: str) -> str:
    """Open the trace of this name by its address, and return its id."""
    trace_id = next(iter(Store(viewer.store).traces(where=f"name = '{name}'", limit=1)))["trace_id"]
    page.goto(f"{viewer.url}/?trace={trace_id}")
    expect(page.locator(SPANS).first).to_be_visible()
    return str(trace_id)


def outline(page: Page) -> list[tuple[int, str]]:
    """The level and the name of every span in sight."""
    return [
        (int(span.get_attribute("aria-level") or 0), span.locator(".t-name").inner_text())
        for span in page.locator(SPANS).all()
    ]


def detail(page: Page) -> Locator:
    return page.get_by_test_id("span-detail")


def test_the_tree_nests_as_the_spans_did(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "support_agent")
    assert outline(page) == AGENT


def test_a_deep_link_selects_its_span(page: Page, viewer: Viewer) -> None:
    trace_id = open_trace(page, viewer, "support_agent")
    span_id = page.locator(SPANS).nth(3).get_attribute("data-span-id")
    page.goto(f"{viewer.url}/?trace={trace_id[:20]}&span={span_id}")
    expect(page.locator(f"{SPANS}[aria-selected=true]")).to_contain_text("retrieve")
    expect(detail(page).get_by_role("heading", name="retrieve")).to_be_visible()
    expect(detail(page)).to_contain_text(corpus.CHINESE)


def test_the_trace_is_asked_for_ahead_and_once(page: Page, viewer: Viewer) -> None:
    trace_id = open_trace(page, viewer, "support_agent")
    asked = page.evaluate("performance.getEntriesByType('resource').map((entry) => [entry.name, entry.startTime])")
    [at] = [start for name, start in asked if name == f"{viewer.url}/api/trace/{trace_id}"]
    assert at < min(start for name, start in asked if "/_stcore/" in name)


def test_a_click_shows_the_span_and_puts_it_into_the_address(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "support_agent")
    tool = page.locator(SPANS, has_text="get_order")
    tool.click()
    expect(detail(page).get_by_role("heading", name="execute_tool get_order")).to_be_visible()
    assert f"span={tool.get_attribute('data-span-id')}" in page.url


def test_a_model_call_reads_as_a_chat_with_its_tool_calls(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "support_agent")
    page.locator(SPANS).nth(6).click()
    panel = detail(page).get_by_role("tabpanel")
    expect(panel.locator("[data-role=user]")).to_contain_text(corpus.QUESTION)
    call = panel.locator(".t-call", has_text="get_order")
    expect(call).to_contain_text("order_id")
    expect(call.locator(".t-call-result")).to_contain_text("84.5")
    expect(panel.locator("[data-role=tool]")).to_have_count(0)
    expect(panel.locator("[data-role=assistant]").last).to_contain_text(corpus.ANSWER)
    expect(panel.get_by_text("Answer only from the documents").last).to_be_visible()
    for figure in ("1,200 in (25% cached) → 180 out", "gpt-4o-2024-08-06", "120ms", "2 tools"):
        expect(detail(page)).to_contain_text(figure)


def test_numbers_are_shown_as_they_were_recorded(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "support_agent")
    page.locator(SPANS, has_text="get_order").click()
    expect(detail(page)).to_contain_text("12345678901234567890")
    expect(detail(page).get_by_text("1.0", exact=True)).to_be_visible()


def test_an_error_shows_type_message_and_traceback(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "failing_agent")
    error = detail(page).get_by_role("group", name="Error")
    expect(error).to_contain_text("RuntimeError")
    expect(error).to_contain_text("the order could not be looked up")
    expect(error).to_contain_text("OrderNotFound: no order 4711")
    expect(error).to_contain_text("direct cause of the following exception")
    expect(page.locator(f"{SPANS}[data-status=ERROR]").last).to_contain_text("no order 4711")


def test_the_keyboard_reaches_everything(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "support_agent")
    chosen = page.locator(f"{SPANS}[aria-selected=true]")
    for key, name in [
        ("j", "plan"),
        ("ArrowDown", "chat gpt-4o"),
        ("ArrowLeft", "plan"),
        ("k", "support_agent"),
        ("n", "chat gpt-4o"),
        ("n", "chat gpt-4o"),
        ("Home", "support_agent"),
        ("End", "chat gpt-4o"),
    ]:
        page.keyboard.press(key)
        expect(chosen).to_contain_text(name)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(SPANS)).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator(SPANS)).to_have_count(len(AGENT))
    page.keyboard.press("/")
    page.keyboard.type("get_order")
    expect(page.locator(SPANS)).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator(SPANS)).to_have_count(len(AGENT))
    page.keyboard.press("Escape")
    page.keyboard.press("]")
    expect(page.locator(SPANS).first).to_contain_text("failing_agent")
    page.keyboard.press("e")
    expect(chosen).to_contain_text("execute_tool get_order")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("[data-trace-id]").first).to_be_visible()


def test_escape_closes_the_window_of_keys_and_at_once_again_the_trace(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "failing_agent")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    # All in one task of the page's: its focus has not been settled when the second key comes.
    dialog.evaluate("""(dialog) => {
        dialog.close();
        const key = new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
        document.activeElement.dispatchEvent(key);
    }""")
    expect(page.locator("[data-trace-id]").first).to_be_visible()


def test_what_cannot_be_done_is_said_and_stays_to_be_read(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "failing_agent")
    page.keyboard.press("c")
    said = page.get_by_text("No trace of this name before it")
    expect(said).to_be_visible()
    page.route(
        "**/neighbours", lambda route: route.fulfill(status=503, body='{"error":"StoreLocked","message":"in use"}')
    )
    page.keyboard.press("]")
    expect(page.get_by_text("in use")).to_be_visible()
    with page.expect_response(lambda response: "since=" in response.url):
        pass
    expect(page.get_by_text("in use")).to_be_visible()


def test_running_spans_appear_grow_and_end_without_a_reload(page: Page, live_viewer: Viewer) -> None:
    root = start_span("slow_agent", kind="agent", parent=None, input={"question": "why?"})
    with use(root):
        with tracer.span("first step"):
            pass
        second = start_span("second step", input={"step": 2})
    page.goto(live_viewer.url)
    page.locator("[data-trace-id]").click()
    expect(page.locator(f"{SPANS}[data-status=RUNNING]")).to_have_count(2)
    page.evaluate("document.body.dataset.mark = 'the same page'")
    page.locator(SPANS, has_text="second step").click()
    before = page.locator(SPANS, has_text="second step").inner_text()
    second.set(output="done at last")
    second.end()
    expect(page.locator(f"{SPANS}[data-status=RUNNING]")).to_have_count(1)
    expect(detail(page)).to_contain_text("done at last")
    with use(root), tracer.span("third step"):
        pass
    expect(page.locator(SPANS)).to_have_count(4)
    expect(page.locator(f"{SPANS}[aria-selected=true]")).to_contain_text("second step")
    root.end()
    expect(page.locator(f"{SPANS}[data-status=RUNNING]")).to_have_count(0)
    assert page.locator(SPANS, has_text="second step").inner_text() != before
    assert page.evaluate("document.body.dataset.mark") == "the same page"


def test_ten_thousand_spans_are_all_within_reach_of_few_elements(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "batch")
    page.keyboard.press("End")
    expect(page.locator(f"{SPANS}[aria-selected=true]")).to_contain_text("step 9999")
    expect(detail(page).get_by_role("heading", name="step 9999")).to_be_visible()
    in_sight = page.locator(SPANS).evaluate_all(
        "spans => spans.map(s => s.getBoundingClientRect()).filter(b => b.top >= 0 && b.bottom <= innerHeight).length"
    )
    assert in_sight >= 28
    assert page.evaluate("document.querySelectorAll('*').length") <= 2000


def test_what_only_joins_steps_is_hidden_until_asked_for(page: Page, live_viewer: Viewer) -> None:
    corpus.loop(ago_s=60)
    open_trace(page, live_viewer, "graph")
    assert outline(page)[:3] == [(1, "graph"), (2, "prepare"), (3, "chat gpt-4o")]
    expect(page.get_by_role("button", name="1 hidden")).to_be_visible()
    page.keyboard.press("h")
    expect(page.locator(SPANS, has_text="RunnableSequence")).to_be_visible()
    assert outline(page)[:3] == [(1, "graph"), (2, "RunnableSequence"), (3, "prepare")]


def test_many_alike_are_one_row_that_unfolds_and_none_that_failed_is_among_them(
    page: Page, live_viewer: Viewer
) -> None:
    root = corpus.loop(ago_s=60)
    open_trace(page, live_viewer, "graph")
    alike = page.locator(SPANS, has_text="×48")
    assert [name for _, name in outline(page)] == ["graph", "prepare", "chat gpt-4o", "step", "step", "step"]
    expect(page.locator(f"{SPANS}[data-status=ERROR]")).to_contain_text("step failed")
    alike.click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("j")
    expect(detail(page)).to_contain_text("result 1")
    selected = page.url
    page.keyboard.press("k")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(SPANS)).to_have_count(6)
    page.goto(selected)
    expect(page.locator(f"{SPANS}[aria-selected=true]")).to_be_visible()
    expect(detail(page)).to_contain_text("result 1")
    assert root.trace_id in selected


def test_only_errors_or_model_calls_are_shown_with_what_leads_to_them(page: Page, live_viewer: Viewer) -> None:
    corpus.loop(ago_s=60)
    open_trace(page, live_viewer, "graph")
    page.keyboard.press("!")
    expect(page.locator(SPANS)).to_have_count(2)
    page.get_by_role("button", name="Model calls").click()
    expect(page.locator(SPANS)).to_have_count(4)
    page.keyboard.press("m")
    page.keyboard.press("!")
    expect(page.locator(SPANS)).to_have_count(6)


def test_the_critical_path_is_what_the_end_waited_for(page: Page, live_viewer: Viewer) -> None:
    clock = corpus.Clock(60)
    root = clock.span("fan out", "chain", None, 0, 100)
    clock.span("quick", "tool", root, 1, 40)
    slow = clock.span("slow", "tool", root, 2, 80)
    clock.span("wait", "http", slow, 10, 79)
    clock.span("last", "tool", root, 85, 99)
    open_trace(page, live_viewer, "fan out")
    page.keyboard.press("p")
    assert page.locator(".t-critical .t-name").all_inner_texts() == ["fan out", "slow", "wait", "last"]
    expect(page.locator(SPANS).first.get_by_title("7ms of it outside its children")).to_have_count(2)
    page.keyboard.press("p")
    expect(page.locator(".t-critical")).to_have_count(0)


def test_the_axis_zooms_to_a_span_and_back(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "support_agent")
    bar = page.locator(SPANS, has_text="retrieve").locator(".t-time")
    whole = bar.bounding_box()
    page.locator(SPANS, has_text="retrieve").locator(".t-lane").dblclick()
    zoomed = bar.bounding_box()
    assert whole is not None
    assert zoomed is not None
    assert zoomed["width"] > 5 * whole["width"]
    expect(page.locator(SPANS, has_text="plan").locator(".t-time")).to_be_hidden()
    page.keyboard.press("Escape")
    assert bar.bounding_box() == whole


def test_a_text_is_found_in_what_was_said_span_by_span(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "support_agent")
    chosen = page.locator(f"{SPANS}[aria-selected=true]")
    page.keyboard.press("f")
    page.keyboard.type("BEFORE departure")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3")).to_be_visible()
    expect(chosen).to_contain_text("chat gpt-4o")
    page.keyboard.press("Enter")
    expect(chosen).to_contain_text("retrieve")
    page.keyboard.press("Shift+Enter")
    expect(chosen).to_contain_text("chat gpt-4o")
    expect(page.locator(".t-found")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator(".t-found")).to_have_count(0)


def test_ten_thousand_spans_over_time_are_named_and_chosen_by_pointer(page: Page, viewer: Viewer) -> None:
    trace_id = open_trace(page, viewer, "batch")
    page.keyboard.press("v")
    assert "mode=flame" in page.url
    drawing = page.get_by_role("img", name="The spans over time")
    drawing.hover(position={"x": 200, "y": 8})
    expect(drawing).to_have_attribute("title", "batch · 50.0s")
    drawing.dblclick(position={"x": 200, "y": 26})
    expect(detail(page).get_by_role("heading", level=2)).to_contain_text("example")
    page.goto(page.url)
    expect(page.get_by_role("button", name="flame")).to_have_attribute("aria-pressed", "true")
    assert trace_id in page.url


@pytest.mark.parametrize("mode", ["flame", "log"])
def test_the_tree_shows_what_was_chosen_while_it_was_hidden(page: Page, viewer: Viewer, mode: str) -> None:
    open_trace(page, viewer, "batch")
    page.keyboard.press("End")
    expect(page.locator(f"{SPANS}[aria-selected=true]")).to_contain_text("step 9999")
    page.goto(f"{page.url}&mode={mode}")
    expect(detail(page).get_by_role("heading", name="step 9999")).to_be_visible()
    if mode == "log":
        expect(page.locator("[data-of][aria-current]").first).to_be_in_viewport()
    page.keyboard.press("k")
    expect(detail(page).get_by_role("heading", name="step 9998")).to_be_visible()
    page.get_by_role("button", name="tree", exact=True).click()
    expect(page.locator(f"{SPANS}[aria-selected=true]")).to_be_in_viewport()
    expect(page.locator(f"{SPANS}[aria-selected=true]")).to_contain_text("step 9998")


def test_the_log_has_spans_and_events_in_the_order_of_time(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "failing_agent")
    page.get_by_role("button", name="log").click()
    lines = page.get_by_role("log").locator("[data-of]")
    expect(lines).to_have_count(4)
    assert "mode=log" in page.url
    assert lines.locator(".t-name").all_inner_texts()[:2] == ["failing_agent", "execute_tool get_order"]
    expect(lines.filter(has_text="exception").first).to_contain_text("no order 4711")
    lines.filter(has_text="exception").first.click()
    expect(detail(page).get_by_role("heading", level=2)).to_have_text("execute_tool get_order")


def test_the_flame_and_the_log_show_what_the_tree_is_filtered_to(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "support_agent")
    page.keyboard.press("m")
    page.keyboard.press("v")
    drawing = page.get_by_role("img", name="The spans over time")
    opacity = "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[3] / 255"
    assert drawing.evaluate(opacity, [400, 9]) < 0.2, "the agent is pale"
    assert drawing.evaluate(opacity, [150, 45]) == 1, "its model call is not"
    page.keyboard.press("v")
    names = page.get_by_role("log").locator(".t-name")
    expect(names).to_have_text(["chat gpt-4o", "chat gpt-4o"])
    page.goto(page.url)
    expect(names).to_have_text(["chat gpt-4o", "chat gpt-4o"])
    page.keyboard.press("m")
    page.get_by_role("button", name="Fold all", exact=True).click()
    expect(names).to_have_text(["support_agent", "plan", "retrieve", "execute_tool get_order", "answer"])


def test_a_long_talk_shows_its_end_and_the_rest_when_asked(page: Page, viewer: Viewer) -> None:
    open_trace(page, viewer, "long_talk")
    page.keyboard.press("n")
    messages = detail(page).locator("[data-role]")
    expect(messages.last).to_contain_text(corpus.ANSWER)
    expect(detail(page).get_by_text("Turn 0:")).to_be_hidden()
    detail(page).get_by_role("button", name="earlier messages").click()
    expect(detail(page).get_by_text("Turn 0:")).to_be_visible()
    expect(messages).to_have_count(121)


def test_an_unknown_trace_is_told_and_leads_back(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?trace=00000000000000000000000000000000")
    expect(page.get_by_role("alert").filter(has_text="No such trace")).to_be_visible()
    page.get_by_role("button", name="All traces").click()
    expect(page.locator("[data-trace-id]").first).to_be_visible()


def test_the_header_tells_what_the_trace_misses_and_leads_there(page: Page, live_viewer: Viewer) -> None:
    with tracer.span("answer"), tracer.span("write", key="sk-proj-" + "a1" * 20):
        pass
    with tracer.span("whole"):
        pass
    open_trace(page, live_viewer, "answer")
    page.get_by_role("button", name="1 note").click()
    note = page.get_by_role("button", name="1 text is redacted (1 api-key)")
    expect(note).to_be_visible()
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    page.get_by_role("button", name="1 note").click()
    note.click()
    expect(note).to_be_hidden()
    expect(page.locator(f"{SPANS}[aria-selected=true]")).to_contain_text("write")
    open_trace(page, live_viewer, "whole")
    expect(page.get_by_text("complete", exact=True)).to_be_visible()
