"""Methods of a library that are wrapped, where it has no public hook: put on, taken off, and missed when they move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

Method = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Hook:
    """A method of a class, what wraps it, and the parameters that the wrapper counts on."""

    owner: type
    name: str
    wrap: Callable[[Method], Method]
    needs: tuple[str, ...] = ()

    @property
    def moved(self) -> str | None:
        """What the library has changed of this method, in words; normally nothing."""
        method = vars(self.owner).get(self.name)
        if method is None:
            return f"{self.owner.__name__}.{self.name} is gone"
        lacking = [parameter for parameter in self.needs if parameter not in signature(method).parameters]
        return f"{self.owner.__name__}.{self.name} does not take {', '.join(lacking)}" if lacking else None


class Hooked:
    """The methods that are wrapped at present, and what they were before."""

    def __init__(self) -> None:
        self._originals: list[tuple[type, str, Method]] = []

    def __bool__(self) -> bool:
        return bool(self._originals)

    def put_on(self, hooks: Sequence[Hook]) -> None:
        for hook in hooks:
            original = vars(hook.owner)[hook.name]
            self._originals.append((hook.owner, hook.name, original))
            setattr(hook.owner, hook.name, hook.wrap(original))

    def take_off(self) -> None:
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)


def moved(hooks: Sequence[Hook]) -> list[str]:
    """Return what a version of a library has changed of the methods that we wrap, in words; normally nothing."""
    return [told for hook in hooks if (told := hook.moved) is not None]
