"""Markdown is read by code of ours: what it can show, and that no text makes it show or do anything else."""

from __future__ import annotations

import random

import corpus
import pytest
from playwright.sync_api import Page, expect
from serving import Viewer

from tracer.integrations.genai import message, text
from tracer.recorder import start_span

pytestmark = pytest.mark.browser

TEXT = """# Refunds
You get **90 %** of the *price*, see `refund()` and snake_case_names, not 2 * 3 * 4.

1. ask
2. wait
   - a day
   - [x] or two

| hours | share |
|------:|:-----:|
| 24    | 90 \\| 60 |

```python
def refund(hours):
    return 0.9  # <b>
```
> quoted
> > twice

***
[the policy](https://policy.example/a?b=c) ![a cat](http://tracker.example/cat.png)"""

ALLOWED = [
    *("BLOCKQUOTE", "BUTTON", "CODE", "DEL", "DIV", "EM", "H3", "H4", "H5", "H6", "HEADER", "HR", "INPUT"),
    *("LI", "OL", "P", "PRE", "SECTION", "SPAN", "STRONG", "TABLE", "TBODY", "TD", "TH", "THEAD", "TR", "UL"),
]
ATTRIBUTES = ["checked", "class", "dir", "disabled", "start", "title", "type"]

PIECES = [
    *(
        "*",
        "**",
        "_",
        "__",
        "~~",
        "`",
        "``",
        "```",
        "\n",
        "\n\n",
        "  ",
        "    ",
        "\t",
        "- ",
        "1. ",
        "9) ",
        "# ",
        "###### ",
    ),
    *("> ", "|", "|---|", "---", "***", "[", "]", "(", ")", "![", "](", "\\", "- [ ] ", "<", ">", "&lt;", "&#0;", "\r"),
    *("javascript:alert(1)", "http://tracker.example/x.png", "<script>window.attacked=1</script>", "data:text/html,x"),
    *(
        "<img src=x onerror=window.attacked=2>",
        '" onload="window.attacked=3',
        "退款",
        "🚆",
        "\u202e",
        "\x00",
        "word",
        "a b",
    ),
]

READ = """async (texts) => {
    const found = performance.getEntriesByType("resource").map((entry) => entry.name);
    const address = found.find((name) => name.endsWith("/app.js")).replace("app.js", "span/markdown.js");
    const { markdown } = await import(address);
    const tags = new Set(), attributes = new Set();
    const lost = [];
    for (const text of texts) {
        const box = document.createElement("div");
        box.append(...markdown(text));
        for (const element of box.querySelectorAll("*")) {
            tags.add(element.tagName);
            for (const { name } of element.attributes) attributes.add(name);
        }
        if (text.includes("word") && !box.textContent.includes("word")) lost.push(text);
    }
    return { tags: [...tags], attributes: [...attributes], lost, attacked: window.attacked ?? null };
}"""


def said(words: str) -> str:
    call = start_span("chat", kind="llm", parent=None, output=[message("assistant", [text(words)])])
    call.end()
    return call.trace_id


def test_a_message_is_read_as_markdown_when_asked_and_the_next_ones_too(page: Page, live_viewer: Viewer) -> None:
    page.goto(f"{live_viewer.url}/?trace={said(TEXT)}")
    answer = page.locator("[data-role=assistant]")
    expect(answer).to_contain_text("# Refunds")
    toggle = answer.get_by_role("button", name="markdown")
    toggle.click()
    expect(answer.get_by_role("heading", name="Refunds")).to_be_visible()
    expect(answer).to_contain_text("see refund() and snake_case_names, not 2 * 3 * 4.")
    for tag, words in {
        "strong": "90 %",
        "em": "price",
        "p code": "refund()",
        "ol > li > ul > li:first-child": "a day",
        ".t-md-task:has(:checked)": "or two",
        "td:last-child": "90 | 60",
        "pre": "def refund(hours):\n    return 0.9  # <b>",
        "blockquote blockquote": "twice",
    }.items():
        expect(answer.locator(tag)).to_have_text(words)
    expect(answer).to_contain_text("the policy (https://policy.example/a?b=c)")
    expect(answer).to_contain_text("image a cat (http://tracker.example/cat.png)")
    expect(answer.locator("a, img")).to_have_count(0)
    page.goto(f"{live_viewer.url}/?trace={said('So **it** goes')}")
    expect(answer.locator("strong")).to_have_text("it")
    toggle.click()
    expect(answer).to_contain_text("So **it** goes")
    page.reload()
    expect(answer).to_contain_text("So **it** goes")


def test_no_text_makes_another_element_loses_words_or_takes_long(page: Page, viewer: Viewer) -> None:
    """Whatever is joined of what Markdown and HTML are made of; and each piece by itself, 20,000 characters of it."""
    page.goto(viewer.url)
    expect(page.locator("[data-trace-id]").first).to_be_visible()
    chance = random.Random(4711)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(1, 40))) for _ in range(2000)]
    long = [piece * (20_000 // len(piece)) for piece in PIECES] + [f"{piece}x " * 5_000 for piece in PIECES]
    nested = ["> - " * 5_000, "[" * 20_000 + "](x)", "`" + "``a" * 5_000]
    found = page.evaluate(READ, [*texts, *long, *nested, corpus.ATTACK])
    assert found["attacked"] is None
    assert found["lost"] == []
    assert set(found["tags"]) <= set(ALLOWED)
    assert set(found["attributes"]) <= set(ATTRIBUTES)
