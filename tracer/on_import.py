"""Do something once a module has been imported, so that preparing it imports nothing that the program does not use.

A finder looks at the name of each module that is imported for the first time, and leaves finding and loading to those
that would have done it: its loader is theirs, followed by what waits, and the module keeps no trace of us. When nothing
waits any more, the finder is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:  # these are for type checkers, and take longer to import than all else here
    Loader = MetaPathFinder = object

Act = Callable[[], object]
"""What is to be done. It is called in the thread that imports, so it must not raise."""

_waiting: dict[str, list[Act]] = {}


def when_imported(module: str, act: Act) -> None:
    """Call `act` right after the module's first import, in the thread that imports it; now if that has been."""
    if module in sys.modules:
        act()
        return
    _waiting.setdefault(module, []).append(act)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def forget(act: Act) -> None:
    """Let `act` wait no longer."""
    for module, acts in list(_waiting.items()):
        if act in acts:
            acts.remove(act)
        if not acts:
            _done(module)


def _done(module: str) -> list[Act]:
    acts = _waiting.pop(module, [])
    if not _waiting and _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    return acts


class _Finder(MetaPathFinder):
    """Finds nothing but what we wait for, and that where the other finders find it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _waiting:
            return None
        finders = (finder for finder in list(sys.meta_path) if finder is not self and hasattr(finder, "find_spec"))
        specs = (finder.find_spec(fullname, path, target) for finder in finders)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _FollowedLoader(spec.loader)
        return spec


_FINDER = _Finder()


class _FollowedLoader(Loader):
    """Loads a module as its own loader does, of which the module keeps no trace of us, and does what waits for it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        for act in _done(module.__name__):
            act()
