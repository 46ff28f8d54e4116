"""The steps that LangChain's tests are built of, and how these look at what was recorded of them."""

from __future__ import annotations

from collections.abc import Callable

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from tracer import trace
from tracer.span_row import SpanRow

Spans = Callable[[], list[SpanRow]]
Outline = Callable[[], list[str]]
Chat = Callable[..., ChatOpenAI]


def double(number: int) -> int:
    return number * 2


def increase(number: int) -> int:
    return number + 1


@trace
def look_up(number: int) -> int:
    return number


@trace
def compute(a: int, b: int) -> int:
    return a + b


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return compute(a, b)


def by_name(spans: Spans, name: str) -> SpanRow:
    (row,) = [row for row in spans() if row.name == name]
    return row
