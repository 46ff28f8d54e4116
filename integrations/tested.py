"""Which versions of the libraries around us the tests have run with: one table, for `tracer doctor`."""

from __future__ import annotations

TESTED: dict[str, tuple[str, str]] = {
    "duckdb": ("1.4", "2.0.1"),
    "opentelemetry-sdk": ("1.30", "1.45.2"),
    "streamlit": ("1.67", "1.67.0"),
    "openai": ("2.0", "3.57.0"),
    "langchain-core": ("1.0.2", "1.8.3"),
    "langchain": ("1.0", "1.5.2"),
    "langgraph": ("1.0", "1.2.24"),
}
"""The name of a distribution → the oldest and the newest version. The oldest is that of pyproject.toml."""

DISTRIBUTIONS = {"openai": ("openai",), "langchain": ("langchain-core", "langchain", "langgraph")}
"""The name of an integration → the distributions that it records."""
