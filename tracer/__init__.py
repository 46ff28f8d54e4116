"""See what an LLM program did: `@trace`, `instrument()`, and every step is a span in a DuckDB file on your own disk.

    from tracer import trace, instrument

    instrument()                  # OpenAI and LangChain, as far as they are installed

    @trace
    def answer(question: str) -> str: ...

Then `tracer view`. Importing this loads no duckdb, streamlit, openai, langchain or tiktoken.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tracer.api import configure, flush, instrument, score, trace_environ, trace_headers, uninstrument
from tracer.decorators import Prompt, span, trace, using
from tracer.errors import TraceNotFound, TracerError
from tracer.recorder import Span, current_span

if TYPE_CHECKING:
    from tracer.otel.incoming import TracerSpanProcessor
    from tracer.store import Store

__version__ = "0.1.0"

__all__ = [
    "Prompt",
    "Span",
    "Store",
    "TraceNotFound",
    "TracerError",
    "TracerSpanProcessor",
    "__version__",
    "configure",
    "current_span",
    "flush",
    "instrument",
    "score",
    "span",
    "trace",
    "trace_environ",
    "trace_headers",
    "uninstrument",
    "using",
]

_ON_DEMAND = {"Store": "tracer.store", "TracerSpanProcessor": "tracer.otel.incoming"}


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module 'tracer' has no attribute {name!r}")
    return getattr(import_module(_ON_DEMAND[name]), name)
