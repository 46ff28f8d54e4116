"""A decorated function: how a call of it becomes a span, and its arguments an input by parameter name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tracer.functions import Function
from tracer.recorder import Span, new_span


class Call:
    """What is known of a function when it is decorated, so that a call costs little."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None,
        kind: str,
        capture_input: bool,
        capture_output: bool,
        ignore: frozenset[str],
    ) -> None:
        self.name = name or _name_of(function)
        self.kind = kind
        self.capture_output = capture_output
        self._function = Function(function)
        self._bind = _binder(function, ignore) if capture_input else None

    def prepare(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Span:
        """Return a span of this call that has its input and its place in the tree, but has not begun."""
        span = new_span(self.name, self.kind, function_id=self._function.id)
        if self._bind is not None and (given := self._bind(args, kwargs)):
            span.capture("input", given)
        return span

    def open(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Span:
        return self.prepare(args, kwargs).begin()

    def returned(self, span: Span, result: Any) -> None:
        # None is what a function returned, here, and no unknown: but a column of nulls tells nothing.
        if self.capture_output and result is not None:
            span.capture("output", result)


def _name_of(function: Any) -> str:
    while not hasattr(function, "__qualname__") and hasattr(function, "func"):
        function = function.func  # functools.partial
    name: str = getattr(function, "__qualname__", None) or type(function).__qualname__
    return name.rpartition("<locals>.")[2]


def _binder(
    function: Callable[..., Any], ignore: frozenset[str]
) -> Callable[[tuple[Any, ...], Mapping[str, Any]], dict[str, Any]]:
    """Return a function from the arguments of a call to a dict by parameter name, defaults filled in.

    It does not check the call: arguments that do not fit are the function's to refuse.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        return lambda args, kwargs: {"args": list(args), **kwargs}

    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
    others = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), "kwargs")
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    hidden = ignore | ({positional[0]} if positional and positional[0] in ("self", "cls") else set())
    shown = [p.name for p in parameters if p.name not in hidden and p.name not in (rest, others)]

    first = len(positional) - len(shown)
    takes_only_shown = first in (0, 1) and positional[first:] == shown  # but for `self`

    def bind(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        if takes_only_shown and not kwargs and len(args) == len(positional):
            return dict(zip(shown, args[first:]))  # noqa: B905 - `strict` takes half as long again
        given = {**defaults, **dict(zip(positional, args, strict=False)), **kwargs}
        bound = {name: given.pop(name) for name in shown if name in given}
        if len(args) > len(positional) and rest not in hidden:
            bound[rest] = args[len(positional) :]
        for name in hidden:
            given.pop(name, None)
        if given and others not in hidden:
            bound[others] = given
        return bound

    return bind
