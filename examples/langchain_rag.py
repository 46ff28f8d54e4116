"""Questions to a manual: a LangChain retrieval chain, run once, streamed once, and as a batch.

python examples/langchain_rag.py
"""

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from tracer import instrument, trace, using
from tracer.demo import ensure_endpoint

MANUAL = {
    "water": "Fill the tank with cold water up to the mark, 1.8 litres. Descale the machine every 300 cups.",
    "beans": "The hopper takes 250 grams of beans. Oily beans stick to the grinder; clean it every two weeks.",
    "milk": "Rinse the milk pipe after each use. It is taken apart and washed once a week.",
    "lights": "A red light means that the tank is empty. A blinking amber light means that it is time to descale.",
}
PROMPT = ChatPromptTemplate.from_messages(
    [
        ("system", "Answer from the coffee machine's manual, and say so when it is silent.\n\nContext:\n{manual}"),
        ("human", "{question}"),
    ]
)


@trace
def build_chain() -> Runnable[str, str]:
    """Embed the manual and return the chain that answers a question from its nearest passages."""
    # Without the length check the texts are sent as they are, which every compatible server understands.
    embeddings = OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False)
    documents = [Document(text, metadata={"page": page}) for page, text in MANUAL.items()]
    retriever = InMemoryVectorStore.from_documents(documents, embeddings).as_retriever(search_kwargs={"k": 2})
    return (
        {"manual": retriever | join, "question": RunnablePassthrough()}
        | PROMPT
        | ChatOpenAI(model="gpt-4o-mini", temperature=0, stream_usage=True)
        | StrOutputParser()
    )


def join(documents: list[Document]) -> str:
    return "\n\n".join(document.page_content for document in documents)


@trace
def barista(questions: list[str]) -> list[str]:
    chain = build_chain()
    first, second, *others = questions
    whole = chain.invoke(first)
    streamed = "".join(chain.stream(second))
    return [whole, streamed, *chain.batch(others)]


if __name__ == "__main__":
    ensure_endpoint()  # only for a run without a key; a program of yours does without
    instrument("langchain", "openai")
    asked = [
        "How much water does the tank hold?",
        "What does the blinking amber light mean?",
        "How often is the grinder cleaned?",
        "When is the milk pipe washed?",
    ]
    with using(user_id="barista", tags=["coffee"]):
        for question, answer in zip(asked, barista(asked), strict=True):
            print(f"{question}\n  {answer}")
