"""Other SDKs, recorded by the OpenTelemetry instrumentors that others keep: a table, and no provider code of ours.

An instrumentor is switched on with a provider of ours (`tracer.otel.provider`), never with the global one, and as an
instance of its own, so that a program which uses the same instrumentor for its own telemetry still can.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution
from typing import Any

from tracer.errors import attempt, logger
from tracer.recorder import RECORDER


@dataclass(frozen=True, slots=True)
class Library:
    """What is installed as `sdk` and imported as `module`, and the distributions that instrument it, the best first."""

    sdk: str
    module: str
    instrumentors: tuple[str, ...]


# The conventions' own instrumentors first, for they tell most; then those that tell messages without being asked.
LIBRARIES = {
    "anthropic": Library(
        "anthropic",
        "anthropic",
        (
            "opentelemetry-instrumentation-genai-anthropic",
            "openinference-instrumentation-anthropic",
            "opentelemetry-instrumentation-anthropic",
        ),
    ),
    "bedrock": Library(
        "botocore",
        "botocore.session",
        ("openinference-instrumentation-bedrock", "opentelemetry-instrumentation-bedrock"),
    ),
    "cohere": Library(
        "cohere", "cohere", ("openinference-instrumentation-cohere", "opentelemetry-instrumentation-cohere")
    ),
    "crewai": Library(
        "crewai", "crewai", ("openinference-instrumentation-crewai", "opentelemetry-instrumentation-crewai")
    ),
    "dspy": Library("dspy", "dspy", ("openinference-instrumentation-dspy",)),
    "google_genai": Library(
        "google-genai",
        "google.genai",
        (
            "openinference-instrumentation-google-genai",  # the conventions' own refuses google-genai 3
            "opentelemetry-instrumentation-google-genai",
            "opentelemetry-instrumentation-google-generativeai",
        ),
    ),
    # Not OpenInference's first, which tells nothing of what is streamed.
    "groq": Library("groq", "groq", ("opentelemetry-instrumentation-groq", "openinference-instrumentation-groq")),
    "haystack": Library(
        "haystack-ai", "haystack", ("openinference-instrumentation-haystack", "opentelemetry-instrumentation-haystack")
    ),
    "litellm": Library("litellm", "litellm", ("openinference-instrumentation-litellm",)),
    # Not OpenInference's: beside OpenAI's own span, its span of a streamed chat would be another root.
    "llama_index": Library(
        "llama-index-core",
        "llama_index.core",
        ("opentelemetry-instrumentation-genai-llama-index", "opentelemetry-instrumentation-llamaindex"),
    ),
    "mcp": Library("mcp", "mcp", ("opentelemetry-instrumentation-mcp", "openinference-instrumentation-mcp")),
    "mistralai": Library(
        "mistralai",
        "mistralai.client",
        ("openinference-instrumentation-mistralai", "opentelemetry-instrumentation-mistralai"),
    ),
    "ollama": Library(
        "ollama", "ollama", ("openinference-instrumentation-ollama", "opentelemetry-instrumentation-ollama")
    ),
    "openai_agents": Library(
        "openai-agents",
        "agents",
        (
            "opentelemetry-instrumentation-genai-openai-agents",
            "openinference-instrumentation-openai-agents",
            "opentelemetry-instrumentation-openai-agents",
        ),
    ),
    "smolagents": Library("smolagents", "smolagents", ("openinference-instrumentation-smolagents",)),
    "vertexai": Library(
        "google-cloud-aiplatform",
        "vertexai",
        ("openinference-instrumentation-vertexai", "opentelemetry-instrumentation-vertexai"),
    ),
}
"""Our name → the SDK and its instrumentors. OpenAI and LangChain are not here: those are ours."""

_GROUP = "opentelemetry_instrumentor"
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

_on: dict[str, Any] = {}


def is_installed(name: str) -> bool:
    """Return whether the SDK is there, and something that instruments it."""
    return _distribution(LIBRARIES[name].sdk) is not None and any(_installed(name))


def advice(name: str) -> str:
    """Return what to install so that this is recorded."""
    library = LIBRARIES[name]
    needed = (library.instrumentors[0],) if _distribution(library.sdk) else (library.sdk, library.instrumentors[0])
    return f"pip install {' '.join(needed)}"


def lacking() -> list[str]:
    """Return the names of those whose SDK is installed without an instrumentor."""
    return [name for name, library in LIBRARIES.items() if _distribution(library.sdk) and not any(_installed(name))]


def instrument(name: str) -> bool:
    """Switch on the best instrumentor that works; return whether one does. One that fails is logged.

    Where the program has switched one on already, none of ours is: its spans come in through `TracerSpanProcessor`.
    """
    for package, entry_point in _installed(name):
        if _is_on_already(entry_point):
            logger.info("%s is instrumented by the program with %s already: left to it", name, package.name)
            return False
    for package, entry_point in _installed(name):
        instrumentor, error = attempt(partial(_switch_on, entry_point))
        if instrumentor is not None:
            _on[name] = instrumentor
            logger.info("recording %s through %s %s", name, package.name, package.version)
            return True
        logger.warning("%s %s cannot instrument %s: %s", package.name, package.version, name, error)
    return False


def uninstrument(name: str) -> None:
    """Switch off what `instrument` switched on, if anything."""
    if name not in _on:
        return
    _, error = attempt(_on.pop(name).uninstrument)
    if error is not None:
        logger.warning("the instrumentor of %s could not be switched off: %s", name, error)


def _switch_on(entry_point: EntryPoint) -> Any:
    from opentelemetry.metrics import NoOpMeterProvider

    from tracer.otel.provider import EventProvider, TracerProvider

    kind = entry_point.load()
    # Not `kind()`, of which there is only one: that would be on for the program's own telemetry too.
    instrumentor = object.__new__(kind)
    instrumentor.__init__()
    with _content_is_captured():
        instrumentor.instrument(
            tracer_provider=TracerProvider(),
            meter_provider=NoOpMeterProvider(),
            logger_provider=EventProvider(),
            raise_exception_on_conflict=True,
        )
    return instrumentor


@contextmanager
def _content_is_captured() -> Iterator[None]:
    """Let an instrumentor that is switched on now tell messages, unless the environment says otherwise.

    The conventions' instrumentors read that when they are switched on, and nowhere else but in the environment.
    """
    if _CONTENT in os.environ or not RECORDER.config.capture_content:
        yield
        return
    os.environ[_CONTENT] = "SPAN_ONLY"
    try:
        yield
    finally:
        del os.environ[_CONTENT]


def _installed(name: str) -> Iterator[tuple[Distribution, EntryPoint]]:
    """Yield the installed instrumentors of a library, the best first."""
    for package in map(_distribution, LIBRARIES[name].instrumentors):
        if package is not None:
            yield from ((package, entry) for entry in package.entry_points if entry.group == _GROUP)


def _is_on_already(entry_point: EntryPoint) -> bool:
    """Return whether the program's own instance of this instrumentor is on; one that was never imported is not."""
    kind = getattr(sys.modules.get(entry_point.module), entry_point.attr, None)
    return bool(getattr(getattr(kind, "_instance", None), "is_instrumented_by_opentelemetry", False))


def _distribution(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
