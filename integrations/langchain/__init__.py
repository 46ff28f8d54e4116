"""Record LangChain's and LangGraph's runs: chains, model calls, tools, retrievers, agents, graphs and their nodes.

Through LangChain's own callbacks, which every runnable calls: sync, async, batch and stream alike. Only what they do
not tell is heard at wrapped methods: the scores of a vector store, and the checkpoints of a graph.

    handler.py    each callback, and what is recorded of it
    runs.py       runs as spans: parent, beginning, end; registry.py: which runs are known, and for how long
    graphs.py     agents and workflows, and what is no error in them; loops.py: what only LangGraph's loop knows
    labels.py     tags, metadata and what is plumbing, as columns; calls.py: model calls as columns
    messages.py   messages, documents and values as plain data
    retrieval.py  what a retriever found, as columns; scores.py: the scores that it drops
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any

from langchain_core.tracers import context as tracers
from langchain_core.version import VERSION

from tracer.errors import TracerError, contain, logger
from tracer.integrations.hooks import Hooked, moved
from tracer.integrations.langchain import loops, scores
from tracer.integrations.langchain.handler import TracerCallbackHandler
from tracer.integrations.langchain.runs import nearest_run
from tracer.on_import import forget, when_imported
from tracer.recorder import add_parent_resolver, remove_parent_resolver

__all__ = ["TracerCallbackHandler", "instrument", "moved_hooks", "uninstrument"]

_handler = TracerCallbackHandler()
_variable: ContextVar[Any] = ContextVar("tracer_langchain_handler", default=_handler)
"""LangChain takes handlers from variables; the default of one holds in every context, those of new threads too."""

_hooked = Hooked()


def instrument() -> None:
    """Let every run of this process call our handler, and pass it on to its children.

    Raises TracerError where LangChain has changed what we count on.
    """
    uninstrument()
    if changes := moved_hooks():
        raise TracerError(f"in langchain-core {VERSION}, {'; '.join(changes)}: its runs cannot be recorded")
    tracers.register_configure_hook(_variable, inheritable=True)
    when_imported(scores.STORES, _hear_scores)
    add_parent_resolver(nearest_run)


def uninstrument() -> None:
    """Take our handler away from all runs that begin from now on."""
    # LangChain has no way back of its own: the hooks are a list of its module, (variable, inheritable, class, …) each.
    tracers._configure_hooks[:] = [hook for hook in tracers._configure_hooks if hook[0] is not _variable]
    remove_parent_resolver(nearest_run)
    forget(_hear_scores)
    _hooked.take_off()
    loops.leave()


def _hear_scores() -> None:
    with contain("the scores of LangChain's vector stores"):
        if changes := moved(scores.HOOKS):
            logger.error("in langchain-core %s, %s: scores of retrievers are not recorded", VERSION, "; ".join(changes))
        else:
            _hooked.put_on(scores.HOOKS)


def moved_hooks() -> list[str]:
    """Return what this version of LangChain has changed of what we count on, in words; normally nothing.

    What is imported by name (`var_child_runnable_config`, …) fails with its name when this package is imported. Of
    LangGraph, `loops.moved_methods` tells.
    """
    changes = moved(scores.HOOKS) if scores.STORES in sys.modules else []
    if not isinstance(getattr(tracers, "_configure_hooks", None), list):
        changes.append("langchain_core.tracers.context._configure_hooks is no list")
    return changes
