"""What a program writes: `@trace` on a function, `with span(…)` around a step, `with using(…)` around a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar, overload

from tracer.calls import Call
from tracer.context import Entered, current_inherited, enter_inherited, leave
from tracer.errors import UsageError, contain
from tracer.fields import checked
from tracer.recorder import RECORDER, Span, recording, start_span
from tracer.rows import KINDS
from tracer.span import Inherited

if TYPE_CHECKING:
    from tracer.propagation.headers import Headers

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
    parent: Headers | str | None = None,
) -> Iterator[None]:
    """Give these to every span opened inside the block, in whatever task, thread or process the work goes to.

    An inner `using` overrides session, user and prompt; tags and metadata add up.
    parent: headers that `trace_headers` made somewhere else, or one `traceparent`. Spans inside belong to the trace
      that they come from, with its session, user and tags; headers that name none change nothing.
    """
    entered = None
    if recording():
        with contain("what `using` gives"):
            entered = _enter_using(parent, prompt, session_id=session_id, user_id=user_id, tags=tags, metadata=metadata)
    try:
        yield
    finally:
        if entered is not None:
            leave(entered)


def _enter_using(parent: Headers | str | None, prompt: Prompt | None, **given: Any) -> Entered:
    RECORDER.get_ready()  # what this process belongs to is around all of it
    if parent is None:
        return enter_inherited(_inherited(current_inherited(), prompt, **given))
    from tracer.propagation.headers import read

    span, brought = read(parent)
    return enter_inherited(_inherited({**current_inherited(), **brought}, prompt, **given), span)


def _inherited(
    around: Inherited,
    prompt: Prompt | None,
    *,
    tags: Iterable[str],
    metadata: Mapping[str, Any] | None,
    **given: str | None,
) -> Inherited:
    columns = {**around}
    if prompt is not None:
        given |= {"prompt_name": prompt.name, "prompt_version": prompt.version}
        if prompt.variables:
            columns["prompt_variables"] = RECORDER.capturing.capture_for_many(prompt.variables)
    for column, value in given.items():
        if value is not None and (kept := checked(column, value)) is not None:
            columns[column] = kept
    if new_tags := [tags] if isinstance(tags, str) else list(map(str, tags)):
        columns["tags"] = list(dict.fromkeys([*around.get("tags", ()), *new_tags]))
    if metadata:
        added = {str(key): RECORDER.capturing.capture_for_many(value) for key, value in metadata.items()}
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
        from tracer.iteration import GeneratorFunction, drive_async

        return GeneratorFunction(function, call, drive_async)

    elif inspect.isgeneratorfunction(function):
        from tracer.iteration import GeneratorFunction, drive

        return GeneratorFunction(function, call, drive)

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
