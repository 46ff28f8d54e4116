"""Chains of every shape nest as they were called, and behave as before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough
from langchain_core.runnables.history import RunnableWithMessageHistory
from steps import Chat, Outline, Spans, by_name, double, increase, look_up

from tracer import span, using
from tracer.demo.server import LoopbackServer, Reply


def test_a_sequence_is_a_chain_with_its_steps(
    server: LoopbackServer, answer: Any, outline: Outline, spans: Spans
) -> None:
    server.script(Reply(text="Blue."))
    assert answer.invoke({"question": "Which colour?"}) == "Blue."
    assert outline() == ["RunnableSequence", "  ChatPromptTemplate", "  chat gpt-4o-mini", "  StrOutputParser"]
    chain = spans()[0]
    assert (chain.kind, chain.status, chain.input, chain.output) == (
        "chain",
        "OK",
        {"question": "Which colour?"},
        "Blue.",
    )
    sent = [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Which colour?"}]},
    ]
    assert by_name(spans, "ChatPromptTemplate").output == sent


def test_a_chain_nests_in_the_span_that_calls_it_and_holds_the_spans_that_it_calls(outline: Outline) -> None:
    chain = RunnableLambda(double) | RunnableLambda(look_up) | RunnableLambda(increase)
    with span("answer"):
        assert chain.invoke(1) == 3
    assert outline() == ["answer", "  RunnableSequence", "    double", "    look_up", "      look_up", "    increase"]


def test_parallel_branches_hold_what_each_of_them_called(outline: Outline) -> None:
    def slow_look_up(number: int) -> int:
        with span("wait"):
            return look_up(number)

    branches = RunnableParallel(left=RunnableLambda(slow_look_up), right=RunnableLambda(double))
    assert branches.invoke(2) == {"left": 2, "right": 4}
    drawn = outline()
    assert drawn[0] == "RunnableParallel<left,right>"
    assert sorted(drawn[1:]) == ["      look_up", "    wait", "  double", "  slow_look_up"]
    assert drawn.index("  slow_look_up") + 1 == drawn.index("    wait") == drawn.index("      look_up") - 1


def test_each_input_of_a_batch_has_its_own_tree(outline: Outline) -> None:
    chain = RunnableLambda(double) | RunnableLambda(look_up)
    with span("batch"):
        assert chain.batch([1, 2, 3], config={"max_concurrency": 2}) == [2, 4, 6]
    tree = ["  RunnableSequence", "    double", "    look_up", "      look_up"]
    assert outline() == ["batch", *tree, *tree, *tree]


async def test_gathered_chains_do_not_mix(outline: Outline) -> None:
    async def pause(number: int) -> int:
        with span(f"pause {number}"):
            await asyncio.sleep(0.01)
            return look_up(number)

    chain = RunnableLambda(pause) | RunnableLambda(double)
    with span("both"):
        assert await asyncio.gather(chain.ainvoke(1), chain.ainvoke(2)) == [2, 4]
    drawn = outline()
    tree = ["  RunnableSequence", "    pause", "      pause {}", "        look_up", "    double"]
    assert drawn == ["both", *(line.format(1) for line in tree), *(line.format(2) for line in tree)]


async def test_abatch_keeps_its_trees_apart(outline: Outline) -> None:
    async def look(number: int) -> int:
        return look_up(number)

    chain = RunnableLambda(look) | RunnableLambda(increase)
    assert await chain.abatch([1, 2]) == [2, 3]
    tree = ["RunnableSequence", "  look", "    look_up", "  increase"]
    assert outline() == [*tree, *tree]


def test_what_the_consumer_of_a_stream_does_is_its_own(server: LoopbackServer, answer: Any, outline: Outline) -> None:
    server.script(Reply(text="One two three"))
    with span("page"):
        for _ in answer.stream({"question": "Count."}):
            with span("show"):
                look_up(1)
    drawn = outline()
    assert drawn[:5] == [
        "page",
        "  RunnableSequence",
        "    ChatPromptTemplate",
        "    chat gpt-4o-mini",
        "    StrOutputParser",
    ]
    shown = drawn[5:]
    assert shown == ["  show", "    look_up"] * (len(shown) // 2)


async def test_what_the_consumer_of_an_async_stream_does_is_its_own(
    server: LoopbackServer, answer: Any, outline: Outline, spans: Spans
) -> None:
    server.script(Reply(text="One two three"))
    with span("page"):
        text = ""
        async for piece in answer.astream({"question": "Count."}):
            text += piece
            with span("show"):
                look_up(1)
    assert text == "One two three"
    drawn = outline()
    assert drawn[:2] == ["page", "  RunnableSequence"]
    assert sorted(drawn[2:5]) == ["    ChatPromptTemplate", "    StrOutputParser", "    chat gpt-4o-mini"]
    assert drawn[5:] == ["  show", "    look_up"] * (len(drawn[5:]) // 2)
    chain = by_name(spans, "RunnableSequence")
    assert (chain.input, chain.output, chain.status) == ({"question": "Count."}, "One two three", "OK")


async def test_stream_events_are_the_same_tree(server: LoopbackServer, answer: Any, outline: Outline) -> None:
    server.script(Reply(text="One two three"))
    events = [event["event"] async for event in answer.astream_events({"question": "Count."}, version="v2")]
    assert events[0] == "on_chain_start"
    assert events[-1] == "on_chain_end"
    drawn = outline()
    assert drawn[0] == "RunnableSequence"
    assert sorted(drawn[1:]) == ["  ChatPromptTemplate", "  StrOutputParser", "  chat gpt-4o-mini"]


def test_a_stream_that_its_consumer_leaves_is_cancelled(server: LoopbackServer, answer: Any, spans: Spans) -> None:
    server.script(Reply(text="One two three four five"))
    stream: Iterator[str] = answer.stream({"question": "Count."})
    pieces = [next(stream), next(stream), next(stream)]
    stream.close()
    chain = by_name(spans, "RunnableSequence")
    assert (chain.status, chain.input) == ("CANCELLED", {"question": "Count."})
    assert "".join(pieces).startswith(chain.output)
    assert by_name(spans, "StrOutputParser").status == "CANCELLED"


async def test_an_async_stream_that_its_consumer_leaves_is_cancelled(
    server: LoopbackServer, answer: Any, spans: Spans
) -> None:
    server.script(Reply(text="One two three four five", delay_s=0.01))
    stream: AsyncIterator[str] = answer.astream({"question": "Count."})
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]
    while len(spans()) < 4:  # the loop closes the inner generators one after the other
        await asyncio.sleep(0.01)
    assert {row.name: row.status for row in spans()} == {
        "RunnableSequence": "CANCELLED",
        "ChatPromptTemplate": "OK",
        "chat gpt-4o-mini": "CANCELLED",
        "StrOutputParser": "CANCELLED",
    }


@pytest.mark.parametrize("given", [{"input": ""}, {"input": [1, 2]}, "", None, 0])
def test_an_input_is_told_as_it_was(given: Any, spans: Spans) -> None:
    chain = RunnableLambda(lambda given: given) | RunnableLambda(lambda given: given)
    chain.invoke(given)
    list(chain.stream(given))
    assert [row.input for row in spans()] == [given] * 6


def test_an_error_is_where_it_was_raised_and_reaches_the_caller(spans: Spans) -> None:
    def fail(number: int) -> int:
        raise ValueError(f"no {number}")

    chain = RunnableLambda(double) | RunnableLambda(fail)
    with pytest.raises(ValueError, match="no 2"):
        chain.invoke(1)
    assert [(row.name, row.status) for row in spans()] == [
        ("RunnableSequence", "ERROR"),
        ("double", "OK"),
        ("fail", "ERROR"),
    ]
    failed = by_name(spans, "fail")
    assert (failed.error_type, failed.status_message) == ("ValueError", "no 2")
    assert failed.events[0]["name"] == "exception"


async def test_a_cancelled_chain_is_cancelled_and_not_an_error(spans: Spans) -> None:
    async def wait(_: Any) -> None:
        await asyncio.sleep(60)

    task = asyncio.create_task(RunnableLambda(wait).ainvoke(1))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(row.name, row.status) for row in spans()] == [("wait", "CANCELLED")]


def test_a_fallback_shows_what_failed_and_what_helped(spans: Spans, outline: Outline) -> None:
    def break_down(number: int) -> int:
        raise RuntimeError("down")

    chain = RunnableLambda(break_down).with_fallbacks([RunnableLambda(double)])
    assert chain.invoke(2) == 4
    assert outline() == ["RunnableWithFallbacks", "  break_down", "  double"]
    assert [row.status for row in spans()] == ["OK", "ERROR", "OK"]


def test_each_try_of_a_retry_is_a_step(spans: Spans, outline: Outline) -> None:
    tries: list[int] = []

    def flaky(number: int) -> int:
        tries.append(number)
        if len(tries) < 3:
            raise RuntimeError("again")
        return number

    chain = RunnableLambda(flaky).with_retry(stop_after_attempt=3, wait_exponential_jitter=False)
    assert chain.invoke(2) == 2
    assert outline() == ["flaky", "  flaky", "  flaky", "  flaky"]
    assert [row.status for row in spans()] == ["OK", "ERROR", "ERROR", "OK"]
    assert spans()[3].attributes["langchain.tags"] == ["retry:attempt:3"]


def test_names_tags_and_metadata_of_a_run_are_recorded(spans: Spans) -> None:
    chain = (RunnableLambda(double) | RunnableLambda(increase)).with_config(run_name="arithmetic")
    chain.invoke(1, {"tags": ["beta"], "metadata": {"customer": "c1"}})
    root, first, _ = spans()
    assert (root.name, root.tags, root.metadata) == ("arithmetic", ["beta"], {"customer": "c1"})
    assert (first.tags, first.attributes["langchain.tags"]) == (["beta"], ["seq:step:1"])


def test_what_only_joins_steps_is_marked_as_plumbing_but_never_the_root(spans: Spans) -> None:
    chain = RunnablePassthrough.assign(twice=lambda given: double(given["number"])) | RunnableLambda(
        lambda given: given
    )
    chain.invoke({"number": 1})
    marked = {row.name: bool((row.attributes or {}).get("tracer.plumbing")) for row in spans()}
    assert marked == {
        "RunnableSequence": False,
        "RunnableAssign<twice>": True,
        "RunnableParallel<twice>": True,
        "RunnableLambda": True,
    }


def test_the_session_comes_from_the_configuration_unless_using_says_otherwise(spans: Spans) -> None:
    chain = RunnableLambda(double) | RunnableLambda(increase)
    chain.invoke(1, {"configurable": {"session_id": "s1"}})
    assert [row.session_id for row in spans()] == ["s1", "s1", "s1"]
    with using(session_id="mine"):
        chain.invoke(1, {"configurable": {"session_id": "s1"}})
    assert [row.session_id for row in spans()][3:] == ["mine", "mine", "mine"]


def test_the_user_comes_from_metadata_or_configuration(spans: Spans) -> None:
    chain = RunnableLambda(double) | RunnableLambda(increase)
    chain.invoke(1, {"metadata": {"user_id": "ada"}})
    chain.invoke(1, {"configurable": {"user_id": "bob"}})
    with using(user_id="mine"):
        chain.invoke(1, {"configurable": {"user_id": "bob"}})
    assert [row.user_id for row in spans()] == [name for name in ("ada", "bob", "mine") for _ in range(3)]


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainDeprecationWarning")
def test_the_plumbing_of_a_history_is_marked_and_a_function_of_that_name_is_not(chat: Chat, spans: Spans) -> None:
    history = InMemoryChatMessageHistory()
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("user", "{question}")])
    with_history = RunnableWithMessageHistory(
        prompt | chat(), lambda _: history, input_messages_key="question", history_messages_key="history"
    )

    def insert_history(given: Any) -> Any:
        return with_history.invoke(given, {"configurable": {"session_id": "s1"}})

    (RunnableLambda(insert_history) | RunnableLambda(lambda answer: answer)).invoke({"question": "Which colour?"})
    shown = [row.name for row in spans() if "tracer.plumbing" not in (row.attributes or {})]
    assert shown == [
        "RunnableSequence",
        "insert_history",
        "load_history",
        "ChatPromptTemplate",
        "chat gpt-4o-mini",
    ]
    assert {row.session_id for row in spans()[2:-1]} == {"s1"}


def test_the_end_of_an_iterator_is_no_error(spans: Spans) -> None:
    numbers = iter([1])
    chain = RunnableLambda(lambda _: next(numbers))
    assert chain.invoke(0) == 1
    with pytest.raises(StopIteration):
        chain.invoke(0)
    assert [row.status for row in spans()] == ["OK", "OK"]


async def test_a_chain_that_starts_after_its_parent_ended_still_belongs_to_it(outline: Outline) -> None:
    later: list[asyncio.Task[int]] = []

    async def leave_behind(number: int) -> int:
        async def afterwards() -> int:
            await asyncio.sleep(0.01)
            return await RunnableLambda(double).ainvoke(look_up(number))

        later.append(asyncio.create_task(afterwards()))
        return number

    await RunnableLambda(leave_behind).ainvoke(1)
    assert await later[0] == 2
    assert outline() == ["leave_behind", "  look_up", "  double"]
