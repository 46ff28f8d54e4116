"""Prepare modules that the program has not imported yet, once it does: importing them ourselves would cost it time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tracer.errors import contain

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:  # these are for type checkers, and take longer to import than all else here
    Loader = MetaPathFinder = object

Prepare = Callable[[ModuleType], None]

_waiting: dict[str, Prepare] = {}


def when_imported(modules: Mapping[str, Prepare]) -> None:
    """Call these with their modules, each as soon as its code has run."""
    _waiting.update(modules)
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds nothing but what we wait for, and that where the other finders find it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _waiting:
            return None
        finders = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        specs = (finder.find_spec(fullname, path, target) for finder in finders)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _PreparingLoader(spec.loader)
        return spec


class _PreparingLoader(Loader):
    """Loads a module as its own loader does, of which the module keeps no trace of us, and prepares it."""

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
        with contain(f"the scope in {module.__name__}"):
            if prepare := _waiting.pop(module.__name__, None):
                prepare(module)
