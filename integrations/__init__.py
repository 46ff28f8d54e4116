"""What is recorded by itself: one library a file (or a folder), each with `instrument()` and `uninstrument()`.

Beside these, what `instrumentors` has in its table: SDKs that have an OpenTelemetry instrumentor.
No library is imported here: each is switched on when the program imports it, or at once where it has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from tracer.errors import IntegrationNotInstalled, TracerError, UnknownIntegration, contain, logger
from tracer.integrations import instrumentors
from tracer.on_import import Act, forget, when_imported

LIBRARIES = {
    "openai": "openai",
    "langchain": "langchain_core.runnables.config",
    "pydantic_ai": "pydantic_ai",
}
"""The name of an integration of ours → the module after whose import it can be switched on.

LangChain's has to be one that imports all that ours needs, and that everything which runs imports.
"""

_on: dict[str, Act] = {}
"""What is on, and what switches it on, or did."""

_advised: set[str] = set()


def instrument(*names: str) -> list[str]:
    """Switch these on, or all that are installed; return the names of all that are on, or will be once imported."""
    for name in names:
        _check(name)
    for name in names or _all_installed():
        if name not in _on:
            _on[name] = partial(_switch_on, name)
            when_imported(LIBRARIES.get(name) or instrumentors.LIBRARIES[name].module, _on[name])
    if not names:
        _advise(instrumentors.lacking())
    return list(_on)


def uninstrument(*names: str) -> None:
    """Switch these off, or all, and leave the libraries as they were."""
    for name in names or list(_on):
        if name in _on:
            forget(_on.pop(name))
            if name not in LIBRARIES:
                instrumentors.uninstrument(name)
            elif (integration := sys.modules.get(f"tracer.integrations.{name}")) is not None:
                integration.uninstrument()


def _check(name: str) -> None:
    """Raise where this can never be switched on here."""
    if name in LIBRARIES:
        if not _is_there(LIBRARIES[name]):
            raise IntegrationNotInstalled(f"{name!r} is not installed here: pip install {PACKAGES[name]}")
    elif name not in instrumentors.LIBRARIES:
        raise UnknownIntegration(
            f"no integration {name!r}; there are {', '.join([*LIBRARIES, *instrumentors.LIBRARIES])}"
        )
    elif not instrumentors.is_installed(name):
        raise IntegrationNotInstalled(f"nothing here can record {name!r}: {instrumentors.advice(name)}")


PACKAGES = {"openai": "'llm-tracer[openai]'", "langchain": "'llm-tracer[langchain]'", "pydantic_ai": "pydantic-ai"}


def _all_installed() -> Iterable[str]:
    yield from (name for name, module in LIBRARIES.items() if _is_there(module))
    yield from filter(instrumentors.is_installed, instrumentors.LIBRARIES)


def _is_there(module: str) -> bool:
    return find_spec(module.partition(".")[0]) is not None


def _switch_on(name: str) -> None:
    """Switch one on. One that cannot be is not on, and may be tried again.

    A version of its library that we do not know is no failure: the log says so, in one line.
    """
    is_on = False
    try:
        with contain(f"the integration of {name}"):
            is_on = _instrumented(name)
    finally:
        if not is_on:
            _on.pop(name, None)


def _instrumented(name: str) -> bool:
    if name not in LIBRARIES:
        return instrumentors.instrument(name)
    try:
        import_module(f"tracer.integrations.{name}").instrument()
    except TracerError as error:
        logger.error("%s; the program goes on", error)
        return False
    return True


def _advise(lacking: Iterable[str]) -> None:
    """Say once of each what would have to be installed for it to be recorded."""
    if advice := [f"{name} ({instrumentors.advice(name)})" for name in lacking if name not in _advised]:
        _advised.update(lacking)
        logger.info("installed, but not recorded: %s", ", ".join(advice))
