"""The traced functions that this process has called, each with an id by which its version is told, and its source.

An id costs a first call some 30 µs and no look at the disk. The source is read later, off the program's threads.
"""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Iterator
from functools import cache, cached_property, partial
from importlib import import_module
from types import CodeType
from typing import Any

from tracer.errors import attempt, contain

MAX_SOURCE_CHARACTERS = 64 * 1024

_MOST = 10_000
"""Functions whose sources are kept, should a program make ever new ones."""

met: dict[str, Function] = {}
"""Those that were called, by id, in the order of their first call."""


class Function:
    """A traced function, of which little is known until its first call.

    `id` is a hash of its module, its name and its compiled code: the same in every process of one version of Python,
    and another when the code changes, though not for a comment. None for what has no code, as a builtin.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function: Callable[..., Any] | None = function
        self._decorated_ns = time.time_ns()
        self._facts: dict[str, Any] | None = None

    @cached_property  # which is an attribute from the second call on
    def id(self) -> str | None:
        with contain("which function was called"):
            return self._meet(_innermost(self._function))
        return None

    def _meet(self, function: Any) -> str | None:
        self._code: CodeType | None = getattr(function, "__code__", None)
        if self._code is None:
            return None
        self._globals = getattr(function, "__globals__", None)
        self._module = str(getattr(function, "__module__", None))
        self._qualname = str(getattr(function, "__qualname__", self._code.co_name))
        essence = repr((self._module, self._qualname, *_essence(self._code)))
        id: str = _hashes().sha512(essence.encode(errors="surrogatepass")).hexdigest()[:16]
        if len(met) < _MOST:
            met.setdefault(id, self)
        return id

    def facts(self) -> dict[str, Any]:
        """Return its row of `functions`. The source is None where it is not known for certain."""
        if self._facts is None and self._code is not None:
            source, _ = attempt(self._source)
            self._facts = {
                "function_id": self.id,
                "module": self._module,
                "qualname": self._qualname,
                "file": self._code.co_filename,
                "line": self._code.co_firstlineno,
                "source": source,
            }
            self._function = self._globals = None  # which need not live as long as the process
        return self._facts or {}

    def _source(self) -> str | None:
        assert self._code is not None
        if not (lines := _lines(self._code.co_filename, self._decorated_ns, self._globals)):
            return None
        source = "".join(inspect.getblock(lines[self._code.co_firstlineno - 1 :]))
        if len(source) > MAX_SOURCE_CHARACTERS:
            cut = len(source) - MAX_SOURCE_CHARACTERS
            return f"{source[:MAX_SOURCE_CHARACTERS]}…[cut: {cut} characters]"
        return source


def _innermost(function: Any) -> Any:
    """Return the function itself, without what was wrapped around it."""
    function = inspect.unwrap(function)
    while not hasattr(function, "__code__") and hasattr(function, "func"):
        function = inspect.unwrap(function.func)  # functools.partial
    if not hasattr(function, "__code__") and hasattr(type(function).__call__, "__code__"):
        return type(function).__call__
    return getattr(function, "__func__", function)


def _essence(code: CodeType) -> Iterator[Any]:
    """Yield what makes the code do what it does: no line numbers, and nothing whose order or address is by chance."""
    yield code.co_name, code.co_code, code.co_flags, code.co_names, code.co_varnames, code.co_freevars
    yield code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _essence(constant)
        elif isinstance(constant, frozenset):
            yield sorted(map(repr, constant))
        else:
            yield repr(constant)


@cache
def _hashes() -> Any:
    """Return the module that hashes for `random` too, which is loaded anyway; `hashlib` loads all of OpenSSL."""
    for name in ("_sha2", "_sha512"):
        module, _ = attempt(partial(import_module, name))
        if module is not None:
            return module
    return import_module("hashlib")


def _lines(file: str, since_ns: int, around: dict[str, Any] | None) -> list[str]:
    """Return the lines of a file that has not changed since the function was made from it; none if it has."""
    import linecache
    import tokenize

    try:
        stat = os.stat(file)
    except OSError:  # a cell of a notebook, a module in a zip file, or no file at all
        return linecache.getlines(file, around)
    if max(stat.st_mtime_ns, stat.st_ctime_ns if os.name != "nt" else 0) > since_ns:
        return []
    with tokenize.open(file) as source:
        return source.readlines()
