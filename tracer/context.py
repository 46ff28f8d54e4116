"""Which span is current, and what spans inside inherit: kept in OpenTelemetry's context, under a key of our own.

So it follows `await`, tasks, `gather` and `to_thread` as every OpenTelemetry context does. Our span becomes
OpenTelemetry's *current span* too only where that changes nobody's telemetry: while no SDK provider is
installed, or when our spans go out through the user's processors. Else a sampled application would export
spans with parents that its backend never sees.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, TypeAlias

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.environment_variables import OTEL_PYTHON_TRACER_PROVIDER

from tracer.errors import contain
from tracer.span import NOTHING_INHERITED, Inherited, RemoteSpan, Span

# OpenTelemetry's own functions of these names only call these: two frames each, five times a span.
_runtime = getattr(otel_context, "_RUNTIME_CONTEXT", otel_context)
_variable: Any = getattr(_runtime, "_current_context", None)
_is_variable = isinstance(_variable, ContextVar)
get_current: Callable[[], otel_context.Context] = _variable.get if _is_variable else _runtime.get_current
attach: Callable[[otel_context.Context], object] = _variable.set if _is_variable else _runtime.attach

ParentResolver = Callable[["Span | None"], "Span | None"]

_KEY = otel_context.create_key("llm-tracer")
_OTEL_KEY = next(iter(otel.set_span_in_context(otel.INVALID_SPAN, otel_context.Context())))
"""Where OpenTelemetry keeps its current span: both keys are then set in one copy of the context."""

_RESOLVING = contain("the parent of a span")

_resolvers: list[ParentResolver] = []

foreign_spans: dict[int, Span] = {}
"""Open spans that others opened: of SDK providers by their own span id, of our provider for instrumentors by ours."""


Scope: TypeAlias = "tuple[Span | None, Inherited, otel.Span | None, Scope | None]"
"""What holds here: our current span, what is inherited, OpenTelemetry's current span when that was set, and the scope
around this one."""

NO_SCOPE: Scope = (None, NOTHING_INHERITED, None, None)

_outermost = NO_SCOPE


def begin_within(scope: Scope) -> None:
    """Let this scope hold wherever the context has none: what this whole process belongs to."""
    global _outermost  # noqa: PLW0603 - there is one for the process, and each span reads it
    _outermost = scope


def scope_of(context: Mapping[str, Any]) -> Scope:
    """Return what holds in a context of OpenTelemetry's."""
    scope: Scope = context.get(_KEY, _outermost)
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
    parent, _, seen, _ = scope_of(around)
    if foreign_spans:
        inner = otel_span_of(around)
        if inner is not parent and inner is not seen:
            parent = foreign_spans.get(_key_of(inner), parent)
    for resolve in _resolvers:
        with _RESOLVING:
            parent = resolve(parent)
    return parent


def _key_of(span: otel.Span) -> int:
    """Return the key of a span in `foreign_spans`. One of our provider says its own id, also through a proxy."""
    own: str | None = getattr(span, "span_id", None)
    return int(own, 16) if isinstance(own, str) else span.get_span_context().span_id


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
    return span if span is not None and isinstance(span, otel.Span) else otel.INVALID_SPAN


STATE_KEY = "llm-tracer"
"""The member of W3C `tracestate` that names a span of ours where `traceparent` belongs to the user's own telemetry."""


def span_outside(context: Mapping[str, Any]) -> RemoteSpan | None:
    """Return the span that a root of ours belongs under though it is none of ours: OpenTelemetry's current one.

    Where that came over the wire from a process with spans of ours, it is the one of ours that it brought along.
    """
    current = otel_span_of(context)
    if current is otel.INVALID_SPAN or not (around := current.get_span_context()).is_valid:
        return None
    brought = around.trace_state.get(STATE_KEY) if around.trace_state else None
    return span_from_state(brought) or RemoteSpan(f"{around.trace_id:032x}", f"{around.span_id:016x}")


def span_from_state(state: str | None) -> RemoteSpan | None:
    """Return the span that our member of `tracestate` names; None where there is none, or not of our making."""
    found = _STATE.fullmatch(state or "")
    return RemoteSpan(found["trace_id"], found["span_id"]) if found else None


_STATE = re.compile("(?P<trace_id>[0-9a-f]{32})-(?P<span_id>[0-9a-f]{16})")

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
    scope = scope_of(before)
    if becomes_current:
        inside = otel_context.Context({**before, _KEY: (span, scope[1], span, scope), _OTEL_KEY: span})
    else:
        inside = otel_context.Context({**before, _KEY: (span, scope[1], otel_span_of(before), scope)})
    attach(inside)
    return before, inside


def enter_inherited(inherited: Inherited, parent: Span | None = None) -> Entered:
    """Let all spans opened here inherit these columns, and belong under `parent` if there is one, until `leave`."""
    before = get_current()
    scope = scope_of(before)
    span, seen = (scope[0], scope[2]) if parent is None else (parent, otel_span_of(before))
    inside = otel_context.set_value(_KEY, (span, inherited, seen, scope), before)
    attach(inside)
    return before, inside


def scope_to_carry() -> Scope | None:
    """Return what work that is handed on from here belongs to, wherever it runs; None where there is nothing of ours.

    It holds what is ours alone: the user's telemetry goes where it goes without us.
    """
    around = get_current()
    inherited = scope_of(around)[1]
    parent = find_parent(around) or span_outside(around)
    if parent is None and not inherited:
        return None
    return parent, inherited, parent if around.get(_OTEL_KEY) is parent else None, None


def enter_carried(scope: Scope) -> Entered:
    """Let a scope from elsewhere hold here, in the place of any that does, until `leave`."""
    before = get_current()
    parent, inherited, shown, _ = scope
    values = {**before}
    if isinstance(values.get(_OTEL_KEY), Span):
        del values[_OTEL_KEY]
    if shown is not None:
        values[_OTEL_KEY] = shown
    values[_KEY] = (parent, inherited, otel_span_of(values), scope_of(before))
    inside = otel_context.Context(values)
    attach(inside)
    return before, inside


def leave(entered: Entered) -> None:
    """Put back what held before.

    That needs no token, so leaving in another task than entering (a generator that was handed on) cannot fail. What
    was entered inside and never left, as by a generator that nobody finished, ends with it; what others made current
    meanwhile stays.
    """
    before, inside = entered
    around = get_current()
    if around is inside:
        attach(before)
    elif around is not before and _lies_within(scope_of(around), scope_of(inside)):
        attach(_without_ours(around, before))


def _lies_within(scope: Scope | None, outer: Scope) -> bool:
    while scope is not None and scope is not outer:
        scope = scope[3]
    return scope is not None


def _without_ours(around: Mapping[str, Any], before: Mapping[str, Any]) -> otel_context.Context:
    """Return this context, but of ours only what held before."""
    values = {key: value for key, value in around.items() if key != _KEY}
    keys = (_KEY, _OTEL_KEY) if isinstance(values.get(_OTEL_KEY), Span) else (_KEY,)
    for key in keys:
        values.pop(key, None)
        if key in before:
            values[key] = before[key]
    return otel_context.Context(values)
