"""LangGraph's graphs: every step where it was called, and control flow that is no error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypedDict

import pytest
from graphs import State, graph
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Command, RetryPolicy, Send, interrupt
from steps import Outline, Spans, by_name, compute

from tracer import span


def step(name: str) -> Callable[[State], State]:
    def run(state: State) -> State:
        with span(f"do {name}"):
            return {"steps": [name]}

    return run


def test_a_graph_is_a_workflow_and_its_nodes_are_its_steps(spans: Spans, outline: Outline) -> None:
    assert graph(first=step("first"), second=step("second")).compile(name="pair").invoke({"steps": []}) == {
        "steps": ["first", "second"]
    }
    assert outline() == ["invoke_workflow pair", "  first", "    do first", "  second", "    do second"]
    row = spans()[0]
    assert (row.kind, row.operation, row.attributes) == (
        "workflow",
        "invoke_workflow",
        {"gen_ai.workflow.name": "pair"},
    )
    assert (row.input, row.output) == ({"steps": []}, {"steps": ["first", "second"]})


def test_a_graph_whose_nodes_are_called_as_those_of_agents_is_none(outline: Outline) -> None:
    graph(model=step("model"), agent=step("agent")).compile().invoke({"steps": []})
    assert outline()[0] == "invoke_workflow"


def test_a_graph_in_a_graph_nests_as_a_node_and_as_a_call(outline: Outline) -> None:
    inner = graph(deep=step("deep")).compile(name="inner")

    def call(state: State) -> State:
        inner.invoke({"steps": []})
        return {"steps": ["called"]}

    graph(node=inner, call=call).compile(name="outer").invoke({"steps": []})
    tree = ["    invoke_workflow inner", "      deep", "        do deep"]
    assert outline() == ["invoke_workflow outer", "  node", *tree, "  call", *tree]


def test_a_fan_out_is_a_node_for_each_that_was_sent(spans: Spans, outline: Outline) -> None:
    builder = StateGraph(State)
    builder.add_node("worker", step("work"))
    builder.add_conditional_edges(START, lambda _: [Send("worker", {"steps": [letter]}) for letter in "ab"], ["worker"])
    assert builder.compile().invoke({"steps": []}) == {"steps": ["work", "work"]}
    drawn = outline()
    assert drawn[0] == "invoke_workflow"
    assert drawn.count("  worker") == drawn.count("    do work") == 2
    assert {row.input["steps"][0] for row in spans() if row.name == "worker"} == {"a", "b"}


def test_an_interrupt_is_no_error_and_its_resume_belongs_to_the_same_session(spans: Spans, outline: Outline) -> None:
    def ask(state: State) -> State:
        return {"steps": [interrupt({"question": "Really?"})]}

    asking = graph(first=step("first"), ask=ask).compile(checkpointer=InMemorySaver(), name="approval")
    thread: Any = {"configurable": {"thread_id": "t1"}}
    asking.invoke({"steps": []}, thread)
    assert asking.invoke(Command(resume="yes"), thread)["steps"] == ["first", "yes"]
    assert outline() == [
        "invoke_workflow approval",
        "  first",
        "    do first",
        "  ask",
        "invoke_workflow approval",
        "  ask",
    ]
    asked, *_, asking_node, resumed, resumed_node = spans()
    assert (asked.status, asking_node.status) == ("INTERRUPTED", "INTERRUPTED")
    assert asking_node.output[0]["value"] == {"question": "Really?"}
    assert asking_node.events is None
    assert (resumed.status, resumed_node.status, resumed.input) == ("OK", "OK", {"resume": "yes"})
    assert asked.session_id == resumed.session_id == "t1"


def test_a_command_to_a_parent_graph_is_no_error(spans: Spans) -> None:
    def leave(state: State) -> Command[Any]:
        return Command(goto="last", update={"steps": ["left"]}, graph=Command.PARENT)

    inner = graph(leave=leave).compile(name="inner")
    builder = StateGraph(State)
    builder.add_node("inner", inner, destinations=("last",))
    builder.add_node("last", step("last"))
    builder.add_edge(START, "inner")
    assert builder.compile(name="outer").invoke({"steps": []})["steps"] == ["left", "last"]
    assert {row.status for row in spans()} == {"OK"}
    assert by_name(spans, "leave").output == {"graph": "__parent__", "update": {"steps": ["left"]}, "goto": "last"}


def test_a_node_that_raises_fails_its_graph(spans: Spans) -> None:
    def fail(state: State) -> State:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        graph(fail=fail).compile().invoke({"steps": []})
    assert [(row.name, row.status) for row in spans()] == [("invoke_workflow", "ERROR"), ("fail", "ERROR")]


def test_a_graph_whose_consumer_leaves_is_cancelled(spans: Spans) -> None:
    stream = graph(first=step("first"), second=step("second")).compile().stream({"steps": []})
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert spans()[0].status == "CANCELLED"
    assert "ERROR" not in {row.status for row in spans()}


def test_the_functional_api_is_a_graph_with_its_tasks(outline: Outline) -> None:
    @task
    def double(number: int) -> int:
        return compute(number, number)

    @entrypoint()
    def flow(number: int) -> int:
        return int(double(number).result())

    assert flow.invoke(2) == 4
    drawn = outline()
    assert drawn[1:] == ["  flow", "    double", "      compute"]


def test_documents_and_messages_in_a_state_are_readable(spans: Spans) -> None:
    class Found(TypedDict, total=False):
        messages: list[Any]
        documents: list[Document]

    def answer(state: Found) -> Found:
        return {"messages": [AIMessage("In France.")], "documents": [Document("Paris", id="d1")]}

    builder = StateGraph(Found)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    builder.compile().invoke({"messages": [HumanMessage("Where?")]})
    node = by_name(spans, "answer")
    assert node.input == {"messages": [{"role": "user", "parts": [{"type": "text", "content": "Where?"}]}]}
    assert node.output == {
        "messages": [{"role": "assistant", "parts": [{"type": "text", "content": "In France."}]}],
        "documents": [{"id": "d1", "content": "Paris"}],
    }


def test_where_a_graph_sends_work_is_readable(spans: Spans) -> None:
    def choose(state: State) -> list[Send]:
        return [Send("worker", {"steps": ["a"]})]

    builder = StateGraph(State)
    builder.add_node("boss", step("boss"))
    builder.add_node("worker", step("work"))
    builder.add_edge(START, "boss")
    builder.add_conditional_edges("boss", choose, ["worker"])
    builder.compile().invoke({"steps": []})
    assert by_name(spans, "choose").output == [{"node": "worker", "arg": {"steps": ["a"]}}]


async def test_a_failure_beside_other_steps_cancels_those_and_is_the_only_error(spans: Spans) -> None:
    async def fail(state: State) -> State:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    async def wait(state: State) -> State:
        await asyncio.sleep(60)
        return {}

    builder = StateGraph(State)
    for name, node in (("fail", fail), ("wait", wait)):
        builder.add_node(name, node)
        builder.add_edge(START, name)
    with pytest.raises(ValueError, match="no"):
        await builder.compile().ainvoke({"steps": []})
    assert {row.name: row.status for row in spans()} == {
        "invoke_workflow": "ERROR",
        "fail": "ERROR",
        "wait": "CANCELLED",
    }


async def test_a_cancelled_graph_is_cancelled_and_so_are_its_steps(spans: Spans) -> None:
    async def wait(state: State) -> State:
        await asyncio.sleep(60)
        return {}

    running = asyncio.create_task(graph(wait=wait).compile().ainvoke({"steps": []}))
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert {row.name: row.status for row in spans()} == {"invoke_workflow": "CANCELLED", "wait": "CANCELLED"}


def test_each_try_of_a_step_is_told(spans: Spans) -> None:
    tries = [ConnectionError("again"), None]

    def flaky(state: State) -> State:
        if error := tries.pop(0):
            raise error
        return {"steps": ["done"]}

    builder = StateGraph(State)
    builder.add_node("flaky", flaky, retry_policy=RetryPolicy(initial_interval=0.001))
    builder.add_edge(START, "flaky")
    assert builder.compile().invoke({"steps": []}) == {"steps": ["done"]}
    assert [(row.name, row.status) for row in spans()] == [
        ("invoke_workflow", "OK"),
        ("flaky", "ERROR"),
        ("flaky", "OK"),
    ]
