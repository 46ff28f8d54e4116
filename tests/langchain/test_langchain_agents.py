"""An agent is one tree with its model calls, tools and middleware, alone or beside other agents."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain.tools import InjectedState
from langchain_core.messages import ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import create_react_agent
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from steps import Chat, Outline, Spans, add, compute

from tracer import span
from tracer.demo.server import LoopbackServer, Reply

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


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
def test_an_agent_that_langgraph_made_is_one_too(model: ChatOpenAI, spans: Spans) -> None:
    create_react_agent(model, [add], name="calculator").invoke(QUESTION)
    root = spans()[0]
    assert (root.name, root.kind, root.parent_id) == ("invoke_agent calculator", "agent", None)


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
