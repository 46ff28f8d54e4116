"""Do something once a library has been imported, so that switching it on imports nothing that the program does not use.

A finder looks at the name of each module that is imported for the first time, and leaves finding and loading to those
that would have done it. What comes back from them is not replaced: for one call the loader's `exec_module` is followed
by what waits. When nothing waits any more, the finder is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from tracer.errors import contain

Act = Callable[[], object]

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
    """Finds nothing itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _waiting:
            return None
        spec = next((found for found in self._ask_others(fullname, path, target) if found is not None), None)
        if spec is not None:
            with contain(f"what {fullname} does"):
                _act_after(fullname, spec)
        return spec

    def _ask_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> Iterator[ModuleSpec | None]:
        for finder in list(sys.meta_path):
            if finder is not self and hasattr(finder, "find_spec"):
                yield finder.find_spec(fullname, path, target)


_FINDER = _Finder()


def _act_after(module: str, spec: ModuleSpec) -> None:
    """Let what waits for this module follow its execution."""
    loader = spec.loader
    execute = loader.exec_module  # type: ignore[union-attr]

    def execute_and_act(loaded: ModuleType) -> None:
        del loader.exec_module  # type: ignore[union-attr]  # the class's own is there again
        execute(loaded)
        for act in _done(module):
            act()

    loader.exec_module = execute_and_act  # type: ignore[union-attr, method-assign]
