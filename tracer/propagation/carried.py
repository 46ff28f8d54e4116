"""Work that is handed on: a function together with the scope that it belongs to, in this process or in another."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakSet

import orjson

from tracer.context import NO_SCOPE, Entered, Scope, enter_carried, leave, scope_to_carry
from tracer.errors import contain
from tracer.span import RemoteSpan

Packed = tuple[str, str, bytes]
"""A scope for another process: trace id and span id of the parent, or empty, and what is inherited, as JSON."""


class Carried:
    """A function that runs within the scope that it was handed on from. To pickle it is to pickle the function."""

    __slots__ = ("_function", "_scope")

    def __init__(self, function: Callable[..., Any], scope: Scope) -> None:
        self._function = function
        self._scope = scope

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        entered: Entered | None = None
        with contain("the scope of work that was handed on"):
            entered = enter_carried(self._scope)
        try:
            return self._function(*args, **kwargs)
        finally:
            if entered is not None:
                leave(entered)

    def __reduce__(self) -> Any:
        return unpacked_work, (self._function, packed(self._scope))


def unpacked_work(function: Callable[..., Any], scope: Packed) -> Carried:
    return Carried(function, unpacked(scope))


def packed(scope: Scope) -> Packed:
    parent, inherited, *_ = scope
    return (parent.trace_id, parent.span_id, orjson.dumps(inherited)) if parent else ("", "", orjson.dumps(inherited))


def unpacked(scope: Packed) -> Scope:
    trace_id, span_id, inherited = scope
    return (RemoteSpan(trace_id, span_id) if trace_id else None, orjson.loads(inherited), None, None)


def scope_to_hand(pool: Any) -> Scope | None:
    """Return the scope that work for this pool, or kind of pool, is to run in; None where that is as it is.

    Workers that were started within a scope stay within it, so that work from outside of any has to leave it.
    """
    scope = scope_to_carry()
    if scope is not None:
        _started_within.add(pool)
        return scope
    return NO_SCOPE if pool in _started_within else None


_started_within: WeakSet[Any] = WeakSet()


def handing_on(method: Callable[..., Any], keyword: str | None = None) -> Callable[..., Any]:
    """Return a method of pools, of which the first argument is what they are to call, that hands on the scope too.

    `keyword` is the name by which that argument can be given, if there is one.
    """

    @wraps(method)
    def hand_on(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        with contain("the scope of work that is handed on"):
            if args:
                args = (_carried_by(self, args[0]), *args[1:])
            elif keyword in kwargs:
                kwargs = {**kwargs, keyword: _carried_by(self, kwargs[keyword])}
        return method(self, *args, **kwargs)

    return hand_on


def _carried_by(pool: Any, function: Any) -> Any:
    scope = scope_to_hand(pool)
    return function if scope is None else Carried(function, scope)
