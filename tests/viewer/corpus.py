"""Traces such as people have, recorded through the real recorder: an agent, an error, a long talk, scripts, attacks.

Each function records one trace that began `ago_s` seconds ago, and returns its root. Names, nesting and texts
are fixed, so that tests can name them.
"""

from __future__ import annotations

from typing import Any

from tracer.clock import now_ns
from tracer.integrations.genai import blob, message, reasoning, refusal, text, tool_call, tool_call_response, uri
from tracer.recorder import Span, start_span

MS = 1_000_000

QUESTION = "Can I still get a refund for order 4711?"
ANSWER = "Yes: 90 % of the price, since departure is more than 24 hours away."
INSTRUCTIONS = "You are a support agent of Acme Rail.\nAnswer only from the documents, and quote the paragraph.\n" * 20
CODE = "```python\ndef refund(hours):\n    return 0.9 if hours > 24 else 0\n```\n\n| hours | share |\n|---|---|"
CHINESE = "退款政策：出發前二十四小時以上取消的車票，可退還票價的百分之九十。🚆✨"
ARABIC = "سياسة الاسترداد: يمكن استرداد تسعين بالمئة من ثمن التذكرة (order 4711)."
ATTACK = (
    '<img src=x onerror="window.attacked = 1"><script>window.attacked = 2</script></script></style>'
    '<iframe srcdoc="<script>parent.attacked = 3</script>"></iframe><style>* { display: none }</style>'
    "![x](http://tracker.example/pixel.png) [click](javascript:window.attacked=4) <a href='javascript:attacked=5'>x</a>"
    "<svg onload='window.attacked = 6'></svg> {{constructor.constructor('window.attacked = 7')()}} :material/delete:"
)
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mPwDT1DEmIY1TCqYfhqAAAU4G4QfBU48QAAAABJRU5ErkJggg=="

SEARCH = tool_call("search_policy", {"query": "refund before departure", "k": 2}, id="call_1")
GET_ORDER = tool_call("get_order", {"order_id": "4711"}, id="call_2")
DOCUMENTS = [
    {"id": "policy#2", "score": 0.91, "content": "Cancelled more than 24 hours before departure: 90 %."},
    {"id": "policy#3", "score": 0.84, "content": CHINESE},
]
ORDER = {"order_id": "4711", "price": 84.5, "seats": 1.0, "number": 12345678901234567890}
TOOLS = [
    {"type": "function", "name": "search_policy", "description": "Search the policy."},
    {"type": "function", "name": "get_order", "description": "Look up one order."},
]


class OrderNotFound(LookupError):
    pass


class Clock:
    """Hands out the times of a trace: milliseconds after its start."""

    def __init__(self, ago_s: float) -> None:
        self.start_ns = now_ns() - int(ago_s * 1e9)

    def span(
        self, name: str, kind: str, parent: Span | None, begin_ms: float, end_ms: float | None, **fields: Any
    ) -> Span:
        """Record a span; without `end_ms` it is still open, to be ended by whoever gets it."""
        span = start_span(name, kind=kind, parent=parent, start_ns=self.start_ns + int(begin_ms * MS), **fields)
        if end_ms is not None:
            span.end(self.start_ns + int(end_ms * MS))
        return span

    def end(self, span: Span, end_ms: float, **fields: Any) -> Span:
        span.set(**fields)
        span.end(self.start_ns + int(end_ms * MS))
        return span

    def model_call(self, parent: Span | None, begin_ms: float, end_ms: float | None, **fields: Any) -> Span:
        usual = {
            "operation": "chat",
            "provider": "openai",
            "request_model": "gpt-4o",
            "response_model": "gpt-4o-2024-08-06",
            "finish_reasons": ["stop"],
            "stream": True,
            "ttft_ns": 120 * MS,
            "request_parameters": {"temperature": 0.2, "max_tokens": 800},
            "system_instructions": [text(INSTRUCTIONS)],
            "tool_definitions": TOOLS,
            "input_tokens": 1200,
            "output_tokens": 180,
            "cached_tokens": 300,
            "usage_source": "api",
        }
        return self.span("chat gpt-4o", "llm", parent, begin_ms, end_ms, **{**usual, **fields})


def agent(ago_s: float, question: str = QUESTION, answer: str = ANSWER, **fields: Any) -> Span:
    """An agent that plans, retrieves, calls a tool and answers.

    Its outline: support_agent > plan > chat gpt-4o; retrieve; execute_tool get_order; answer > chat gpt-4o
    """
    clock = Clock(ago_s)
    root = clock.span("support_agent", "agent", None, 0, None, input={"question": question}, **fields)
    plan = clock.span("plan", "chain", root, 2, None, input={"question": question})
    calls = [message("assistant", [text("Let me look that up."), SEARCH, GET_ORDER], finish_reason="tool_calls")]
    clock.model_call(
        plan, 5, 600, input=[message("user", [text(question)])], output=calls, finish_reasons=["tool_calls"]
    )
    clock.end(plan, 610, output=["search_policy", "get_order"])
    clock.span("retrieve", "retriever", root, 620, 900, input={"query": "refund before departure"}, output=DOCUMENTS)
    clock.span("execute_tool get_order", "tool", root, 910, 990, input={"order_id": "4711"}, output=ORDER)
    final = clock.span("answer", "chain", root, 1000, None, input={"documents": 2})
    talk = [
        message("user", [text(question)]),
        message("assistant", [SEARCH, GET_ORDER]),
        message("tool", [tool_call_response(DOCUMENTS, id="call_1")]),
        message("tool", [tool_call_response(ORDER, id="call_2")]),
    ]
    said = [message("assistant", [reasoning("Departure is in 51 hours."), text(answer)], finish_reason="stop")]
    clock.model_call(final, 1005, 2300, input=talk, output=said, retries=1)
    clock.end(final, 2310, output=answer)
    return clock.end(root, 2320, output=answer)


def failing_agent(ago_s: float) -> Span:
    """An agent whose tool fails, and that fails for it: an exception with its cause."""
    clock = Clock(ago_s)
    root = clock.span("failing_agent", "agent", None, 0, None, input={"question": QUESTION})
    tool = clock.span("execute_tool get_order", "tool", root, 10, None, input={"order_id": "4711"})
    try:
        try:
            raise OrderNotFound("no order 4711")
        except OrderNotFound as error:
            tool.fail(error)
            clock.end(tool, 90)
            raise RuntimeError("the order could not be looked up") from error
    except RuntimeError as error:
        root.fail(error)
    return clock.end(root, 100)


def long_talk(ago_s: float) -> Span:
    """A model call with sixty turns before it, in several scripts."""
    clock = Clock(ago_s)
    root = clock.span("long_talk", "chain", None, 0, None)
    turns = []
    for turn in range(60):
        turns.append(message("user", [text(f"Turn {turn}: {ARABIC if turn % 5 == 2 else 'tell me more'}")]))
        turns.append(message("assistant", [text(f"Answer {turn}: {CODE if turn % 9 == 0 else CHINESE}")]))
    clock.model_call(root, 10, 3000, input=turns, output=[message("assistant", [text(ANSWER)])])
    return clock.end(root, 3010)


def picture(ago_s: float) -> Span:
    """A call with an image in it, and one that only an address names, which the model refuses."""
    parts = [text("What is this?"), blob(PICTURE, modality="image", mime_type="image/png")]
    asked = [message("user", [*parts, uri("http://tracker.example/cat.png", modality="image")])]
    refused = [message("assistant", [refusal("I cannot tell.")], finish_reason="content_filter")]
    return Clock(ago_s).model_call(None, 0, 900, input=asked, output=refused)


def attack(ago_s: float) -> Span:
    """An agent in whose every text stands an attack on the page."""
    return agent(ago_s, ATTACK, ATTACK, session_id=ATTACK, tags=[ATTACK], status_message=ATTACK, status="ERROR")


def batch(ago_s: float, spans: int) -> Span:
    """A trace of so many spans: a root, and groups of ten below it."""
    clock = Clock(ago_s)
    root = clock.span("batch", "workflow", None, 0, None)
    example = root
    for i in range(1, spans):
        begin = i * 5.0
        if i % 10 == 1:
            example = clock.span(f"example {i // 10}", "chain", root, begin, begin + 48)
        elif i % 10 == 2:
            clock.model_call(example, begin, begin + 40, input=[message("user", [text(f"Question {i}?")])])
        else:
            clock.span(f"step {i}", "tool", example, begin, begin + 4, input={"i": i})
    return clock.end(root, spans * 5.0 + 50)


def loop(ago_s: float, steps: int = 48) -> Span:
    """A graph as LangChain makes them: steps that only join others, and many alike; the last but one of these fails.

    Its outline: graph > RunnableSequence (plumbing) > prepare > chat gpt-4o; step, 48 times; step, which fails; step
    """
    clock = Clock(ago_s)
    root = clock.span("graph", "workflow", None, 0, None)
    joins = clock.span("RunnableSequence", "chain", root, 1, None, attributes={"tracer.plumbing": True})
    prepare = clock.span("prepare", "chain", joins, 2, None)
    clock.model_call(prepare, 3, 180)
    clock.end(prepare, 190)
    clock.end(joins, 200)
    for i in range(steps + 2):
        step = clock.span("step", "tool", root, 200 + 10 * i, None, input={"i": i}, output=f"result {i}")
        failed = {"status": "ERROR", "status_message": "step failed"} if i == steps else {}
        clock.end(step, 209 + 10 * i, **failed)
    return clock.end(root, 210 + 10 * (steps + 2))


def many(count: int, ago_s: float) -> None:
    """So many small traces, one a second."""
    for i in range(count):
        clock = Clock(ago_s + count - i)
        clock.span(f"lookup {i}", "chain", None, 0, 20 + i, input={"i": i}, output=f"result {i}")


def everything() -> None:
    """Record one of each, the agent last."""
    many(150, ago_s=900)
    batch(800, spans=10_000)
    long_talk(700)
    picture(600)
    attack(500)
    failing_agent(400)
    agent(300, session_id="s-42", user_id="u-7", tags=["beta"], metadata={"release": "2026.11"})
