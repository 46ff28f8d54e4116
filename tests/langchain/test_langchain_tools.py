"""Tools tell their arguments and answers, hold what they call, and fail where they failed."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.tools import InjectedState
from langchain_core.tools import InjectedToolCallId, ToolException, tool
from steps import Chat, Outline, Spans, add, by_name, compute

from tracer import span
from tracer.demo.server import LoopbackServer, Reply


@tool
async def add_slowly(a: int, b: int) -> int:
    """Add two numbers, slowly."""
    with span("wait"):
        await asyncio.sleep(0.001)
        return compute(a, b)


def test_a_tool_tells_its_arguments_and_its_answer(spans: Spans, outline: Outline) -> None:
    call = {"type": "tool_call", "id": "call_1", "name": "add", "args": {"a": 1, "b": 2}}
    assert add.invoke(call).content == "3"
    assert outline() == ["execute_tool add", "  compute"]
    row = spans()[0]
    assert (row.kind, row.operation, row.input, row.output) == ("tool", "execute_tool", {"a": 1, "b": 2}, "3")
    assert row.attributes == {
        "gen_ai.tool.name": "add",
        "gen_ai.tool.description": "Add two numbers.",
        "gen_ai.tool.call.id": "call_1",
    }


async def test_an_async_tool_holds_what_it_calls(spans: Spans, outline: Outline) -> None:
    with span("answer"):
        assert await asyncio.gather(add_slowly.ainvoke({"a": 1, "b": 2}), add.ainvoke({"a": 3, "b": 4})) == [3, 7]
    drawn = outline()
    assert drawn[0] == "answer"
    assert sorted(["".join(drawn[1:4]), "".join(drawn[4:])]) in (
        ["  execute_tool add    compute  execute_tool add_slowly", "    wait      compute"],
        ["  execute_tool add    compute", "  execute_tool add_slowly    wait      compute"],
    )
    assert [row.output for row in spans() if row.kind == "tool"] == [3, 7]


def test_a_tool_that_raises_is_an_error(spans: Spans) -> None:
    @tool
    def divide(a: int, b: int) -> float:
        """Divide."""
        return a / b

    with pytest.raises(ZeroDivisionError):
        divide.invoke({"a": 1, "b": 0})
    row = spans()[0]
    assert (row.status, row.error_type, row.output) == ("ERROR", "ZeroDivisionError", None)


def test_a_tool_that_answers_with_its_error_has_failed_all_the_same(spans: Spans) -> None:
    @tool
    def refuse(a: int) -> int:
        """Refuse."""
        raise ToolException("not today")

    refuse.handle_tool_error = True
    answer = refuse.invoke({"type": "tool_call", "id": "call_1", "name": "refuse", "args": {"a": 1}})
    assert answer.status == "error"
    row = spans()[0]
    assert (row.status, row.status_message, row.output) == ("ERROR", "not today", "not today")


def test_an_artifact_is_told_beside_what_the_model_sees(spans: Spans) -> None:
    @tool(response_format="content_and_artifact")
    def plot(a: int) -> tuple[str, Any]:
        """Plot."""
        return "a plot", {"points": [a]}

    call = {"type": "tool_call", "id": "call_1", "name": "plot", "args": {"a": 1}}
    assert plot.invoke(call).artifact == {"points": [1]}
    (row,) = spans()
    assert (row.output, row.attributes["langchain.tool.artifact"]) == ("a plot", {"points": [1]})


def test_what_a_tool_is_given_beside_its_arguments_is_not_recorded(
    server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    @tool
    def remember(
        fact: str, state: Annotated[dict[str, Any], InjectedState], id: Annotated[str, InjectedToolCallId]
    ) -> str:
        """Remember a fact."""
        return f"{len(state['messages'])} {id}"

    server.script(Reply(tool_calls=[("remember", {"fact": "Blue."})]), Reply(text="Done."))
    create_agent(chat(), [remember]).invoke({"messages": [("user", "Remember blue.")]})
    row = by_name(spans, "execute_tool remember")
    assert row.input == {"fact": "Blue."}
    asked = by_name(spans, "invoke_agent").output["messages"][1]["parts"][0]["id"]
    assert row.attributes["gen_ai.tool.call.id"] == asked
    assert row.output == f"2 {asked}"
