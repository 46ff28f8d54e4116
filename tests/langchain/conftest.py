"""LangChain recorded, and a real ChatOpenAI that talks to the loopback server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI

import tracer
from tracer.demo.server import LoopbackServer
from tracer.span_row import SpanRow

EDGES = ("model_to_tools", "model_to_model", "tools_to_model")
"""Steps of an agent between its nodes, which langchain tells of before 1.2.15 only."""

PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "{question}")])


@pytest.fixture(autouse=True)
def langchain(store_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """LangChain is recorded, and nobody complains: it would log, not raise, what fails in a callback of ours."""
    tracer.instrument("langchain")
    yield
    said = [record.getMessage() for phase in ("setup", "call") for record in caplog.get_records(phase)]
    assert [text for text in said if "tracer" in text.lower() or "span" in text or "detach" in text] == []


@pytest.fixture
def spans(spans: Callable[[], list[SpanRow]]) -> Callable[[], list[SpanRow]]:
    """All but the edges of agents, which are marked as plumbing: so a tree is the same with all versions."""
    return lambda: without_edges(spans())


@pytest.fixture
def written(written: Callable[[], list[SpanRow]]) -> Callable[[], list[SpanRow]]:
    return lambda: without_edges(written())


def without_edges(rows: list[SpanRow]) -> list[SpanRow]:
    return [row for row in rows if not (row.name in EDGES and row.attributes["tracer.plumbing"])]


@pytest.fixture
def chat(server: LoopbackServer) -> Callable[..., ChatOpenAI]:
    def model(**options: Any) -> ChatOpenAI:
        return ChatOpenAI(**{"model": "gpt-4o-mini", "base_url": server.base_url, "api_key": "any", **options})

    return model


@pytest.fixture
def answer(chat: Callable[..., ChatOpenAI]) -> Runnable[Any, str]:
    return PROMPT | chat() | StrOutputParser()
