"""What LangChain tells of a retrieval, as columns and attributes of its span: pure translation.

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document

from tracer.integrations.langchain.messages import document

_SCORES = ("score", "relevance_score", "similarity_score", "_score")
"""Where rerankers and scored searches leave the score in a document's metadata."""

_TOLD_BY_OPENAI = ("OpenAIEmbeddings", "AzureOpenAIEmbeddings")


def request_facts(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return which vector store is asked and what embeds the query, where the retriever tells.

    LangChain has no callbacks for embeddings: what no provider's integration sees is said to be missed.
    """
    embeddings = metadata.get("ls_embedding_provider")
    is_missed = embeddings is not None and embeddings not in _TOLD_BY_OPENAI
    return {
        "langchain.vector_store": metadata.get("ls_vector_store_provider"),
        "langchain.embeddings": embeddings,
        "tracer.missed": [f"{embeddings}: the embedding of the query is not recorded"] if is_missed else None,
    }


def found(documents: Iterable[Document], scored: Sequence[tuple[Document, float]]) -> list[dict[str, Any]]:
    """Return the documents, each with its score where the vector store told it or its metadata holds one."""
    scores = {id(scored_document): score for scored_document, score in scored}
    return [document(item, scores.get(id(item), _score_within(item))) for item in documents]


def _score_within(item: Document) -> float | None:
    told = (item.metadata.get(name) for name in _SCORES)
    return next((score for score in told if isinstance(score, (int, float))), None)
