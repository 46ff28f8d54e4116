"""Methods of the SDK that are wrapped: put in place together, or none where one of them has moved, and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
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
        owner, original = hook.find_owner(), hook.method()
        assert owner is not None
        assert original is not None
        _originals.append((owner, hook.name, original))
        setattr(owner, hook.name, hook.wrap(original))


def is_installed() -> bool:
    return bool(_originals)


def put_back() -> None:
    """Undo all that was installed, the latest first."""
    while _originals:
        owner, name, original = _originals.pop()
        setattr(owner, name, original)
