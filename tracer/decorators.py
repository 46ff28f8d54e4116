"""What a program writes: `@trace` on a function, `with span(…)` around a step, `with using(…)` around a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from types import MappingProxyType
from typing import Any, NamedTuple, ParamSpec, TypeVar, overload

from tracer.calls import Call
from tracer.context import current_inherited, enter_inherited, leave
from tracer.errors import UsageError, contain
from tracer.fields import checked
from tracer.recorder import RECORDER, Span, recording, start_span
from tracer.rows import KINDS
from tracer.span import Inherited

P = ParamSpec("P")
R = TypeVar("R")


@overload
def trace(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def trace(
    *,
    name: str | None = None,
    kind: str = "chain",
    capture_input: bool = True,
    capture_output: bool = True,
    ignore: Iterable[str] = (),
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def trace(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    kind: str = "chain",
    capture_input: bool = True,
    capture_output: bool = True,
    ignore: Iterable[str] = (),
) -> Any:
    """Record each call of a function as a span: its arguments by name, what it returned, or how it failed.

    For functions, coroutine functions, generators and async generators, methods, class methods and static methods;
    with or without parentheses. `ignore` names arguments that are not recorded; `self` and `cls` never are. The
    function behaves as before. Raises UsageError for what is no function, or for an unknown `kind`.
    """
    if kind not in KINDS:
        raise UsageError(f"kind={kind!r} is none of {', '.join(KINDS)}")

    def decorate(decorated: Any) -> Any:
        if isinstance(decorated, (staticmethod, classmethod)):
            return type(decorated)(decorate(decorated.__func__))
        if inspect.isclass(decorated) or not callable(decorated):
            raise UsageError(f"@trace takes a function or a method; decorate the methods of {decorated!r} instead")
        call = Call(
            decorated,
            name=name,
            kind=kind,
            capture_input=capture_input,
            capture_output=capture_output,
            ignore=frozenset([ignore] if isinstance(ignore, str) else ignore),
        )
        return _wrapped(decorated, call)

    return decorate if function is None else decorate(function)


def span(name: str, *, kind: str = "chain", input: Any = None, **fields: Any) -> Span:
    """Begin a span: `with span("retrieve", kind="retriever", input={…}) as s: … s.set(output=docs)`.

    `fields` are as for `Span.set`. Used without `with`, it is current nowhere, and has to be ended by `s.end()`.
    """
    return start_span(name, kind=_known_kind(kind), input=input, **fields)


class Prompt(NamedTuple):
    """The prompt template that a step used: what it is called, which version, and what was filled in."""

    name: str
    version: str | None = None
    variables: Mapping[str, Any] = MappingProxyType({})


@contextmanager
def using(
    *,
    session_id: str | None = None,
    user_id: str | None = None,
    tags: Iterable[str] = (),
    metadata: Mapping[str, Any] | None = None,
    prompt: Prompt | None = None,
) -> Iterator[None]:
    """Give these to every span opened inside the block, in whatever task or thread the context reaches.

    An inner `using` overrides session, user and prompt; tags and metadata add up.
    """
    entered = None
    if recording():
        with contain("what `using` gives"):
            entered = enter_inherited(_inherited(session_id, user_id, tags, metadata, prompt))
    try:
        yield
    finally:
        if entered is not None:
            leave(entered)


def _inherited(
    session_id: str | None,
    user_id: str | None,
    tags: Iterable[str],
    metadata: Mapping[str, Any] | None,
    prompt: Prompt | None,
) -> Inherited:
    around = current_inherited()
    columns = {**around}
    given = {"session_id": session_id, "user_id": user_id}
    if prompt is not None:
        given |= {"prompt_name": prompt.name, "prompt_version": prompt.version}
        if prompt.variables:
            columns["prompt_variables"] = RECORDER.capture_for_many(prompt.variables)
    for column, value in given.items():
        if value is not None and (kept := checked(column, value)) is not None:
            columns[column] = kept
    if new_tags := [tags] if isinstance(tags, str) else list(map(str, tags)):
        columns["tags"] = list(dict.fromkeys([*around.get("tags", ()), *new_tags]))
    if metadata:
        added = {str(key): RECORDER.capture_for_many(value) for key, value in metadata.items()}
        columns["metadata"] = {**around.get("metadata", {}), **added}
    return columns


def _known_kind(kind: str) -> str:
    return kind if checked("kind", kind) is not None else "other"


def _wrapped(function: Any, call: Call) -> Any:
    """Return `function` with its calls recorded, as the same sort of function that it was."""
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not recording():
                return await function(*args, **kwargs)
            with call.open(args, kwargs) as current:
                result = await function(*args, **kwargs)
                call.returned(current, result)
            return result

    elif inspect.isasyncgenfunction(function):
        from tracer.iteration import drive_async

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            items = function(*args, **kwargs)
            return drive_async(items, call, call.prepare(args, kwargs)) if recording() else items

    elif inspect.isgeneratorfunction(function):
        from tracer.iteration import drive

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            items = function(*args, **kwargs)
            return drive(items, call, call.prepare(args, kwargs)) if recording() else items

    else:

        @wraps(function, updated=("__dict__",) if hasattr(function, "__dict__") else ())
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not recording():
                return function(*args, **kwargs)
            with call.open(args, kwargs) as current:
                result = function(*args, **kwargs)
                call.returned(current, result)
            return result

    return wrapper
