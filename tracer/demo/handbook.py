"""The demo's knowledge: the handbook in `corpus/`, its passages, and their retrieval by embeddings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from openai import AsyncOpenAI, OpenAI

from tracer import trace

EMBEDDING_MODEL = "text-embedding-3-small"


def passages() -> list[Document]:
    """The paragraphs of every document, with the document's title before each."""
    found = []
    corpus = files("tracer.demo") / "corpus"
    for path in sorted(corpus.iterdir(), key=lambda entry: entry.name):
        if not path.name.endswith(".md"):
            continue
        title, *paragraphs = re.split(r"\n{2,}(?![^`]*```\n)", path.read_text(encoding="utf-8").strip())
        for number, paragraph in enumerate(paragraphs, 1):
            metadata = {"source": path.name, "paragraph": number}
            found.append(Document(f"{title}\n\n{paragraph}", id=f"{path.name}#{number}", metadata=metadata))
    return found


@trace(name="index handbook", ignore=("client",), capture_output=False)
def index_handbook(client: OpenAI, documents: Sequence[Document], batch_size: int = 16) -> list[list[float]]:
    """The vectors of the documents, in their order."""
    vectors = []
    for first in range(0, len(documents), batch_size):
        texts = [document.page_content for document in documents[first : first + batch_size]]
        response = client.embeddings.create(model=EMBEDDING_MODEL, input=texts)
        vectors += [item.embedding for item in response.data]
    return vectors


class HandbookRetriever(BaseRetriever):
    """Finds the passages whose vectors are nearest to the question's."""

    client: OpenAI
    async_client: AsyncOpenAI
    documents: list[Document]
    vectors: list[list[float]]
    k: int = 3

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return self._nearest(self.client.embeddings.create(model=EMBEDDING_MODEL, input=query).data[0].embedding)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        response = await self.async_client.embeddings.create(model=EMBEDDING_MODEL, input=query)
        return self._nearest(response.data[0].embedding)

    def _nearest(self, vector: Sequence[float]) -> list[Document]:
        scores = [sum(a * b for a, b in zip(vector, other, strict=True)) for other in self.vectors]
        order = sorted(range(len(scores)), key=lambda i: -scores[i])[: self.k]
        return [
            self.documents[i].model_copy(
                update={"metadata": self.documents[i].metadata | {"score": round(scores[i], 4)}}
            )
            for i in order
        ]


def as_context(documents: Sequence[Document]) -> str:
    return "\n\n".join(document.page_content for document in documents)
