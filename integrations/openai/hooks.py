"""Methods of the SDK that are wrapped: put in place together, or none where one of them has moved, and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from inspect import signature, unwrap
from typing import Any

from tracer.errors import attempt

Method = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Hook:
    """A method by its place, what makes the one that stands there meanwhile, and the parameters that one relies on."""

    module: str
    owner: str
    name: str
    wrap: Callable[[Method], Method]
    needs: tuple[str, ...]

    def method(self) -> Method | None:
        """Return the method as the class itself has it; None where there is none."""
        owner = self.find_owner()
        method: Method | None = vars(owner).get(self.name) if owner is not None else None
        return method

    def find_owner(self) -> type | None:
        module, _ = attempt(lambda: import_module(self.module))
        return getattr(module, self.owner, None)


_originals: list[tuple[type, str, Method]] = []


def moved(hooks: Iterable[Hook]) -> list[str]:
    """Return what this version of the SDK has changed of these methods, in words; normally nothing."""
    found = []
    for hook in hooks:
        method = hook.method()
        if hook.find_owner() is None:
            found.append(f"{hook.module}.{hook.owner} is gone")
        elif method is None:
            found.append(f"{hook.owner}.{hook.name} is gone")
        elif lacking := [parameter for parameter in hook.needs if parameter not in signature(method).parameters]:
            found.append(f"{hook.owner}.{hook.name} does not take {', '.join(lacking)}")
    return list(dict.fromkeys(found))


def install(hooks: Iterable[Hook]) -> None:
    """Wrap these methods, none of which has moved."""
    for hook in hooks:
        owner = hook.find_owner()
        assert owner is not None
        for place in (*_wrapped_elsewhere(owner, hook.name, unwrap(vars(owner)[hook.name])), owner):
            original = vars(place)[hook.name]
            _originals.append((place, hook.name, original))
            setattr(place, hook.name, hook.wrap(original))


def _wrapped_elsewhere(owner: type, name: str, method: Method) -> Iterator[type]:
    """Yield the subclasses in which another instrumentor has wrapped this very method: they would not come by ours.

    A subclass with a method of its own is none of them: that calls the owner's.
    """
    subclass: type
    for subclass in owner.__subclasses__():
        if name in vars(subclass) and unwrap(vars(subclass)[name]) is method:
            yield subclass
        yield from _wrapped_elsewhere(subclass, name, method)


def is_installed() -> bool:
    return bool(_originals)


def put_back() -> None:
    """Undo all that was installed, the latest first."""
    while _originals:
        owner, name, original = _originals.pop()
        setattr(owner, name, original)
