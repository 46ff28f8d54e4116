"""Our handler beside LangChain's machinery: registered or by hand, off or undone, it leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers import context as tracers
from steps import Outline, Spans, double, look_up

import tracer
from tracer.demo.server import LoopbackServer, Reply
from tracer.integrations import langchain as integration
from tracer.integrations.langchain import TracerCallbackHandler, registry
from tracer.recorder import RECORDER


def test_a_handler_passed_by_hand_records_alone_and_records_once_beside_the_registered_one(outline: Outline) -> None:
    chain = RunnableLambda(double) | RunnableLambda(look_up)
    chain.invoke(1, {"callbacks": [TracerCallbackHandler()]})
    tree = ["RunnableSequence", "  double", "  look_up", "    look_up"]
    assert outline() == tree
    tracer.uninstrument("langchain")
    chain.invoke(1, {"callbacks": [TracerCallbackHandler()]})
    assert outline() == [*tree, *tree]


def test_uninstrument_leaves_langchain_as_it_was(outline: Outline) -> None:
    tracer.uninstrument("langchain")
    hooks = list(tracers._configure_hooks)
    tracer.instrument("langchain")
    tracer.instrument("langchain")
    assert len(tracers._configure_hooks) == len(hooks) + 1
    tracer.uninstrument("langchain")
    assert tracers._configure_hooks == hooks
    RunnableLambda(double).invoke(1)
    assert outline() == []


def test_nothing_is_recorded_or_changed_while_recording_is_off(outline: Outline) -> None:
    tracer.configure(enabled=False)
    assert (RunnableLambda(double) | RunnableLambda(look_up)).invoke(1) == 2
    tracer.configure(enabled=True)
    assert outline() == []


async def test_nothing_is_kept_of_ten_thousand_runs() -> None:
    async def wait(_: int) -> None:
        await asyncio.sleep(60)

    def fail(number: int) -> int:
        raise ValueError(number)

    chain, failing, waiting = RunnableLambda(double), RunnableLambda(fail), RunnableLambda(wait)
    gc.collect()
    before = len(registry._runs)
    for number in range(9_000):
        chain.invoke(number)
    failing.batch(list(range(500)), return_exceptions=True)
    tasks = [asyncio.create_task(waiting.ainvoke(number)) for number in range(500)]
    await asyncio.sleep(0.1)
    for waiting_task in tasks:
        waiting_task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    del tasks, waiting_task
    await asyncio.sleep(0.01)  # the loop lets go of tasks that are done a turn later
    gc.collect()
    assert len(registry._runs) <= before
    assert (len(registry._forgotten), len(RECORDER.open_spans)) == (0, 0)


def test_other_handlers_see_what_they_saw_before(answer: Any, server: LoopbackServer) -> None:
    class Seen(BaseCallbackHandler):
        def __init__(self) -> None:
            self.tokens: list[str] = []

        def on_llm_new_token(self, token: str, **_: Any) -> None:
            self.tokens.append(token)

    def tokens() -> list[str]:
        seen = Seen()
        server.script(Reply(text="One two"))
        list(answer.stream({"question": "Count."}, {"callbacks": [seen]}))
        return seen.tokens

    recorded = tokens()
    tracer.uninstrument("langchain")
    assert tokens() == recorded


def test_a_custom_event_is_an_event_of_its_run(spans: Spans) -> None:
    from langchain_core.callbacks import dispatch_custom_event

    def report(number: int) -> int:
        dispatch_custom_event("progress", {"done": number})
        return number

    RunnableLambda(report).invoke(3)
    (event,) = spans()[0].events
    assert (event["name"], event["attributes"]) == ("progress", {"data": {"done": 3}})


def test_every_callback_of_langchain_is_recorded() -> None:
    """One that a newer version adds is noticed here."""
    offered = {name for name in dir(BaseCallbackHandler) if name.startswith("on_")}
    answered = {name for name in vars(TracerCallbackHandler) if name.startswith("on_")}
    assert offered - answered == set()


def test_langchain_has_what_we_count_on() -> None:
    assert integration.moved_hooks() == []
