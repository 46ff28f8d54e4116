"""Look at what is installed: Python and the libraries that we stand on, and what could be recorded by itself."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

import tracer
from tracer.errors import attempt
from tracer.store.health import Finding

_PYTHON = ((3, 10), (3, 14))

_STANDS_ON = ("duckdb", "opentelemetry-sdk", "streamlit")


def versions() -> Iterator[Finding]:
    """Tell the versions of Python, of ours, and of what we stand on."""
    oldest, newest = _PYTHON
    text = f"{platform.python_version()} at {sys.executable}; llm-tracer {tracer.__version__}"
    facts = {"python": platform.python_version(), "executable": sys.executable, "llm-tracer": tracer.__version__}
    if oldest <= sys.version_info[:2] <= newest:
        yield Finding("ok", "python", text, facts=facts)
    else:
        advice = f"Use a Python from {'.'.join(map(str, oldest))} to {'.'.join(map(str, newest))}"
        yield Finding("note", "python", f"{text}, which it is not tested with", advice, facts)
    for name in _STANDS_ON:
        if (found := _version(name)) is not None:
            yield _compared("versions", name, found)
        elif name == "streamlit":
            advice = "`tracer view` needs it: pip install 'llm-tracer[viewer]'"
            yield Finding("note", "versions", f"{name} is not installed", advice)
    yield from _provider()


def integrations() -> Iterator[Finding]:
    """Tell, for each integration, whether `instrument()` would switch it on, and whether it would find its hooks."""
    known: dict[str, str] = import_module("tracer.integrations").LIBRARIES
    packages: dict[str, str] = import_module("tracer.integrations").PACKAGES
    distributions: dict[str, tuple[str, ...]] = import_module("tracer.integrations.tested").DISTRIBUTIONS
    for name, module in known.items():
        topic = name
        if find_spec(module.partition(".")[0]) is None:
            facts = {"integration": name, "installed": False}
            advice = f"Where you want it: pip install {packages[name]}"
            yield Finding("ok", topic, "is not installed", advice, facts)
            continue
        yield _ready(topic, name)
        for distribution in distributions.get(name, ()):
            if (found := _version(distribution)) is not None:
                yield _compared(topic, distribution, found)


def _ready(topic: str, name: str) -> Finding:
    facts = {"integration": name, "installed": True}
    integration, error = attempt(partial(import_module, f"tracer.integrations.{name}"))
    if error is not None:
        text = f"cannot be imported: {type(error).__name__}: {error}"
        return Finding("bad", topic, text, "Mend that installation; without it these calls are not recorded", facts)
    moved, error = attempt(getattr(integration, "moved_hooks", list))
    if error is not None or moved:
        why = "; ".join(moved or [str(error)])
        advice = "pip install -U llm-tracer; or an older version of that library, as below"
        return Finding("bad", topic, f"cannot be switched on: {why}", advice, facts)
    return Finding("ok", topic, "would be switched on by `tracer.instrument()` and `tracer run`", facts=facts)


def _compared(topic: str, distribution: str, found: str) -> Finding:
    """Compare a version with those that are tested. A newer one of the same major version is expected to do."""
    oldest, newest = import_module("tracer.integrations.tested").TESTED[distribution]
    facts = {"distribution": distribution, "version": found, "oldest_tested": oldest, "newest_tested": newest}
    text = f"{distribution} {found}, tested from {oldest} to {newest}"
    if _numbers(found) < _numbers(oldest):
        return Finding("bad", topic, f"{text}: too old", f"pip install -U '{distribution}>={oldest}'", facts)
    if _numbers(found)[:1] > _numbers(newest)[:1]:
        advice = f"If something is missing: pip install -U llm-tracer, or pip install '{distribution}<={newest}'"
        return Finding("note", topic, f"{text}: newer", advice, facts)
    return Finding("ok", topic, text, facts=facts)


def _provider() -> Iterator[Finding]:
    """Tell whether this environment sets an OpenTelemetry provider, as `opentelemetry-instrument` does."""
    provider: Any = attempt(get_tracer_provider)[0]
    if provider is None or isinstance(provider, ProxyTracerProvider):
        text = "this environment configures no provider; programs may"
        yield Finding("ok", "telemetry", text, facts={"provider": None})
        return
    kind = f"{type(provider).__module__}.{type(provider).__qualname__}"
    text = f"this environment configures a provider, {kind}"
    advice = "For its spans among ours: provider.add_span_processor(tracer.TracerSpanProcessor())"
    yield Finding("ok", "telemetry", text, advice, {"provider": kind})


def _version(distribution: str) -> str | None:
    return attempt(partial(metadata.version, distribution))[0]


def _numbers(version: str) -> tuple[int, ...]:
    """Return the release of a version as numbers; what follows them, such as `rc1`, is left out."""
    return tuple(int(part) for part in re.findall(r"\d+", re.match(r"[\d.]*", version)[0]))  # type: ignore[index]
