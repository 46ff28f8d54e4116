"""Searches of a vector store: the query, and the documents with their scores.

Source: https://platform.openai.com/docs/api-reference/vector-stores/search
"""

from __future__ import annotations

from typing import Any

from tracer.integrations.openai.body import Body, Fields, error_fields, mappings, parameters
from tracer.integrations.openai.surface import Surface


def request_fields(body: Body) -> Fields:
    query = body.get("query")
    return {
        "input": query,
        "request_parameters": parameters(body, told=("query",)),
        "gen_ai.data_source.id": body.get("vector_store_id"),
        "gen_ai.retrieval.query.text": query if isinstance(query, str) else None,
        "gen_ai.retrieval.top_k": body.get("max_num_results"),
    }


def response_fields(body: Body) -> Fields:
    return {
        "output": [_document(found) for found in mappings(body.get("data"))] if "data" in body else None,
        **error_fields(body.get("error")),
    }


def _document(found: Body) -> dict[str, Any]:
    texts = [str(part["text"]) for part in mappings(found.get("content")) if part.get("text")]
    facts = {
        "id": found.get("file_id"),
        "score": found.get("score"),
        "content": "\n\n".join(texts),
        "name": found.get("filename"),
        "metadata": found.get("attributes"),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


SEARCH = Surface(
    operation="retrieval",
    kind="retriever",
    subject="vector_store_id",
    request_fields=request_fields,
    response_fields=response_fields,
)
