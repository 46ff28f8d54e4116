"""A graph that stops and goes on is one story: its parts find each other, and nothing of it is an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphs import State, graph
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import CachePolicy, Command, interrupt

import programs
import tracer
from tracer.integrations.langchain import loops
from tracer.span_row import SpanRow
from tracer.store import Store

Spans = Callable[[], list[SpanRow]]


def step(name: str) -> Callable[[State], State]:
    return lambda _: {"steps": [name]}


def ask(state: State) -> State:
    return {"steps": [interrupt("First?"), interrupt("Second?")]}


def thread(name: str = "t1") -> Any:
    return {"configurable": {"thread_id": name}}


def roots(spans: Spans) -> list[SpanRow]:
    return [row for row in spans() if row.parent_id is None]


def link_to(row: SpanRow) -> dict[str, Any]:
    return {"trace_id": row.trace_id, "span_id": row.span_id, "attributes": {"relation": "resumes"}}


def events(row: SpanRow) -> list[tuple[str, Any]]:
    return [(event["name"], event.get("attributes")) for event in row.events or ()]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_each_part_of_a_story_is_linked_to_the_one_before(durability: Any, spans: Spans) -> None:
    asking = graph(inner=graph(ask=ask).compile()).compile(checkpointer=InMemorySaver())
    asking.invoke({"steps": []}, thread(), durability=durability)
    asking.invoke(Command(resume="yes"), thread(), durability=durability)
    assert asking.invoke(Command(resume="no"), thread(), durability=durability)["steps"] == ["yes", "no"]
    first, second, third = roots(spans)
    assert [row.status for row in (first, second, third)] == ["INTERRUPTED", "INTERRUPTED", "OK"]
    assert (first.links, second.links, third.links) == (None, [link_to(first)], [link_to(second)])
    assert {row.session_id for row in (first, second, third)} == {"t1"}
    [(name, told)] = events(first)
    assert (name, told["asked"][0]["value"]) == ("interrupt", "First?")
    assert "ERROR" not in {row.status for row in spans()}


async def test_async_parts_are_linked_too(spans: Spans) -> None:
    asking = graph(ask=ask).compile(checkpointer=InMemorySaver())
    await asking.ainvoke({"steps": []}, thread())
    async for _ in asking.astream(Command(resume="yes"), thread()):
        pass
    first, second = roots(spans)
    assert [first.status, second.status, second.links] == ["INTERRUPTED", "INTERRUPTED", [link_to(first)]]


@pytest.mark.parametrize("where", ["interrupt_before", "interrupt_after"])
def test_a_breakpoint_interrupts_a_graph_though_no_step_was(where: str, spans: Spans) -> None:
    node = {"interrupt_before": "second", "interrupt_after": "first"}[where]
    paused = graph(first=step("first"), second=step("second")).compile(checkpointer=InMemorySaver(), **{where: [node]})
    assert paused.invoke({"steps": []}, thread())["steps"] == ["first"]
    assert paused.invoke(None, thread())["steps"] == ["first", "second"]
    first, second = roots(spans)
    assert (first.status, events(first)) == ("INTERRUPTED", [("interrupt", {"breakpoint": where})])
    assert (second.status, second.links) == ("OK", [link_to(first)])


def test_a_new_question_on_an_interrupted_thread_resumes_nothing(spans: Spans) -> None:
    asking = graph(ask=ask).compile(checkpointer=InMemorySaver())
    asking.invoke({"steps": []}, thread())
    asking.invoke({"steps": ["anew"]}, thread())
    assert [row.links for row in roots(spans)] == [None, None]


def test_threads_do_not_mix(spans: Spans) -> None:
    asking = graph(ask=ask).compile(checkpointer=InMemorySaver())
    for name in ("a", "b"):
        asking.invoke({"steps": []}, thread(name))
    for name in ("b", "a"):
        asking.invoke(Command(resume="yes"), thread(name))
    a, b, resumed_b, resumed_a = roots(spans)
    assert (resumed_b.links, resumed_a.links) == ([link_to(b)], [link_to(a)])


def test_a_graph_that_failed_and_goes_on_is_one_story_too(spans: Spans) -> None:
    is_down = [True]

    def flaky(state: State) -> State:
        if is_down.pop() if is_down else False:
            raise ConnectionError("down")
        return {"steps": ["up"]}

    durable = graph(first=step("first"), flaky=flaky).compile(checkpointer=InMemorySaver())
    with pytest.raises(ConnectionError):
        durable.invoke({"steps": []}, thread())
    assert durable.invoke(None, thread())["steps"] == ["first", "up"]
    failed, second = roots(spans)
    assert (failed.status, second.status, second.links) == ("ERROR", "OK", [link_to(failed)])


def test_a_journey_back_in_time_tells_where_it_began(spans: Spans) -> None:
    steps = graph(first=step("first"), second=step("second")).compile(checkpointer=InMemorySaver())
    steps.invoke({"steps": []}, thread())
    past = next(state for state in steps.get_state_history(thread()) if state.next == ("second",))
    assert steps.invoke(None, past.config)["steps"] == ["first", "second"]
    original, replay = roots(spans)
    checkpoint_id = past.config["configurable"]["checkpoint_id"]
    assert replay.attributes["langgraph.from_checkpoint_id"] == checkpoint_id
    assert replay.metadata["checkpoint_id"] == checkpoint_id
    assert original.attributes["langgraph.checkpoint_id"] != replay.attributes["langgraph.checkpoint_id"]
    assert replay.links is None


def test_what_is_taken_from_the_checkpoint_is_no_step_but_is_told(spans: Spans) -> None:
    @task
    def double(number: int) -> int:
        return number * 2

    @entrypoint(checkpointer=InMemorySaver())
    def flow(number: int) -> Any:
        doubled = double(number).result()
        return [doubled, interrupt("Fine?")]

    flow.invoke(2, thread())
    assert flow.invoke(Command(resume="yes"), thread()) == [4, "yes"]
    first, second = roots(spans)
    assert [row.name for row in spans()].count("double") == 1
    assert (first.status, second.links) == ("INTERRUPTED", [link_to(first)])
    assert events(second) == [("result reused", {"node": "double"})]


def test_what_is_taken_from_the_cache_is_no_step_but_is_told(spans: Spans) -> None:
    builder = StateGraph(State)
    builder.add_node("slow", step("slow"), cache_policy=CachePolicy())
    builder.add_edge(START, "slow")
    cached = builder.compile(cache=InMemoryCache(), name="cached")
    assert cached.invoke({"steps": []}) == cached.invoke({"steps": []})
    first, second = roots(spans)
    assert (events(first), events(second)) == ([], [("result reused", {"node": "slow"})])
    assert [row.name for row in spans()].count("slow") == 1
    assert second.name == "invoke_workflow cached"


def test_a_graph_without_end_is_an_error(spans: Spans) -> None:
    builder = StateGraph(State)
    builder.add_node("round", step("round"))
    builder.add_edge(START, "round")
    builder.add_edge("round", "round")
    with pytest.raises(GraphRecursionError):
        builder.compile().invoke({"steps": []}, {"recursion_limit": 2})
    assert [row.status for row in spans()] == ["ERROR", "OK", "OK"]


PART = """
    import sys
    sys.path.remove("")  # else the folder `tracer` of the checkout hides the installed package
    import pathlib, pickle
    from typing import TypedDict
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, StateGraph
    from langgraph.types import Command, interrupt
    import tracer

    class State(TypedDict, total=False):
        answer: str

    kept = pathlib.Path(sys.argv[1])
    saver = InMemorySaver()
    if kept.exists():
        storage, writes, blobs = pickle.loads(kept.read_bytes())
        for thread, namespaces in storage.items():
            for namespace, checkpoints in namespaces.items():
                saver.storage[thread][namespace].update(checkpoints)
        saver.writes.update(writes)
        saver.blobs.update(blobs)
    tracer.instrument("langchain")
    builder = StateGraph(State)
    builder.add_node("ask", lambda state: {"answer": interrupt("Really?")})
    builder.add_edge(START, "ask")
    graph = builder.compile(checkpointer=saver)
    asked = not kept.exists()
    graph.invoke({} if asked else Command(resume="yes"), {"configurable": {"thread_id": "t1"}})
    storage = {thread: {name: dict(of) for name, of in spaces.items()} for thread, spaces in saver.storage.items()}
    kept.write_bytes(pickle.dumps((storage, dict(saver.writes), dict(saver.blobs))))
"""


def test_another_process_that_resumes_names_the_checkpoint_that_joins_the_two(
    store_path: Path, tmp_path: Path, store: Store
) -> None:
    for _ in range(2):
        programs.run(PART, store_path, tmp_path / "checkpoints")
    (joined,) = store.sql("""
        select stopped.status as stopped, resumed.status as resumed, stopped.trace_id != resumed.trace_id as apart
        from spans resumed join spans stopped
        on (resumed.attributes->>'$."langgraph.from_checkpoint_id"')
            = (stopped.attributes->>'$."langgraph.checkpoint_id"')
    """)
    assert joined == {"stopped": "INTERRUPTED", "resumed": "OK", "apart": True}


def test_what_is_remembered_of_stories_is_bounded(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_MAX_STORIES", 3)
    asking = graph(ask=ask).compile(checkpointer=InMemorySaver())
    for number in range(5):
        asking.invoke({"steps": []}, thread(str(number)))
    assert len(loops._unfinished) == 3


def test_langgraphs_own_methods_are_those_that_we_count_on() -> None:
    assert loops.moved_methods() == []


def test_uninstrument_leaves_langgraph_as_it_was() -> None:
    from langgraph.pregel._loop import PregelLoop

    graph(first=step("first")).compile().invoke({"steps": []})
    wrapped = PregelLoop._first
    tracer.uninstrument("langchain")
    assert PregelLoop._first is wrapped.__wrapped__  # type: ignore[attr-defined]


def test_where_langgraph_has_moved_its_methods_graphs_are_still_recorded(
    spans: Spans, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tracer.uninstrument("langchain")
    monkeypatch.setattr(loops, "_HOOKS", [loops.Hook(loops._MODULE, "PregelLoop", "_gone", ask)])
    tracer.instrument("langchain")
    graph(ask=ask).compile(checkpointer=InMemorySaver()).invoke({"steps": []}, thread())
    assert [(row.name, row.status) for row in spans()] == [("invoke_workflow", "INTERRUPTED"), ("ask", "INTERRUPTED")]
    (record,) = caplog.records
    assert "PregelLoop._gone is gone" in record.getMessage()
    caplog.clear()
