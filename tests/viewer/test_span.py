"""One span in full: its figures, how it failed, and where it came from; in the viewer and in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import corpus
import orjson
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from serving import Viewer

from tracer.cli import main
from tracer.integrations.genai import message, text
from tracer.journal.writer import Writer
from tracer.recorder import start_span
from tracer.store import Store

pytestmark = pytest.mark.browser

FUNCTION = {
    "function_id": "f0e1",
    "module": "desk",
    "qualname": "Desk.answer",
    "file": "/srv/desk.py",
    "line": 40,
    "source": 'def answer(self, question):\n    order = self.find(question)\n    return order["price"]\n',
}
TRACEBACK = """Traceback (most recent call last):
  File "/srv/main.py", line 7, in <module>
    desk.answer("Why?")
  File "/srv/desk.py", line 42, in answer
    return order["price"]
           ~~~~~^^^^^^^^^
  File "/usr/lib/python3.12/collections/__init__.py", line 1020, in __getitem__
    raise KeyError(key)
KeyError: 'price'
"""


def stored(store: Path, **records: Any) -> None:
    writer = Writer(store)
    for name, data in records.items():
        assert writer.write(orjson.dumps({"record": name, "data": data}))
    writer.close()


def detail(page: Page) -> Locator:
    return page.get_by_test_id("span-detail")


def test_its_time_and_its_tokens_are_told_by_their_parts(page: Page, live_viewer: Viewer) -> None:
    clock = corpus.Clock(60)
    root = clock.span("root", "chain", None, 0, None)
    clock.model_call(root, 100, 600, reasoning_tokens=100, input_cost_usd=0.001, output_cost_usd=0.002, cost_usd=0.003)
    clock.span("beside it", "tool", root, 500, 700)
    clock.end(root, 1000)
    page.goto(f"{live_viewer.url}/?trace={root.trace_id}")
    expect(detail(page)).to_contain_text("1.00s, 400ms self")
    page.keyboard.press("n")
    expect(detail(page)).to_contain_text("500ms (50% of the trace)")
    expect(detail(page)).to_contain_text("474/s")  # 180 tokens in the 380 ms after the first
    expect(detail(page)).to_contain_text("$0.0010 in + $0.0020 out")
    parts = "300 tokens read from the cache, 900 tokens of input beside them, 100 tokens of reasoning, 80 tokens of the"
    bar = detail(page).get_by_role("img", name=f"{parts} answer")
    widths = bar.evaluate("bar => [...bar.children].map((part) => part.getBoundingClientRect().width)")
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.05)


def test_an_answer_that_is_json_is_a_tree_until_its_text_is_asked_for(page: Page, live_viewer: Viewer) -> None:
    words = '{"price": 84.50, "number": 12345678901234567890, "seats": ["12A"]}'
    call = corpus.Clock(60).model_call(None, 0, 900, output=[message("assistant", [text(words)])])
    page.goto(f"{live_viewer.url}/?trace={call.trace_id}")
    answer = detail(page).locator("[data-role=assistant]")
    expect(answer.locator(".t-json")).to_contain_text("12345678901234567890")
    expect(answer.get_by_text("84.50", exact=True)).to_be_visible()
    answer.hover()
    answer.get_by_role("button", name="tree").click()
    expect(answer).to_contain_text(words)
    answer.get_by_role("button", name="tree").click()
    expect(answer.locator(".t-json")).to_be_visible()


def test_how_likely_each_token_was_is_shown_where_the_api_told_it(page: Page, live_viewer: Viewer) -> None:
    others = [{"token": " 90", "logprob": -0.01}, {"token": " 60", "logprob": -4.6}]
    tokens = [{"token": "Yes:", "logprob": 0.0}, {"token": " 60", "logprob": -4.6, "top_logprobs": others}]
    said = {**message("assistant", [text("Yes: 60")]), "logprobs": {"content": tokens}}
    call = corpus.Clock(60).model_call(None, 0, 900, output=[said])
    page.goto(f"{live_viewer.url}/?trace={call.trace_id}")
    detail(page).get_by_text('2 tokens, the least likely " 60" with 1 %').click()
    expect(detail(page).locator(".t-tokens span").last).to_have_attribute("title", '" 60" 1 %\n" 90" 99 %')


def failed_with_its_source(store: Path) -> str:
    stored(store, function=FUNCTION)
    root = start_span("answer", parent=None, function_id="f0e1", error_type="KeyError", status_message="'price'")
    root.event("exception", **{"exception.type": "KeyError", "exception.stacktrace": TRACEBACK})
    root.set(status="ERROR")
    root.end()
    return root.trace_id


def look_at_the_failure(page: Page) -> None:
    error = detail(page).get_by_role("group", name="Error")
    expect(error.locator("mark")).to_contain_text('return order["price"]')
    expect(error.locator(".t-frame")).to_contain_text('File "/srv/desk.py", line 42, in answer')
    expect(error).not_to_contain_text("main.py")
    error.get_by_role("button", name="1 frame · <module>").click()
    expect(error).to_contain_text('File "/srv/main.py", line 7')
    detail(page).get_by_role("tab", name="Source").click()
    expect(detail(page)).to_contain_text("/srv/desk.py:40")
    expect(detail(page).locator(".t-source-line[aria-current]")).to_have_text('    return order["price"]\n')
    detail(page).get_by_role("tab", name="Process").click()
    expect(detail(page)).to_contain_text("Packages")
    expect(detail(page)).to_contain_text("duckdb==")


def test_where_it_failed_and_what_ran_are_shown(page: Page, live_viewer: Viewer, store_path: Path) -> None:
    page.goto(f"{live_viewer.url}/?trace={failed_with_its_source(store_path)}")
    look_at_the_failure(page)


def test_a_file_shows_them_too(context: BrowserContext, store: Store, tmp_path: Path) -> None:
    trace_id = failed_with_its_source(store.path)
    file = tmp_path / "one.html"
    assert main(["export", trace_id, "--store", str(store.path), "-o", str(file)]) == 0
    page = context.new_page()
    page.goto(file.as_uri())
    look_at_the_failure(page)
    page.close()
