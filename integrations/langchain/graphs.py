"""LangGraph's graphs: agents and workflows, and what they throw to steer themselves, which is no error.

LangGraph need not be installed; nothing here imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from tracer import rows
from tracer.integrations.langchain.registry import Run
from tracer.outcome import status_of

_AGENTS = {"model": "langchain.agents.factory", "agent": "langgraph.prebuilt.chat_agent_executor"}
"""The node that calls the model of a prebuilt agent → the module whose function that is, with whatever version."""


def becomes_graph(run: Run, nodes: Mapping[str, Any] | None = None) -> None:
    """Note that this run is a graph, and name its span as one: nothing at its beginning tells it from a chain.

    `nodes` are those of LangGraph, by their names, where its loop is heard.
    """
    if run.is_graph:
        return
    run.is_graph = True
    if run.is_open:
        is_marked = _is_marked_as_agent(run)
        kind = "agent" if is_marked or _is_prebuilt_agent(nodes or {}) else "workflow"
        name = run.metadata.get("lc_agent_name") if is_marked else None
        name = name or (run.span.name if run.span.name != "LangGraph" else None)
        operation = f"invoke_{kind}"
        run.span.set(kind=kind, operation=operation, name=f"{operation} {name}" if name else operation)
        run.span.attribute(f"gen_ai.{kind}.name", name)


def _is_prebuilt_agent(nodes: Mapping[str, Any]) -> bool:
    called = ((getattr(nodes.get(name), "bound", None), module) for name, module in _AGENTS.items())
    return any(getattr(getattr(bound, "func", None), "__module__", None) == module for bound, module in called)


def _is_marked_as_agent(run: Run) -> bool:
    """Whether `create_agent` marked this graph, as it does since langchain 1.2.15: every run below inherits that."""
    above = run.parent
    while above is not None and not above.is_graph:
        above = above.parent
    mark = _mark(run)
    return mark[0] == "langchain_create_agent" and (above is None or mark != _mark(above))


def _mark(run: Run) -> tuple[Any, Any]:
    return run.metadata.get("ls_integration"), run.metadata.get("lc_agent_name")


def status_left_by(error: BaseException) -> str:
    """Return the status of a run that this exception left.

    A command to the graph around is how a node hands over, and the end of an iterator how one stops: OK. All else
    that LangGraph throws past its nodes ends a run that may be resumed: INTERRUPTED.
    """
    if isinstance(error, (StopIteration, StopAsyncIteration)) or _is_of_langgraph(error, "ParentCommand"):
        return rows.OK
    return rows.INTERRUPTED if is_of_graph(error) else status_of(error)


def is_of_graph(error: BaseException) -> bool:
    """Whether LangGraph threw this past its nodes, to steer the graph."""
    return _is_of_langgraph(error, "GraphBubbleUp")


def is_interrupt(error: BaseException | None) -> bool:
    return error is not None and _is_of_langgraph(error, "GraphInterrupt")


def _is_of_langgraph(error: BaseException, name: str) -> bool:
    errors = sys.modules.get("langgraph.errors")
    return errors is not None and isinstance(error, getattr(errors, name))
