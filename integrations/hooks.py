"""Methods of a library that are wrapped, where it has no public hook: put on, missed when they move, and taken off."""

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
    """A method by its place, what makes the one that stands there meanwhile, and the parameters that this counts on."""

    module: str
    owner: str
    name: str
    wrap: Callable[[Method], Method]
    needs: tuple[str, ...] = ()

    @property
    def moved(self) -> str | None:
        """What the library has changed of this method, in words; normally nothing."""
        owner = self.find_owner()
        if owner is None:
            return f"{self.module}.{self.owner} is gone"
        method = vars(owner).get(self.name)
        if method is None:
            return f"{self.owner}.{self.name} is gone"
        lacking = [parameter for parameter in self.needs if parameter not in signature(method).parameters]
        return f"{self.owner}.{self.name} does not take {', '.join(lacking)}" if lacking else None

    def find_owner(self) -> type | None:
        module, _ = attempt(lambda: import_module(self.module))
        return getattr(module, self.owner, None)


class Hooked:
    """The methods that are wrapped at present, and what they were before."""

    def __init__(self) -> None:
        self._originals: list[tuple[type, str, Method]] = []

    def __bool__(self) -> bool:
        return bool(self._originals)

    def put_on(self, hooks: Iterable[Hook]) -> None:
        """Wrap these methods, none of which has moved."""
        for hook in hooks:
            owner = hook.find_owner()
            assert owner is not None
            for place in (*_wrapped_elsewhere(owner, hook.name, unwrap(vars(owner)[hook.name])), owner):
                original = vars(place)[hook.name]
                self._originals.append((place, hook.name, original))
                setattr(place, hook.name, hook.wrap(original))

    def take_off(self) -> None:
        """Put back what was there before, the latest first."""
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)


def moved(hooks: Iterable[Hook]) -> list[str]:
    """Return what a version of a library has changed of the methods that we wrap, in words; normally nothing."""
    return list(dict.fromkeys(told for hook in hooks if (told := hook.moved) is not None))


def _wrapped_elsewhere(owner: type, name: str, method: Method) -> Iterator[type]:
    """Yield the subclasses in which another instrumentor has wrapped this very method: they would not come by ours.

    A subclass with a method of its own is none of them: that calls the owner's.
    """
    subclass: type
    for subclass in owner.__subclasses__():
        if name in vars(subclass) and unwrap(vars(subclass)[name]) is method:
            yield subclass
        yield from _wrapped_elsewhere(subclass, name, method)
