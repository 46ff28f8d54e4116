"""Record LangChain's and LangGraph's runs: chains, model calls, tools, retrievers, agents, graphs and their nodes.

Through LangChain's own callbacks, which every runnable calls: sync, async, batch and stream alike.

    handler.py   each callback, and what is recorded of it
    runs.py      runs as spans: parent, beginning, end
    calls.py     model calls as columns; messages.py: messages, documents and values as plain data
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from langchain_core.tracers import context as tracers

from tracer.integrations.langchain.handler import TracerCallbackHandler
from tracer.integrations.langchain.runs import nearest_run
from tracer.recorder import add_parent_resolver, remove_parent_resolver

__all__ = ["TracerCallbackHandler", "instrument", "uninstrument"]

_handler = TracerCallbackHandler()
_variable: ContextVar[Any] = ContextVar("tracer_langchain_handler", default=_handler)
"""LangChain takes handlers from variables; the default of one holds in every context, those of new threads too."""


def instrument() -> None:
    """Let every run of this process call our handler, and pass it on to its children."""
    uninstrument()
    tracers.register_configure_hook(_variable, inheritable=True)
    add_parent_resolver(nearest_run)


def uninstrument() -> None:
    """Take our handler away from all runs that begin from now on."""
    # LangChain has no way back of its own: the hooks are a list of its module, (variable, inheritable, class, …) each.
    tracers._configure_hooks[:] = [hook for hook in tracers._configure_hooks if hook[0] is not _variable]
    remove_parent_resolver(nearest_run)
