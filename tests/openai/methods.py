"""Every method of the OpenAI SDK that makes a request, found by walking its resources and calling each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import openai
from openai._resource import SyncAPIResource


class Requested(Exception):
    """Raised in place of the request: its method and URL."""


class _Client(openai.OpenAI):
    def request(self, cast_to: Any, options: Any, **_: Any) -> Any:
        raise Requested(options.method.upper(), options.url)


def requests() -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Return `{"files.create": ("POST", "/files"), …}`, and the names of methods that could not be made to ask."""
    found, silent = {}, []
    for path, resource in _resources(_Client(**_keys()), ""):
        for name, function in vars(type(resource)).items():
            if not name.startswith("_") and inspect.isfunction(function):
                try:
                    _call(getattr(resource, name))
                except Requested as requested:
                    found[f"{path}.{name}"] = requested.args
                except (TypeError, ValueError, RuntimeError, AttributeError, OSError):
                    silent.append(f"{path}.{name}")
                else:
                    silent.append(f"{path}.{name}")
    return found, silent


def _keys() -> dict[str, str]:
    """Return a key of each kind that this version of the SDK takes; its older ones have none for administrators."""
    return {name: "any" for name in inspect.signature(openai.OpenAI).parameters if name.endswith("api_key")}


def _resources(owner: Any, path: str) -> Iterator[tuple[str, SyncAPIResource]]:
    for name in dir(type(owner)):
        if name.startswith(("_", "with_")) or inspect.isfunction(inspect.getattr_static(type(owner), name)):
            continue
        inner = getattr(owner, name)
        if isinstance(inner, SyncAPIResource):
            place = f"{path}.{name}".lstrip(".")
            yield place, inner
            yield from _resources(inner, place)


def _call(method: Callable[..., Any]) -> None:
    needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
    by_place = [_something(p) for p in needed if p.kind is p.POSITIONAL_OR_KEYWORD]
    method(*by_place, **{p.name: _something(p) for p in needed if p.kind is p.KEYWORD_ONLY})


def _something(parameter: inspect.Parameter) -> Any:
    """Return a value of the kind that the annotation speaks of."""
    kind = str(parameter.annotation)
    if "FileTypes" in kind or parameter.name == "video":
        return b"any"
    if re.match(r"int|Optional\[int", kind):
        return 1
    if kind.startswith(("str", "Union[str")):
        return "any"
    if any(word in kind for word in ("Iterable", "List[", "Sequence")):
        return []
    return {} if any(word in kind for word in ("Dict[", "Mapping", "Param", "object")) else "any"
