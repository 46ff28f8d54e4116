"""Retrievers tell what they were asked, what they found and how well it fits, and hold what they embed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import OpenAIEmbeddings
from steps import Outline, Spans, look_up

import tracer
from tracer.demo.server import LoopbackServer


class Library(BaseRetriever):
    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        look_up(1)
        return [Document("Paris is in France.", id="d1", metadata={"page": 3, "score": 0.9}), Document("Nothing.")]


def test_a_retriever_tells_its_query_and_its_documents(spans: Spans, outline: Outline) -> None:
    assert len(Library().invoke("Where is Paris?")) == 2
    assert outline() == ["retrieval Library", "  look_up"]
    row = spans()[0]
    assert (row.kind, row.operation, row.input) == ("retriever", "retrieval", "Where is Paris?")
    assert row.output == [
        {"id": "d1", "score": 0.9, "content": "Paris is in France.", "metadata": {"page": 3, "score": 0.9}},
        {"content": "Nothing."},
    ]


class Scoring(InMemoryVectorStore):
    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda similarity: (similarity + 1) / 2


@pytest.mark.parametrize("is_async", [False, True])
def test_the_scores_that_a_retriever_drops_are_told(is_async: bool, spans: Spans) -> None:
    library = Scoring.from_texts(["Paris", "Rome"], DeterministicFakeEmbedding(size=8))
    retriever = library.as_retriever(
        search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.0}, tags=["mine"]
    )
    found = asyncio.run(retriever.ainvoke("Where?")) if is_async else retriever.invoke("Where?")
    scores = {document.page_content: score for document, score in library.similarity_search_with_score("Where?")}
    (row,) = spans()
    assert [told["content"] for told in row.output] == [document.page_content for document in found]
    assert {told["content"]: told["score"] for told in row.output} == pytest.approx(
        {content: (score + 1) / 2 for content, score in scores.items()}
    )
    assert all("score" not in document.metadata for document in found)
    assert row.tags == ["mine"]


def test_an_embedding_that_nobody_tells_of_is_said_to_be_missed(spans: Spans) -> None:
    InMemoryVectorStore.from_texts(["Paris"], DeterministicFakeEmbedding(size=8)).as_retriever().invoke("Where?")
    (row,) = spans()
    assert row.attributes["tracer.missed"] == ["DeterministicFakeEmbedding: the embedding of the query is not recorded"]
    assert row.attributes["langchain.vector_store"] == "InMemoryVectorStore"


def test_a_retriever_that_raises_is_an_error(spans: Spans) -> None:
    class Closed(BaseRetriever):
        def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
            raise OSError("closed")

    with pytest.raises(OSError, match="closed"):
        Closed().invoke("Where?")
    assert (spans()[0].status, spans()[0].status_message) == ("ERROR", "closed")


def test_what_a_retriever_embeds_nests_in_it(server: LoopbackServer, outline: Outline) -> None:
    tracer.instrument("openai")
    embeddings = OpenAIEmbeddings(
        model="text-embedding-3-small", base_url=server.base_url, api_key="any", check_embedding_ctx_length=False
    )
    library = InMemoryVectorStore.from_texts(["Paris is in France."], embeddings).as_retriever()
    assert [document.page_content for document in library.invoke("Where is Paris?")] == ["Paris is in France."]
    assert asyncio.run(library.ainvoke("Where is Paris?"))
    found = ["retrieval VectorStoreRetriever", "  embeddings text-embedding-3-small"]
    assert outline() == ["embeddings text-embedding-3-small", *found, *found]
