"""Every surface of LangChain and LangGraph, in every mode and way, to every outcome: recorded whole, and unchanged.

Each cell runs the real library, over real HTTP where a model is called, once recorded and once not. What the program
gets must be the same; the tree, the statuses and the tokens of what is recorded are literals.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.func import entrypoint, task
from langgraph.graph import START, MessagesState, StateGraph

import tracer
from tracer.demo.server import LoopbackServer, Reply, Usage
from tracer.integrations.langchain.registry import find_open
from tracer.recorder import RECORDER
from tracer.span_row import SpanRow
from tracer.tree import Node, build_tree

Chat = Callable[..., ChatOpenAI]
Spans = Callable[[], list[SpanRow]]

HAS_V3 = hasattr(BaseChatModel, "stream_events")
"""Whether this langchain-core has the events of version 3, which only models and graphs tell."""

TEXT, USAGE = "One two three four five", Usage(7, 5, cached_tokens=2)


@dataclass(frozen=True)
class Surface:
    """What is run, and the paths of what is to be recorded of one run of it, by outcome; `!` is ERROR, `~` CANCELLED.

    `good` and `bad` are inputs: of the first, the model is called `calls` times, of the second the run fails. What the
    error or the early end of a stream leaves differs from that of one call where steps run at once.
    """

    library: str
    name: str
    build: Callable[[ChatOpenAI], Runnable[Any, Any]]
    ok: list[str]
    error: list[str]
    good: Any
    bad: Any = None
    error_of_stream: list[str] | None = None  # which breaks off in its midst
    can_be_left: bool = False
    replies: tuple[Reply, ...] = ()
    calls: int = 0
    has_v3: bool = False
    at_once: int = 1  # in a batch


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        if not query:
            raise LookupError("nothing asked")
        return [Document(f"About {query}", id="d1")]


@tool
def divide(a: int, b: int) -> float:
    """Divide."""
    return a / b


def _chain(model: ChatOpenAI) -> Runnable[Any, Any]:
    return ChatPromptTemplate.from_messages([("user", "{question}")]) | model | StrOutputParser()


def _graph(model: ChatOpenAI) -> Any:
    async def adraft(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    def draft(state: MessagesState) -> Any:
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("draft", RunnableLambda(draft, adraft))
    builder.add_node("check", lambda _: {})
    builder.add_edge(START, "draft")
    builder.add_edge("draft", "check")
    return builder.compile(name="writer")


def _subgraph(model: ChatOpenAI) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("inner", _graph(model))
    builder.add_edge(START, "inner")
    return builder.compile(name="outer")


def _functional(model: ChatOpenAI) -> Any:
    @task
    async def draft(question: str) -> str:
        return str((await model.ainvoke(question)).text)

    @entrypoint()
    async def flow(question: str) -> str:
        return await draft(question)

    return flow


def _functional_sync(model: ChatOpenAI) -> Any:
    @task
    def draft(question: str) -> str:
        return str(model.invoke(question).text)

    @entrypoint()
    def flow(question: str) -> str:
        return str(draft(question).result())

    return flow


def _agent(model: ChatOpenAI) -> Any:
    return create_agent(model, [divide], name="calculator")


CHAT = "chat gpt-4o-mini"
QUESTION = {"messages": [("user", "Count.")]}
ANSWER = Reply(text=TEXT, usage=USAGE, response_id="r1")
ASKING = Reply(tool_calls=[("divide", {"a": 4, "b": 2})], usage=USAGE, response_id="r0")


def below(root: str, *paths: str) -> list[str]:
    """The paths below a root; marks of a status stay at the end."""
    return [f"{root} > {path}" for path in paths]


GRAPH = "invoke_workflow writer"
OUTER = "invoke_workflow outer"
AGENT = "invoke_agent calculator"
ROUND = below(AGENT, "model", f"model > {CHAT}", "tools", "tools > execute_tool divide")

SURFACES = [
    Surface(
        "LangChain",
        "chat model",
        lambda model: model,
        ok=[CHAT],
        error=[f"{CHAT}!"],
        error_of_stream=[f"{CHAT}!"],
        can_be_left=True,
        good="Count.",
        bad="Count.",
        replies=(ANSWER,),
        calls=1,
        has_v3=True,
    ),
    Surface(
        "LangChain",
        "prompt | model | parser",
        _chain,
        ok=["RunnableSequence", *below("RunnableSequence", "ChatPromptTemplate", CHAT, "StrOutputParser")],
        error=["RunnableSequence!", *below("RunnableSequence", "ChatPromptTemplate", f"{CHAT}!")],
        error_of_stream=[
            "RunnableSequence!",
            *below("RunnableSequence", "ChatPromptTemplate", f"{CHAT}!", "StrOutputParser!"),
        ],
        can_be_left=True,
        good={"question": "Count."},
        bad={"question": "Count."},
        replies=(ANSWER,),
        calls=1,
    ),
    Surface(
        "LangChain",
        "tool",
        lambda _: divide,
        ok=["execute_tool divide"],
        error=["execute_tool divide!"],
        good={"a": 4, "b": 2},
        bad={"a": 4, "b": 0},
    ),
    Surface(
        "LangChain",
        "retriever",
        lambda _: Shelf(),
        ok=["retrieval Shelf"],
        error=["retrieval Shelf!"],
        good="tea",
        bad="",
    ),
    Surface(
        "LangGraph",
        "StateGraph",
        _graph,
        ok=[GRAPH, *below(GRAPH, "draft", "draft > draft", f"draft > draft > {CHAT}", "check")],
        error=[f"{GRAPH}!", *below(GRAPH, "draft!", "draft > draft!", f"draft > draft > {CHAT}!")],
        can_be_left=True,
        good=QUESTION,
        bad=QUESTION,
        replies=(ANSWER,),
        calls=1,
        has_v3=True,
    ),
    Surface(
        "LangGraph",
        "subgraph",
        _subgraph,
        ok=[
            OUTER,
            *below(
                OUTER,
                "inner",
                *below("inner", GRAPH, *below(GRAPH, "draft", "draft > draft", f"draft > draft > {CHAT}", "check")),
            ),
        ],
        error=[
            f"{OUTER}!",
            *below(
                OUTER,
                "inner!",
                *below("inner", f"{GRAPH}!", *below(GRAPH, "draft!", "draft > draft!", f"draft > draft > {CHAT}!")),
            ),
        ],
        can_be_left=True,
        good=QUESTION,
        bad=QUESTION,
        replies=(ANSWER,),
        calls=1,
        has_v3=True,
    ),
    Surface(
        "LangGraph",
        "@entrypoint and @task",
        _functional,
        at_once=8,  # with a few threads LangGraph lets a task wait for itself
        ok=["invoke_workflow", *below("invoke_workflow", "flow", "flow > draft", f"flow > draft > {CHAT}")],
        error=["invoke_workflow!", *below("invoke_workflow", "flow!", "flow > draft!", f"flow > draft > {CHAT}!")],
        good="Count.",
        bad="Count.",
        replies=(ANSWER,),
        calls=1,
        has_v3=True,
    ),
    Surface(
        "LangGraph",
        "create_agent",
        _agent,
        ok=[AGENT, *ROUND, *ROUND[:2]],
        can_be_left=True,
        error=[f"{AGENT}!", *ROUND, *below(AGENT, "model!", f"model > {CHAT}!")],
        good=QUESTION,
        bad=QUESTION,
        replies=(ASKING, ANSWER),
        calls=2,
        has_v3=True,
    ),
]


_QUICK = ("chat model", "create_agent")
"""The surfaces that show most; the others take a minute."""


def has_way(surface: Surface, mode: str, way: str) -> bool:
    """Whether LangChain itself has this way."""
    if way == "events v2":
        return mode == "async"
    return way != "events v3" or (surface.has_v3 and HAS_V3)


def cells() -> Iterator[Any]:
    for surface in SURFACES:
        for mode in ("sync", "async"):
            for way in ("invoke", "stream", "batch", "events v2", "events v3"):
                if not has_way(surface, mode, way):
                    continue
                for outcome in ("ok", "error", "early close"):
                    if outcome == "early close" and (way in ("invoke", "batch") or not surface.can_be_left):
                        continue  # there is nothing to leave: the result is there at once, and whole
                    if (outcome, way) == ("early close", "events v3") and surface.library == "LangChain":
                        continue  # such a stream has no end but its last event
                    marks = () if surface.name in _QUICK else (pytest.mark.slow,)
                    name = f"{surface.name}-{mode}-{way}-{outcome}"
                    yield pytest.param(surface, mode, way, outcome, id=name, marks=marks)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One for both runs of a cell: the client of langchain-openai is kept, with its connections."""
    running = asyncio.new_event_loop()
    yield running
    running.run_until_complete(running.shutdown_asyncgens())
    running.close()


def run(surface: Surface, runnable: Any, *, loop: asyncio.AbstractEventLoop, mode: str, way: str, outcome: str) -> Any:
    """Return what the program gets: a value, or what came of a stream and the exception that ended it."""
    given = surface.bad if outcome == "error" else surface.good
    inputs = [surface.good, given]
    leaves = outcome == "early close"
    if mode == "async":
        return loop.run_until_complete(_run_async(runnable, way, given, inputs, leaves, at_once=surface.at_once))
    if way == "invoke":
        return _caught(lambda: runnable.invoke(given))
    if way == "batch":
        return runnable.batch(inputs, {"max_concurrency": surface.at_once}, return_exceptions=True)
    if way == "stream":
        with closing(runnable.stream(given)) as stream:
            return _collect(stream, leaves)
    stream = runnable.stream_events(given, version="v3")
    try:
        return _collect(iter(stream), leaves)
    finally:
        if hasattr(stream, "abort"):
            stream.abort()


def _caught(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same without us
        return error


def _collect(stream: Iterator[Any], leaves: bool) -> list[Any]:
    came = []
    try:
        for piece in stream:
            came.append(piece)
            if leaves and _is_content(piece):
                break
    except Exception as error:  # noqa: BLE001 - as above
        came.append(error)
    return came


async def _run_async(runnable: Any, way: str, given: Any, inputs: list[Any], leaves: bool, *, at_once: int) -> Any:
    if way == "batch":
        return await runnable.abatch(inputs, {"max_concurrency": at_once}, return_exceptions=True)
    came: list[Any] = []
    try:
        if way == "invoke":
            return await runnable.ainvoke(given)
        if way == "events v3":
            await _collect_v3(await runnable.astream_events(given, version="v3"), leaves, came)
        else:
            pieces = runnable.astream(given) if way == "stream" else runnable.astream_events(given, version="v2")
            async with aclosing(pieces) as stream:
                await _collect_async(stream, leaves, came)
    except Exception as error:  # noqa: BLE001 - as above
        came.append(error)
    for _ in range(100):  # what was left is closed by the loop, one after the other
        if not RECORDER.open_spans:
            break
        await asyncio.sleep(0.01)
    return came


async def _collect_v3(stream: Any, leaves: bool, came: list[Any]) -> None:
    try:
        await _collect_async(aiter(stream), leaves, came)
    finally:
        if hasattr(stream, "abort"):
            await stream.abort()


async def _collect_async(stream: AsyncIterator[Any], leaves: bool, came: list[Any]) -> None:
    async for piece in stream:
        came.append(piece)
        if leaves and _is_content(piece):
            break


def _is_content(piece: Any) -> bool:
    """Whether a piece of a stream says something: a text, a step of a graph, or an event that tells of one."""
    if isinstance(piece, BaseMessage):
        return bool(piece.text)
    if isinstance(piece, dict) and "event" in piece:
        return piece["event"] in ("content-block-delta", "on_chat_model_stream", "on_tool_end")
    return bool(piece)


def told(value: Any) -> Any:
    """What of a value is the same each time: no ids and no times."""
    match value:
        case BaseMessage():
            calls = [(call["name"], call["args"]) for call in getattr(value, "tool_calls", ())]
            return (type(value), value.text, calls, getattr(value, "usage_metadata", None))
        case BaseException():
            return (type(value), str(value))
        case {"event": event, **rest}:
            return (event, rest.get("name"))
        case {"method": method, **_rest}:
            return method
        case dict():
            return {key: told(item) for key, item in value.items()}
        case list() | tuple():
            return [told(item) for item in value]
        case _:
            return value


def paths(rows: list[SpanRow]) -> list[str]:
    marks = {"OK": "", "ERROR": "!", "CANCELLED": "~"}

    def walk(node: Node, above: tuple[str, ...]) -> Iterator[str]:
        here = (*above, node.row.name)
        yield " > ".join(here) + marks[node.row.status or ""]
        for child in node.children:
            yield from walk(child, here)

    return sorted(path for root in build_tree(rows) for path in walk(root, ()))


def expected(surface: Surface, mode: str, way: str, outcome: str) -> list[str]:
    if outcome == "ok":
        return sorted(surface.ok * 2 if way == "batch" else surface.ok)
    if way == "batch":
        return sorted([*surface.ok, *surface.error])
    streams = way == "stream" or (way.startswith("events") and surface.error_of_stream)
    return sorted((surface.error_of_stream if streams else None) or surface.error)


def script(server: LoopbackServer, surface: Surface, way: str, outcome: str) -> None:
    """What the server replies to one run: for each input what the model is asked, whose last answer may be an error."""
    if not surface.replies:
        return
    breaks_off = surface.error_of_stream is not None and way not in ("invoke", "batch")
    failing = Reply(text=TEXT, error_after=3, error="overloaded") if breaks_off else Reply(status=400, error="too long")
    if outcome == "early close":
        server.script(surface.replies[0])
        return
    last = (*surface.replies[:-1], failing if outcome == "error" else surface.replies[-1])
    server.script(*surface.replies, *last) if way == "batch" else server.script(*last)


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize(("surface", "mode", "way", "outcome"), list(cells()))
def test_it_is_recorded_and_unchanged(
    surface: Surface,
    mode: str,
    way: str,
    outcome: str,
    *,
    loop: asyncio.AbstractEventLoop,
    server: LoopbackServer,
    chat: Chat,
    written: Spans,
    record_property: Callable[[str, Any], None],
) -> None:
    record_property("covers", (surface.library, surface.name, mode, way, outcome))
    build = _functional_sync if surface.build is _functional and mode == "sync" else surface.build
    runnable = build(chat(stream_usage=True, max_retries=0))

    def once() -> Any:
        script(server, surface, way, outcome)
        got = told(run(surface, runnable, loop=loop, mode=mode, way=way, outcome=outcome))
        return sorted(got, key=repr) if way == "batch" else got  # either of two at once may get the error

    recorded = once()
    gc.collect()
    find_open(uuid4())  # the occasion at which calls are ended that LangChain forgot
    rows = written()
    tracer.uninstrument()
    assert recorded == once()
    if outcome == "early close":
        # How far the steps are ahead of whoever leaves is LangChain's own affair.
        assert f"{surface.ok[0]}~" in paths(rows) or way.startswith("events")
        assert {path.removesuffix("~") for path in paths(rows)} <= set(surface.ok)
    else:
        assert paths(rows) == expected(surface, mode, way, outcome)
    models = [row for row in rows if row.kind == "llm"]
    assert {(row.input_tokens, row.output_tokens, row.cached_tokens) for row in models if row.status == "OK"} <= {
        (7, 5, 2)
    }
    if outcome == "ok":
        assert len(models) == surface.calls * (2 if way == "batch" else 1)
    assert RECORDER.open_spans == {}
