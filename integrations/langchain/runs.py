"""LangChain's runs as spans: where a run's span belongs, how it begins and how it ends. What it holds is the handler's.

**The parent of a span.** A run names its parent run, which the context does not carry: in `stream()` the consumer
runs between two steps of the chain. So the parent is the span of that run; unless the current span lies within
it, for then the user opened one inside the run and called from there. Elsewhere (a `@trace`d function inside a
tool) the run that we are in is the one that LangChain's own context variable names; it names no model calls and no
retrievers, and on Python 3.10 nothing that is async, so we keep a variable of our own beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from langchain_core.runnables.config import var_child_runnable_config

from tracer import rows
from tracer.clock import now_ns
from tracer.context import current_inherited
from tracer.integrations.langchain import graphs, loops, messages
from tracer.integrations.langchain.labels import is_step, labels, session, user
from tracer.integrations.langchain.registry import Run, close, find_open, known, remember
from tracer.outcome import error_type
from tracer.recorder import Span, add_parent_resolver, find_parent, recording, start_span

_KINDS_WITH_CODE = ("llm", "retriever", "tool")
"""Runs that, as the nodes of a graph, may call code of the user's and hand nothing to a consumer meanwhile (a model,
until it answers)."""

_innermost: ContextVar[Run | None] = ContextVar("tracer_langchain_run", default=None)


def start(told: Mapping[str, Any], name: str, *, kind: str, **fields: Any) -> Run | None:
    """Open the span of a run; `told` are the keyword arguments of the callback.

    None when nothing is recorded, or when another handler of ours has opened it already.
    """
    run_id: UUID = told["run_id"]
    if not recording() or find_open(run_id) is not None:
        return None
    add_parent_resolver(nearest_run)
    loops.listen()
    above = known(told.get("parent_run_id"))
    metadata, tags = told.get("metadata") or {}, told.get("tags") or ()
    labelled = labels(name, tags, metadata, parent_name=above.span.name if above is not None else None)
    span = start_span(name, kind=kind, parent=_nearer(above, find_parent()), **labelled, **fields)
    run = remember(run_id, Run(span, above, metadata, is_retriever=kind == "retriever"))
    if above is not None and is_step(tags):  # in whatever version of LangGraph: a run that has steps is a graph
        graphs.becomes_graph(above)
    if kind in _KINDS_WITH_CODE or is_step(tags):
        # Of several calls of a model that begin together, nothing tells whose code runs when.
        _innermost.set(run if told.get("batch_size", 1) == 1 else None)
    _tell_who(run)
    return run


def end(run: Run, **fields: Any) -> None:
    """End the span of a run that came to its end; a graph that stopped to ask somebody is INTERRUPTED."""
    if run.was_interrupted and run.is_graph:
        run.span.set(status=rows.INTERRUPTED)
    run.span.set(**fields)
    close(run)


def fail(run: Run, error: BaseException, **fields: Any) -> None:
    """End the span of a run that an exception left. What a graph throws to steer itself is no error."""
    status = graphs.status_left_by(error)
    if status == rows.ERROR:
        run.span.fail(error)
    else:
        run.span.set(status=status, error_type=None if status == rows.OK else error_type(error))
        if graphs.is_of_graph(error):
            fields["output"] = messages.interrupts(error.args)
    if graphs.is_interrupt(error) and run.parent is not None:
        run.parent.was_interrupted = True
    run.span.set(**fields)
    close(run)


def answers(run: Run, *, is_content: bool) -> None:
    """A piece of the answer has come; the first that is content gives the time to first token."""
    if run.call is not None:
        run.call.close()
    if not run.is_streaming:
        run.is_streaming = True
        run.span.set(stream=True)
    if is_content:
        run.has_answered = True
        run.span.set(ttft_ns=now_ns() - run.span.start_ns)


def nearest_run(current: Span | None) -> Span | None:
    """Return the parent of a span that is opened in a run's own code: what `find_parent` asks."""
    callbacks = (var_child_runnable_config.get() or {}).get("callbacks")
    run = known(getattr(callbacks, "parent_run_id", None))
    innermost = innermost_run()
    if innermost is not None and not innermost.is_streaming and not _is_below(run, innermost):
        run = innermost
    return _nearer(run, current)


def innermost_run() -> Run | None:
    """Return the model call, retriever, tool or node whose code runs here, as far as the context tells."""
    run = _innermost.get()
    return run if run is not None and run.is_open else None


def _is_below(run: Run | None, other: Run) -> bool:
    return run is not None and run.span.is_within(other.span)


def _nearer(run: Run | None, current: Span | None) -> Span | None:
    """Return the current span where it lies within the run, else the run's."""
    if run is None or (current is not None and current.is_within(run.span)):
        return current
    return run.span


def _tell_who(run: Run) -> None:
    """Set session and user of a run, and of the one above it, whose configuration is what the context holds now."""
    inherited = current_inherited()
    configurable = (var_child_runnable_config.get() or {}).get("configurable") or {}
    for column, named in (("session_id", session), ("user_id", user)):
        if column in inherited:
            continue
        around = named(configurable)
        run.span.set(**{column: named(run.metadata) or around})
        if around is not None and run.parent is not None and run.parent.is_open:
            run.parent.span.set(**{column: named(run.parent.metadata) or around})
