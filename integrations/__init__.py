"""What is recorded by itself: one library a file (or a folder), each with `instrument()` and `uninstrument()`.

A library is imported only when it is asked for, or found installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from tracer.errors import IntegrationNotInstalled, TracerError, UnknownIntegration, contain, logger

LIBRARIES = {
    "openai": "openai",
    "langchain": "langchain_core",
}
"""The name of an integration → the module that has to be there."""

_on: list[str] = []


def instrument(*names: str) -> list[str]:
    """Switch these on, or all whose library is installed; return the names of all that are on."""
    for name in names:
        if name not in LIBRARIES:
            raise UnknownIntegration(f"no integration {name!r}; there are {', '.join(LIBRARIES)}")
        if find_spec(LIBRARIES[name]) is None:
            raise IntegrationNotInstalled(f"{name!r} is not installed here: pip install 'llm-tracer[{name}]'")
    for name in names or [name for name, module in LIBRARIES.items() if find_spec(module) is not None]:
        if name not in _on:
            with contain(f"the integration of {name}"):
                _switch_on(name)
    return list(_on)


def _switch_on(name: str) -> None:
    """Switch one on. A version of its library that we do not know is no failure: the log says so, in one line."""
    try:
        import_module(f"tracer.integrations.{name}").instrument()
    except TracerError as error:
        logger.error("%s; the program goes on", error)
    else:
        _on.append(name)


def uninstrument(*names: str) -> None:
    """Switch these off, or all, and leave the libraries as they were."""
    for name in names or list(_on):
        if name in _on:
            import_module(f"tracer.integrations.{name}").uninstrument()
            _on.remove(name)
