"""LangChain's runs as spans: where a run's span belongs, how it begins and how it ends. What it holds is the handler's.

**The parent of a span.** A run names its parent run, which the context does not carry: in `stream()` the consumer
runs between two steps of the chain. So the parent is the span of that run; unless the current span lies within
it, for then the user opened one inside the run and called from there. Elsewhere (a `@trace`d function inside a
tool) the run that we are in is the one that LangChain's own context variable names; it names no model calls and no
retrievers, and on Python 3.10 nothing that is async, so we keep a variable of our own beside it.

**How long a run is known.** As long as anyone can name it: LangChain hands on the `UUID` object that a run began
with, to the run's end and to its children, so a run is forgotten with that object. A child that starts after its
parent ended still finds it. A run that is forgotten while it is open will never be told to end: LangChain is
silent about a cancelled `ainvoke` of a model, and about the other calls of a `generate([a, b, c])` that raised.
"""

from __future__ import annotations

import atexit
import re
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from weakref import finalize

from langchain_core.runnables.config import var_child_runnable_config

from tracer import rows
from tracer.context import current_inherited
from tracer.integrations.langchain import messages
from tracer.integrations.model_calls import OpenCall
from tracer.recorder import Span, add_parent_resolver, find_parent, now_ns, recording, start_span
from tracer.span import error_type, status_of

_INTERNAL_TAG = re.compile(
    r"(seq:step|graph:step|retry:attempt|condition):\d+|map:key:.*|branch:(\d+|default)|langsmith:.*"
)
_HIDDEN_TAG = "langsmith:hidden"
_PLUMBING = re.compile(r"Runnable[A-Z]\w*(<.*>)?|Channel(Write|Read)(<.*>)?|__start__|__end__", re.DOTALL)
"""Names that LangChain and LangGraph gave themselves to what only joins the user's steps."""

_KINDS_WITH_CODE = ("llm", "retriever", "tool")
"""Runs that, as the nodes of a graph, may call code of the user's and hand nothing to a consumer meanwhile (a model,
until it answers)."""

_SESSION_KEYS = ("thread_id", "session_id", "conversation_id")


@dataclass(eq=False, slots=True)
class Run:
    """A run and its span.

    `children` are the runs below it that are open; `put_off_input` is what a streaming chain gave in place of its
    input; `call` waits for the request of a model call.
    """

    span: Span
    parent: Run | None
    metadata: Mapping[str, Any]
    children: set[Run] = field(default_factory=set)
    call: OpenCall | None = None
    put_off_input: Any = None
    is_streaming: bool = False
    has_answered: bool = False
    is_graph: bool = False
    was_interrupted: bool = False

    @property
    def is_open(self) -> bool:
        return self.span.is_recording()

    @property
    def is_left(self) -> bool:
        """Whether a streaming run ends because its consumer left: else steps end before the chain that they are in."""
        return bool(self.children) or (self.parent is not None and not self.parent.is_open)


_runs: dict[int, Run] = {}
_forgotten: deque[tuple[Run, int]] = deque()
"""Open runs that nobody can end any more, and since when. The garbage collector may tell us of one in the middle of
anything, even of our own writing, so it is only noted here and ended at the next occasion."""

_innermost: ContextVar[Run | None] = ContextVar("tracer_langchain_run", default=None)


def _known(run_id: UUID | None) -> Run | None:
    return _runs.get(run_id.int) if run_id is not None else None


def find_open(run_id: UUID) -> Run | None:
    """Return the run if it is open; None if it is not recorded, or another handler of ours has ended it already."""
    _end_forgotten()
    run = _known(run_id)
    return run if run is not None and run.is_open else None


def start(told: Mapping[str, Any], name: str, *, kind: str, **fields: Any) -> Run | None:
    """Open the span of a run; `told` are the keyword arguments of the callback.

    None when nothing is recorded, or when another handler of ours has opened it already.
    """
    run_id: UUID = told["run_id"]
    if not recording() or find_open(run_id) is not None:
        return None
    add_parent_resolver(nearest_run)
    above = _known(told.get("parent_run_id"))
    metadata, tags = told.get("metadata") or {}, told.get("tags") or ()
    labels = _labels(name, tags, metadata, is_root=above is None)
    span = start_span(name, kind=kind, parent=_nearer(above, find_parent()), **labels, **fields)
    run = _remember(run_id, Run(span, above, metadata))
    if above is not None:
        above.children.add(run)
        if _is_step(tags) and not above.is_graph:
            _becomes_graph(above)
    if kind in _KINDS_WITH_CODE or _is_step(tags):
        # Of several calls of a model that begin together, nothing tells whose code runs when.
        _innermost.set(run if told.get("batch_size", 1) == 1 else None)
    _tell_session(run)
    return run


def _labels(name: str, tags: Sequence[str], metadata: Mapping[str, Any], *, is_root: bool) -> dict[str, Any]:
    """Return the columns and attributes that every run has, whatever its kind."""
    internal = [tag for tag in tags if _INTERNAL_TAG.fullmatch(tag)]
    is_plumbing = _HIDDEN_TAG in tags or (not is_root and _PLUMBING.fullmatch(name) is not None)
    return {
        "scope_name": "langchain",
        "tags": [tag for tag in tags if tag not in internal] or None,
        "metadata": {key: value for key, value in metadata.items() if key != "lc_versions" and key[:3] != "ls_"}
        or None,
        "langchain.tags": internal or None,
        "tracer.plumbing": is_plumbing or None,
    }


def _remember(run_id: UUID, run: Run) -> Run:
    _runs[run_id.int] = run
    finalize(run_id, _forget, run_id.int, run).atexit = False
    return run


def _forget(key: int, run: Run) -> None:
    if _runs.get(key) is run:
        del _runs[key]
    if run.is_open:
        _forgotten.append((run, now_ns()))


@atexit.register
def _end_forgotten() -> None:
    while _forgotten:
        try:
            run, noticed_ns = _forgotten.popleft()
        except IndexError:  # another thread was faster
            return
        if run.is_open:
            run.span.set(status=rows.CANCELLED, status_message="given up by its caller; LangChain told no end")
            _close(run, noticed_ns)


def end(run: Run, **fields: Any) -> None:
    """End the span of a run that came to its end; a graph that stopped to ask somebody is INTERRUPTED."""
    if run.was_interrupted and run.is_graph:
        run.span.set(status=rows.INTERRUPTED)
    run.span.set(**fields)
    _close(run)


def fail(run: Run, error: BaseException, **fields: Any) -> None:
    """End the span of a run that an exception left. What a graph throws to steer itself is no error."""
    status = rows.INTERRUPTED if _is_of_langgraph(error, "GraphBubbleUp") else status_of(error)
    if status == rows.ERROR:
        run.span.fail(error)
    else:
        run.span.set(status=status, error_type=None if status == rows.OK else error_type(error))
    if status == rows.INTERRUPTED:
        fields["output"] = messages.interrupts(error.args)
        if run.parent is not None and _is_of_langgraph(error, "GraphInterrupt"):
            run.parent.was_interrupted = True
    run.span.set(**fields)
    _close(run)


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


def _close(run: Run, end_ns: int | None = None) -> None:
    if run.call is not None:
        run.call.close()
    if run.parent is not None:
        run.parent.children.discard(run)
    run.span.end(end_ns)


def nearest_run(current: Span | None) -> Span | None:
    """Return the parent of a span that is opened in a run's own code: what `find_parent` asks."""
    callbacks = (var_child_runnable_config.get() or {}).get("callbacks")
    run = _known(getattr(callbacks, "parent_run_id", None))
    innermost = _innermost.get()
    if innermost is not None and innermost.is_open and not innermost.is_streaming and not _is_below(run, innermost):
        run = innermost
    return _nearer(run, current)


def _is_below(run: Run | None, other: Run) -> bool:
    return run is not None and run.span.is_within(other.span)


def _nearer(run: Run | None, current: Span | None) -> Span | None:
    """Return the current span where it lies within the run, else the run's."""
    if run is None or (current is not None and current.is_within(run.span)):
        return current
    return run.span


def _is_step(tags: Sequence[str]) -> bool:
    """Whether these are the tags of a graph's node."""
    return any(tag.startswith("graph:step:") for tag in tags)


def _becomes_graph(run: Run) -> None:
    """A run that has steps is a graph: nothing else tells it from a chain, whatever the version of LangGraph."""
    run.is_graph = True
    if run.is_open:
        kind = "agent" if _is_agent(run) else "workflow"
        name = run.metadata.get("lc_agent_name") if kind == "agent" else None
        name = name or (run.span.name if run.span.name != "LangGraph" else None)
        operation = f"invoke_{kind}"
        run.span.set(kind=kind, operation=operation, name=f"{operation} {name}" if name else operation)
        run.span.attribute(f"gen_ai.{kind}.name", name)


def _is_agent(run: Run) -> bool:
    """Whether `create_agent` built this graph: it leaves a mark, but every run below inherits that."""
    above = run.parent
    while above is not None and not above.is_graph:
        above = above.parent
    mark = _mark(run)
    return mark[0] == "langchain_create_agent" and (above is None or mark != _mark(above))


def _mark(run: Run) -> tuple[Any, Any]:
    return run.metadata.get("ls_integration"), run.metadata.get("lc_agent_name")


def _tell_session(run: Run) -> None:
    """Set the session of a run, and of the one above it, whose configuration is what the context holds now."""
    if "session_id" in current_inherited():
        return
    configurable = (var_child_runnable_config.get() or {}).get("configurable") or {}
    around = _session(configurable)
    run.span.set(session_id=_session(run.metadata) or around)
    if around is not None and run.parent is not None and run.parent.is_open:
        run.parent.span.set(session_id=_session(run.parent.metadata) or around)


def _session(facts: Mapping[str, Any]) -> str | None:
    return next((str(facts[key]) for key in _SESSION_KEYS if facts.get(key)), None)


def _is_of_langgraph(error: BaseException, name: str) -> bool:
    errors = sys.modules.get("langgraph.errors")
    return errors is not None and isinstance(error, getattr(errors, name))
