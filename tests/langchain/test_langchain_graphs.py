"""Agents, their tools, and LangGraph's graphs: every step where it was called, and control flow that is no error."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, ToolException, tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState
from langgraph.types import Command, RetryPolicy, Send, interrupt
from pydantic import BaseModel

from tracer import span, trace
from tracer.demo.server import LoopbackServer, Reply
from tracer.span_row import SpanRow

Spans = Callable[[], list[SpanRow]]
Outline = Callable[[], list[str]]
Chat = Callable[..., ChatOpenAI]


@trace
def compute(a: int, b: int) -> int:
    return a + b


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return compute(a, b)


@tool
async def add_slowly(a: int, b: int) -> int:
    """Add two numbers, slowly."""
    with span("wait"):
        await asyncio.sleep(0.001)
        return compute(a, b)


def by_name(spans: Spans, name: str) -> SpanRow:
    (row,) = [row for row in spans() if row.name == name]
    return row


# Tools.


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


# Agents.

ROUND = [
    "    model",
    "      chat gpt-4o-mini",
    "    tools",
    "      execute_tool add",
    "        compute",
    "    model",
    "      chat gpt-4o-mini",
]


@pytest.fixture
def model(server: LoopbackServer, chat: Chat) -> ChatOpenAI:
    """It asks for one tool call, then answers."""
    server.script(Reply(tool_calls=[("add", {"a": 1, "b": 2})]), Reply(text="It is 3."))
    return chat()


QUESTION = {"messages": [("user", "What is 1 + 2?")]}


def test_an_agent_is_one_tree_with_its_model_calls_and_tools(model: ChatOpenAI, spans: Spans, outline: Outline) -> None:
    agent = create_agent(model, [add], system_prompt="Be brief.", name="calculator")
    with span("answer"):
        answer = agent.invoke(QUESTION, {"configurable": {"thread_id": "t1"}})
    assert answer["messages"][-1].content == "It is 3."
    assert outline() == ["answer", "  invoke_agent calculator", *ROUND]
    row = spans()[1]
    assert (row.kind, row.operation, row.status) == ("agent", "invoke_agent", "OK")
    assert row.attributes["gen_ai.agent.name"] == "calculator"
    assert {row.session_id for row in spans() if row.scope_name == "langchain"} == {"t1"}
    assert row.input == {"messages": [{"role": "user", "parts": [{"type": "text", "content": "What is 1 + 2?"}]}]}
    assert [message["role"] for message in row.output["messages"]] == ["user", "assistant", "tool", "assistant"]


async def test_an_async_agent_that_streams_is_the_same_tree(model: ChatOpenAI, outline: Outline) -> None:
    agent = create_agent(model, [add])
    with span("answer"):
        async for _ in agent.astream(QUESTION, stream_mode=["updates", "messages"]):
            with span("show"):
                pass
    drawn = outline()
    assert [line for line in drawn if line != "  show"] == ["answer", "  invoke_agent", *ROUND]
    assert drawn.count("  show") > 3


def test_a_node_tells_where_in_the_graph_it_was(model: ChatOpenAI, spans: Spans) -> None:
    create_agent(model, [add]).invoke(QUESTION)
    nodes = [row.metadata for row in spans() if row.name in ("model", "tools")]
    assert [(facts["langgraph_node"], facts["langgraph_step"]) for facts in nodes] == [
        ("model", 1),
        ("tools", 2),
        ("model", 3),
    ]
    assert nodes[1]["langgraph_path"] == ["__pregel_push", 0, False]


def test_an_agent_in_a_tool_of_an_agent_is_an_agent_of_its_own(
    server: LoopbackServer, chat: Chat, spans: Spans, outline: Outline
) -> None:
    helper = create_agent(chat(), [], name="helper")

    @tool
    def ask(question: str) -> str:
        """Ask the helper."""
        return str(helper.invoke({"messages": [("user", question)]})["messages"][-1].content)

    server.script(Reply(tool_calls=[("ask", {"question": "Why?"})]), Reply(text="Because."), Reply(text="So."))
    create_agent(chat(), [ask], name="boss").invoke({"messages": [("user", "Ask why.")]})
    assert outline() == [
        "invoke_agent boss",
        "  model",
        "    chat gpt-4o-mini",
        "  tools",
        "    execute_tool ask",
        "      invoke_agent helper",
        "        model",
        "          chat gpt-4o-mini",
        "  model",
        "    chat gpt-4o-mini",
    ]
    assert [row.kind for row in spans() if row.name.startswith("invoke")] == ["agent", "agent"]


def test_a_tool_that_raises_fails_its_agent(server: LoopbackServer, chat: Chat, spans: Spans) -> None:
    @tool
    def divide(a: int, b: int) -> float:
        """Divide."""
        return a / b

    server.script(Reply(tool_calls=[("divide", {"a": 1, "b": 0})]))
    with pytest.raises(ZeroDivisionError):
        create_agent(chat(), [divide]).invoke({"messages": [("user", "1 / 0?")]})
    assert {row.name: row.status for row in spans()} == {
        "invoke_agent": "ERROR",
        "model": "OK",
        "chat gpt-4o-mini": "OK",
        "tools": "ERROR",
        "execute_tool divide": "ERROR",
    }


@pytest.mark.parametrize("strategy", ["tool", "provider"])
def test_a_structured_answer_of_an_agent_is_its_output(
    strategy: str, server: LoopbackServer, chat: Chat, spans: Spans, outline: Outline
) -> None:
    class Colour(BaseModel):
        name: str

    by_tool = strategy == "tool"
    server.script(Reply(tool_calls=[("Colour", {"name": "blue"})]) if by_tool else Reply(text='{"name": "blue"}'))
    agent = create_agent(chat(), [], response_format=ToolStrategy(Colour) if by_tool else ProviderStrategy(Colour))
    assert agent.invoke({"messages": [("user", "Which colour?")]})["structured_response"] == Colour(name="blue")
    assert outline() == ["invoke_agent", "  model", "    chat gpt-4o-mini"]
    assert spans()[0].output["structured_response"] == {"name": "blue"}


def test_the_middleware_of_an_agent_is_shown_where_it_ran(model: ChatOpenAI, spans: Spans, outline: Outline) -> None:
    class Polite(AgentMiddleware[Any, Any]):
        def before_model(self, state: Any, runtime: Any) -> None:
            compute(1, 1)

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            compute(2, 2)
            return handler(request)

        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            compute(3, 3)
            return handler(request)

    create_agent(model, [add], middleware=[Polite()]).invoke(QUESTION)
    before = ["  Polite.before_model", "    compute"]
    asking = ["  model", "    compute", "    chat gpt-4o-mini"]
    tools = ["  tools", "    compute", "    execute_tool add", "      compute"]
    assert outline() == ["invoke_agent", *before, *asking, *tools, *before, *asking]


@pytest.mark.skipif(
    tuple(map(int, version("langgraph").split(".")[:2])) < (1, 2),
    reason="LangGraph hides the mark of an agent in a graph",
)
def test_a_handoff_from_agent_to_agent_is_no_error(
    server: LoopbackServer, chat: Chat, spans: Spans, outline: Outline
) -> None:
    @tool
    def transfer(state: Annotated[Any, InjectedState], id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Transfer to Bob."""
        said = [state["messages"][-1], ToolMessage("done", tool_call_id=id)]
        return Command(goto="bob", update={"messages": said}, graph=Command.PARENT)

    server.script(Reply(tool_calls=[("transfer", {})]), Reply(text="Bob here."))
    team = StateGraph(MessagesState)
    team.add_node("alice", create_agent(chat(), [transfer], name="alice"), destinations=("bob",))
    team.add_node("bob", create_agent(chat(), [], name="bob"))
    team.add_edge(START, "alice")
    answer = team.compile(name="team").invoke({"messages": [("user", "Bob, please.")]})
    assert answer["messages"][-1].content == "Bob here."
    one = ["      model", "        chat gpt-4o-mini"]
    assert outline() == [
        "invoke_workflow team",
        "  alice",
        "    invoke_agent alice",
        *one,
        "      tools",
        "        execute_tool transfer",
        "  bob",
        "    invoke_agent bob",
        *one,
    ]
    assert {row.status for row in spans()} == {"OK"}


# Graphs.


class State(TypedDict, total=False):
    steps: Annotated[list[str], operator.add]


def step(name: str) -> Callable[[State], State]:
    def run(state: State) -> State:
        with span(f"do {name}"):
            return {"steps": [name]}

    return run


def graph(**nodes: Any) -> StateGraph[State]:
    """The nodes, one after the other."""
    builder = StateGraph(State)
    for before, name in zip([START, *nodes], nodes, strict=False):
        builder.add_node(name, nodes[name])
        builder.add_edge(before, name)
    builder.add_edge(list(nodes)[-1], END)
    return builder


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


def test_an_interrupt_in_a_tool_interrupts_all_around_it(server: LoopbackServer, chat: Chat, spans: Spans) -> None:
    @tool
    def approve(amount: int) -> str:
        """Ask for approval."""
        return str(interrupt(f"Pay {amount}?"))

    server.script(Reply(tool_calls=[("approve", {"amount": 5})]), Reply(text="Paid."))
    agent = create_agent(chat(), [approve], checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "t1"}}
    agent.invoke({"messages": [("user", "Pay 5.")]}, thread)
    assert {row.name: row.status for row in spans()} == {
        "invoke_agent": "INTERRUPTED",
        "model": "OK",
        "chat gpt-4o-mini": "OK",
        "tools": "INTERRUPTED",
        "execute_tool approve": "INTERRUPTED",
    }
    agent.invoke(Command(resume="yes"), thread)
    assert {row.status for row in spans()[5:]} == {"OK"}


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
