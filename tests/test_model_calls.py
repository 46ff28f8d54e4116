"""A request finds the framework's span that it belongs to, and no other request finds that one again."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tracer.integrations.genai import Message, message, text, tool_call_response
from tracer.integrations.model_calls import announce, claim
from tracer.recorder import Span, start_span

pytestmark = pytest.mark.usefixtures("store_path")


def sent(content: str, role: str = "user") -> list[Message]:
    return [message(role, [text(content)])]


def call(name: str, content: str | None = None, **options: Any) -> Span:
    span = start_span(name, **options)
    announce(span, sent(content or name))
    return span


def in_context(function: Any) -> Any:
    return contextvars.copy_context().run(function)


def test_a_request_of_nobody_has_no_span_to_claim() -> None:
    assert in_context(lambda: claim(sent("a"))) is None


def test_a_call_is_claimed_once() -> None:
    def run() -> None:
        span = call("a")
        assert claim(sent("a")) is span
        assert claim(sent("a")) is None

    in_context(run)


def test_of_several_calls_the_one_with_the_same_messages_is_meant_or_else_the_earliest() -> None:
    def run() -> None:
        spans = {name: call(name) for name in "abc"}
        assert claim(sent("b")) is spans["b"]
        assert claim(sent("rewritten")) is spans["a"]
        assert claim(sent("c")) is spans["c"]

    in_context(run)


def test_roles_and_instructions_may_be_told_differently_on_the_way() -> None:
    def run() -> None:
        call("other")
        span = start_span("a")
        announce(
            span, [*sent("Be brief.", "system"), *sent("Hello"), message("tool", [tool_call_response("3", id="c1")])]
        )
        rewritten = [*sent("Hello", "human"), message("user", [tool_call_response({"three": 3}, id="c1")])]
        assert claim(rewritten) is span

    in_context(run)


def test_of_a_call_within_a_call_the_inner_one_is_meant() -> None:
    def run() -> None:
        outer = call("outer", "same")
        inner = call("inner", "same", parent=outer)
        assert claim(sent("same")) is inner

    in_context(run)


def test_a_call_that_has_its_answer_claims_no_later_request() -> None:
    def run() -> None:
        announce(start_span("a"), sent("a")).close()
        assert claim(sent("a")) is None

    in_context(run)


def test_a_call_that_ended_is_ended_in_the_contexts_that_inherited_it() -> None:
    def run() -> None:
        announced = announce(start_span("a"), sent("a"))
        inherited = contextvars.copy_context()
        announced.close()
        assert inherited.run(claim, sent("a")) is None

    in_context(run)


async def test_tasks_do_not_see_each_others_calls() -> None:
    async def one(name: str) -> bool:
        span = call(name)
        await asyncio.sleep(0)
        return claim(sent("same")) is span

    assert await asyncio.gather(*(one(name) for name in "abcd")) == [True] * 4


def test_of_many_threads_only_one_gets_the_span() -> None:
    def run() -> None:
        span = call("a")
        contexts = [contextvars.copy_context() for _ in range(16)]
        with ThreadPoolExecutor(8) as pool:
            claimed = list(pool.map(lambda context: context.run(claim, sent("a")), contexts))
        assert [found for found in claimed if found is not None] == [span]

    in_context(run)
