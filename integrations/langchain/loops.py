"""What only LangGraph's own loop knows: that a run is a graph, its nodes, where it began and stopped, what it reused.

LangChain's callbacks tell none of it, and LangGraph's reach no handler that was not passed by hand; so four methods of
its loop are listened to. Where a version has moved them, graphs are recorded by their callbacks alone.

**An interrupt and its resume are one story.** The checkpoint that a graph stopped at is the one that its resume begins
from. So both spans tell their checkpoints (`langgraph.checkpoint_id`, `langgraph.from_checkpoint_id`), which joins them
across processes; and where both are in this process the resumed span has a link to the interrupted one.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from functools import wraps
from typing import Any

from opentelemetry.trace import SpanContext

from tracer.errors import contain, logger
from tracer.integrations.hooks import Hook, Hooked, Method, moved
from tracer.integrations.langchain import graphs, registry
from tracer.integrations.langchain.messages import readable
from tracer.integrations.langchain.registry import Run

_MODULE = "langgraph.pregel._loop"
_MAX_STORIES = 1000
_NO_RESULTS = ("__error__", "__interrupt__", "__resume__")
"""Where a step of a graph writes what is no result."""

_hooked = Hooked()
_listening = threading.Lock()
_moved: list[str] = []
_unfinished: OrderedDict[str, SpanContext] = OrderedDict()
"""The spans of the graphs that stopped before their end, interrupted or failed, by the checkpoint that they left."""


def listen() -> None:
    """Listen to LangGraph's loops, once it has been imported; a second call does nothing."""
    if _hooked or _moved or getattr(sys.modules.get(_MODULE), "PregelLoop", None) is None:
        return
    with _listening:
        if not _hooked and not _moved:
            _moved.extend(moved_methods())
            if _moved:
                logger.warning("LangGraph has changed (%s): resumed graphs are not linked", "; ".join(_moved))
            else:
                _hooked.put_on(_HOOKS)


def leave() -> None:
    """Put LangGraph's own methods back, and forget the stories."""
    _hooked.take_off()
    _moved.clear()
    _unfinished.clear()


def moved_methods() -> list[str]:
    """Return what this version of LangGraph, imported before, has changed of the methods that we wrap, in words."""
    return moved(_HOOKS)


def _first(original: Method) -> Method:
    @wraps(original)
    def first(self: Any, **kwargs: Any) -> Any:
        with contain("the beginning of a LangGraph graph"):
            if run := _run_of(self):
                _began(run, self)
        return original(self, **kwargs)

    return first


def _suppress_interrupt(original: Method) -> Method:
    @wraps(original)
    def suppress_interrupt(self: Any, exc_type: Any, exc_value: Any, traceback: Any) -> Any:
        suppressed = original(self, exc_type, exc_value, traceback)
        with contain("the end of a LangGraph graph"):
            if run := _run_of(self):
                _stopped(run, self, exc_value)
        return suppressed

    return suppress_interrupt


def _output_writes(original: Method) -> Method:
    @wraps(original)
    def output_writes(self: Any, task_id: str, writes: Any, *, cached: bool = False) -> Any:
        if cached:
            _reused(self, self.tasks.get(task_id), writes)
        return original(self, task_id, writes, cached=cached)

    return output_writes


def _accept_push(original: Method) -> Method:
    @wraps(original)
    def accept_push(self: Any, *args: Any, **kwargs: Any) -> Any:
        task = original(self, *args, **kwargs)
        _reused(self, task, getattr(task, "writes", None))
        return task

    return accept_push


def _run_of(loop: Any) -> Run | None:
    run = registry.known(getattr(loop.manager, "run_id", None))
    return run if run is not None and run.is_open else None


def _began(run: Run, loop: Any) -> None:
    graphs.becomes_graph(run, loop.nodes)
    if loop.is_nested or loop.checkpointer is None or not loop.checkpoint["channel_versions"]:
        return
    checkpoint_id = loop.checkpoint["id"]
    run.span.attribute("langgraph.from_checkpoint_id", checkpoint_id)
    goes_on = loop.input is None or type(loop.input).__name__ == "Command"
    if goes_on and (unfinished := _unfinished.get(checkpoint_id)) is not None:
        run.span.add_link(unfinished, {"relation": "resumes"})


def _stopped(run: Run, loop: Any, error: BaseException | None) -> None:
    if loop.is_nested:
        return
    if graphs.is_interrupt(error):
        run.was_interrupted = True
        run.span.event("interrupt", **_interruption(loop, error))
    if loop.checkpointer is not None:
        checkpoint_id = loop.checkpoint["id"]
        run.span.attribute("langgraph.checkpoint_id", checkpoint_id)
        if error is not None:
            _unfinished[checkpoint_id] = SpanContext(int(run.span.trace_id, 16), int(run.span.span_id, 16), False)
            if len(_unfinished) > _MAX_STORIES:
                _unfinished.popitem(last=False)


def _interruption(loop: Any, error: BaseException | None) -> dict[str, Any]:
    """What a graph stopped for: the questions that were asked, or the breakpoint that it met."""
    asked = [interrupt for argument in getattr(error, "args", ()) for interrupt in argument]
    return {"asked": readable(asked)} if asked else {"breakpoint": loop.status}


def _reused(loop: Any, task: Any, writes: Any) -> None:
    """Note a step that did not run, and so has no span: its result came from the cache, or from the checkpoint."""
    with contain("what a LangGraph graph did not run again"):
        if task is not None and writes and writes[0][0] not in _NO_RESULTS and (run := _run_of(loop)):
            run.span.event("result reused", node=task.name)


_HOOKS = (
    Hook(_MODULE, "PregelLoop", "_first", _first, ("input_keys", "updated_channels")),
    Hook(_MODULE, "PregelLoop", "_suppress_interrupt", _suppress_interrupt, ("exc_type", "exc_value", "traceback")),
    Hook(_MODULE, "PregelLoop", "output_writes", _output_writes, ("task_id", "writes", "cached")),
    Hook(_MODULE, "PregelLoop", "accept_push", _accept_push),
)
