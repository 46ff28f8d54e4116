"""Prepare modules that the program has not imported yet, once it does: importing them ourselves would cost it time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from tracer.errors import contain

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
        prepare = _waiting.pop(fullname, None)  # no more ours: the look-up below comes by here again
        if prepare is None:
            return None
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _PreparingLoader(spec.loader, prepare)
        return spec


class _PreparingLoader(Loader):
    """Loads a module as its own loader does, of which the module keeps no trace of us, and prepares it."""

    def __init__(self, loader: Loader, prepare: Prepare) -> None:
        self._loader = loader
        self._prepare = prepare

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        with contain(f"the scope in {module.__name__}"):
            self._prepare(module)
