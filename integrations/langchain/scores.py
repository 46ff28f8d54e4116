"""The scores that a vector store finds, which LangChain's retriever drops when it hands on the documents."""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from typing import Any

from langchain_core.documents import Document

from tracer.errors import contain
from tracer.integrations.hooks import Hook, Method
from tracer.integrations.langchain.runs import innermost_run

STORES = "langchain_core.vectorstores.base"
"""The module of the vector stores. It imports much of LangChain, and few programs need it."""


def _search(original: Method) -> Method:
    @wraps(original)
    def search(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
        found = original(self, query, *args, **kwargs)
        _keep(found)
        return found

    return search


def _async_search(original: Method) -> Method:
    @wraps(original)
    async def search(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
        found = await original(self, query, *args, **kwargs)
        _keep(found)
        return found

    return search


def _keep(found: Iterable[tuple[Document, float]]) -> None:
    with contain("the scores of a LangChain retriever"):
        run = innermost_run()
        if run is not None and run.is_retriever and isinstance(found, list):
            run.scored = [*(run.scored or ()), *found]


HOOKS = (
    Hook(STORES, "VectorStore", "similarity_search_with_relevance_scores", _search, ("query",)),
    Hook(STORES, "VectorStore", "asimilarity_search_with_relevance_scores", _async_search, ("query",)),
)
"""Public methods of the base class; a vector store that has its own of these is not heard."""
