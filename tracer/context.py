"""Which span is current, and what spans inside inherit: kept in OpenTelemetry's context, under a key of our own.

So it follows `await`, tasks, `gather` and `to_thread` as every OpenTelemetry context does. Our span becomes
OpenTelemetry's *current span* too only where that changes nobody's telemetry: while no SDK provider is
installed, or when our spans go out through the user's processors. Else a sampled application would export
spans with parents that its backend never sees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace as otel

from tracer.span import NOTHING_INHERITED, Inherited, Span

ParentResolver = Callable[["Span | None"], "Span | None"]

_KEY = otel_context.create_key("llm-tracer")
_OTEL_KEY = next(iter(otel.set_span_in_context(otel.INVALID_SPAN, otel_context.Context())))
"""Where OpenTelemetry keeps its current span: both keys are then set in one copy of the context."""

_resolvers: list[ParentResolver] = []

foreign_spans: dict[int, Span] = {}
"""Open spans of SDK providers that come in through our processor, by their OpenTelemetry span id."""


class Scope(NamedTuple):
    """What holds here: our current span, what is inherited, and OpenTelemetry's current span when that was set."""

    span: Span | None = None
    inherited: Inherited = NOTHING_INHERITED
    otel_span: otel.Span | None = None


_NO_SCOPE = Scope()


def current_scope(context: otel_context.Context | None = None) -> Scope:
    scope = otel_context.get_value(_KEY, context)
    return scope if isinstance(scope, Scope) else _NO_SCOPE


def current_span() -> Span | None:
    """Return the span that is current here, or None."""
    return current_scope().span


def find_parent(context: otel_context.Context | None = None) -> Span | None:
    """Return the span that a span opened here belongs under; None makes it a root.

    That is the current span, or a span of an SDK provider opened inside it that we know, or what a resolver (an
    integration that sees calls which the context does not carry) says instead.
    """
    scope = current_scope(context)
    parent = scope.span
    if foreign_spans:
        inner = otel.get_current_span(context)
        if inner is not parent and inner is not scope.otel_span:
            parent = foreign_spans.get(inner.get_span_context().span_id, parent)
    for resolve in _resolvers:
        parent = resolve(parent)
    return parent


def add_parent_resolver(resolve: ParentResolver) -> None:
    """Ask `resolve` for every parent from now on: it gets what the context says, and returns what is right."""
    if resolve not in _resolvers:
        _resolvers.append(resolve)


def remove_parent_resolver(resolve: ParentResolver) -> None:
    if resolve in _resolvers:
        _resolvers.remove(resolve)


def enter_span(span: Span, *, becomes_current: bool) -> Callable[[], None]:
    """Make `span` ours here, and OpenTelemetry's current span if it `becomes_current`; return what undoes that."""
    before = otel_context.get_current()
    inherited = current_scope(before).inherited
    if becomes_current:
        inside = otel_context.Context({**before, _KEY: Scope(span, inherited, span), _OTEL_KEY: span})
    else:
        seen = otel.get_current_span(before)
        inside = otel_context.Context({**before, _KEY: Scope(span, inherited, seen)})
    return _enter(before, inside)


def enter_inherited(inherited: Inherited) -> Callable[[], None]:
    """Let all spans opened here inherit these columns; return what undoes that."""
    before = otel_context.get_current()
    scope = current_scope(before)
    return _enter(before, otel_context.set_value(_KEY, Scope(scope.span, inherited, scope.otel_span), before))


def _enter(before: otel_context.Context, inside: otel_context.Context) -> Callable[[], None]:
    otel_context.attach(inside)

    def leave() -> None:
        # Putting back what was there needs no token, so leaving in another task than entering (a generator that
        # was handed on) cannot fail; and where something else has become current meanwhile, it stays.
        if otel_context.get_current() is inside:
            otel_context.attach(before)

    return leave
