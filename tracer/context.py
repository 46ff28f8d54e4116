"""Which span is current, and what spans inside inherit: kept in OpenTelemetry's context, under a key of our own.

So it follows `await`, tasks, `gather` and `to_thread` as every OpenTelemetry context does. Our span becomes
OpenTelemetry's *current span* too only where that changes nobody's telemetry: while no SDK provider is
installed, or when our spans go out through the user's processors. Else a sampled application would export
spans with parents that its backend never sees.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.environment_variables import OTEL_PYTHON_TRACER_PROVIDER

from tracer.errors import contain
from tracer.span import NOTHING_INHERITED, Inherited, Span

# OpenTelemetry's own functions of these names only call these: a frame each, five times a span.
_runtime = getattr(otel_context, "_RUNTIME_CONTEXT", otel_context)
get_current: Callable[[], otel_context.Context] = _runtime.get_current
attach: Callable[[otel_context.Context], object] = _runtime.attach

ParentResolver = Callable[["Span | None"], "Span | None"]

_KEY = otel_context.create_key("llm-tracer")
_OTEL_KEY = next(iter(otel.set_span_in_context(otel.INVALID_SPAN, otel_context.Context())))
"""Where OpenTelemetry keeps its current span: both keys are then set in one copy of the context."""

_RESOLVING = contain("the parent of a span")

_resolvers: list[ParentResolver] = []

foreign_spans: dict[int, Span] = {}
"""Open spans of SDK providers that come in through our processor, by their OpenTelemetry span id."""


Scope = tuple["Span | None", Inherited, "otel.Span | None"]
"""What holds here: our current span, what is inherited, and OpenTelemetry's current span when that was set."""

_NO_SCOPE: Scope = (None, NOTHING_INHERITED, None)


def scope_of(context: Mapping[str, Any]) -> Scope:
    """Return what holds in a context of OpenTelemetry's."""
    scope: Scope = context.get(_KEY, _NO_SCOPE)
    return scope


def current_span() -> Span | None:
    """Return the span that is current here, or None."""
    return scope_of(get_current())[0]


def current_inherited() -> Inherited:
    """Return what a span opened here inherits."""
    return scope_of(get_current())[1]


def find_parent(context: Mapping[str, Any] | None = None) -> Span | None:
    """Return the span that a span opened here, or in this context, belongs under; None makes it a root.

    That is the current span, or a span of an SDK provider opened inside it that we know, or what a resolver (an
    integration that sees calls which the context does not carry) says instead.
    """
    around = get_current() if context is None else context
    parent, _, seen = scope_of(around)
    if foreign_spans:
        inner = otel_span_of(around)
        if inner is not parent and inner is not seen:
            parent = foreign_spans.get(inner.get_span_context().span_id, parent)
    for resolve in _resolvers:
        with _RESOLVING:
            parent = resolve(parent)
    return parent


def add_parent_resolver(resolve: ParentResolver) -> None:
    """Ask `resolve` for every parent from now on: it gets what the context says, and returns what is right."""
    if resolve not in _resolvers:
        _resolvers.append(resolve)


def remove_parent_resolver(resolve: ParentResolver) -> None:
    if resolve in _resolvers:
        _resolvers.remove(resolve)


def otel_span_of(context: Mapping[str, Any]) -> otel.Span:
    """Return OpenTelemetry's current span in a context, as `get_current_span` does, which asks more on its way."""
    span = context.get(_OTEL_KEY)
    return span if isinstance(span, otel.Span) else otel.INVALID_SPAN


_PROVIDER_IS_NAMED = OTEL_PYTHON_TRACER_PROVIDER in os.environ


def sdk_is_installed() -> bool:
    """Return whether a provider that makes spans is installed for the whole process.

    `get_tracer_provider` looks at the environment each time that there is none, which would take longer than all else
    in entering a span; so it is asked only when there is one, or when the environment names one.
    """
    if getattr(otel, "_TRACER_PROVIDER", otel) is None and not _PROVIDER_IS_NAMED:
        return False
    return not isinstance(otel.get_tracer_provider(), (otel.ProxyTracerProvider, otel.NoOpTracerProvider))


Entered = tuple[otel_context.Context, otel_context.Context]
"""What held before a block, and what holds inside it."""


def enter_span(span: Span, *, becomes_current: bool) -> Entered:
    """Make `span` ours here, and OpenTelemetry's current span if it `becomes_current`, until `leave`."""
    before = get_current()
    _, inherited, _ = scope_of(before)
    if becomes_current:
        inside = otel_context.Context({**before, _KEY: (span, inherited, span), _OTEL_KEY: span})
    else:
        inside = otel_context.Context({**before, _KEY: (span, inherited, otel_span_of(before))})
    attach(inside)
    return before, inside


def enter_inherited(inherited: Inherited) -> Entered:
    """Let all spans opened here inherit these columns, until `leave`."""
    before = get_current()
    span, _, seen = scope_of(before)
    inside = otel_context.set_value(_KEY, (span, inherited, seen), before)
    attach(inside)
    return before, inside


def leave(entered: Entered) -> None:
    """Put back what held before.

    That needs no token, so leaving in another task than entering (a generator that was handed on) cannot fail; and
    where something else has become current meanwhile, it stays.
    """
    before, inside = entered
    if get_current() is inside:
        attach(before)
