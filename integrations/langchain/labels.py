"""What every run has, whatever its kind, as columns and attributes of its span: pure translation.

Tags and metadata are those of the program; what LangChain and LangGraph put among the tags for themselves becomes an
attribute. What only joins the user's steps is marked `tracer.plumbing`, so that a view can fold it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_INTERNAL_TAG = re.compile(
    r"(seq:step|graph:step|retry:attempt|condition):\d+|map:key:.*|branch:(\d+|default)|langsmith:.*"
)
_HIDDEN_TAG = "langsmith:hidden"
_STEP_TAG = "graph:step:"
_CLASSES = ("ls_vector_store_provider", "ls_embedding_provider")
"""Classes that a vector store's retriever names in its metadata, and among its tags too."""

_PLUMBING = re.compile(r"Runnable[A-Z]\w*(<.*>)?|Channel(Write|Read)(<.*>)?|__start__|__end__", re.DOTALL)
"""Names that LangChain and LangGraph gave themselves to what only joins the user's steps."""

_PLUMBING_BELOW = {
    "Prompt": "RunnableSequence",  # create_react_agent, in front of its model
    "_check_refusal": "RunnableSequence",  # with_structured_output of OpenAI, behind its model
    "insert_history": "RunnableWithMessageHistory",
    "check_sync_or_async": "RunnableWithMessageHistory",
    "model_to_tools": "model",  # the edges of create_agent, before langchain 1.2.15
    "model_to_model": "model",
    "tools_to_model": "tools",
}
"""Functions of theirs, whose names could be a user's: so they are told by what they stand in as well."""

_SESSION_KEYS = ("thread_id", "session_id", "conversation_id")


def labels(name: str, tags: Sequence[str], metadata: Mapping[str, Any], *, parent_name: str | None) -> dict[str, Any]:
    """Return the columns and attributes of a run; a root, which has no parent's name, is never plumbing."""
    classes = [metadata[key] for key in _CLASSES if key in metadata]
    internal = [tag for tag in tags if _INTERNAL_TAG.fullmatch(tag) or tag in classes]
    is_plumbing = _HIDDEN_TAG in tags or (parent_name is not None and _is_plumbing(name, parent_name))
    return {
        "scope_name": "langchain",
        "tags": [tag for tag in tags if tag not in internal] or None,
        "metadata": {key: value for key, value in metadata.items() if key != "lc_versions" and key[:3] != "ls_"}
        or None,
        "langchain.tags": internal or None,
        "tracer.plumbing": is_plumbing or None,
    }


def _is_plumbing(name: str, parent_name: str) -> bool:
    return _PLUMBING.fullmatch(name) is not None or _PLUMBING_BELOW.get(name) == parent_name


def is_step(tags: Sequence[str]) -> bool:
    """Whether these are the tags of a graph's node."""
    return any(tag.startswith(_STEP_TAG) for tag in tags)


def session(facts: Mapping[str, Any]) -> str | None:
    """Return the session that metadata or a configuration names."""
    return next((str(facts[key]) for key in _SESSION_KEYS if facts.get(key)), None)


def user(facts: Mapping[str, Any]) -> str | None:
    """Return the user that metadata or a configuration names."""
    return str(facts["user_id"]) if facts.get("user_id") else None
