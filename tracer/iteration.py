"""Generators under trace: the span covers the iteration, from the first item asked for to the last or the break.

The span is current only while the generator's own code runs, so spans that the consumer opens between items do
not become its children.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial, update_wrapper
from types import FunctionType, MethodType
from typing import Any

import orjson

from tracer.calls import Call
from tracer.clock import now_ns
from tracer.errors import contain
from tracer.recorder import RECORDER, Span, recording, use


def _of_function(name: str) -> Any:
    def get(self: GeneratorFunction) -> Any:
        function = self.__wrapped__
        while isinstance(function, partial):
            function = function.func
        return getattr(function, name)

    return property(get)


class GeneratorFunction:
    """A generator function under trace, sync or async: to callers and frameworks the function that it stands for.

    Frameworks ask Python whether a function makes generators (a fixture of pytest, a dependency of FastAPI, a page of
    Streamlit), and Python looks at its code. A function of ours would need the code of a generator too, and then could
    not note its arguments and its place in the tree when it is called, but only when the first item is asked for.
    """

    __code__ = _of_function("__code__")
    __defaults__ = _of_function("__defaults__")
    __kwdefaults__ = _of_function("__kwdefaults__")
    __globals__ = _of_function("__globals__")
    __closure__ = _of_function("__closure__")
    __class__ = property(lambda _: FunctionType)
    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], call: Call, drive: Callable[[Any, Call, Span], Any]) -> None:
        self.__name__ = self.__qualname__ = call.name  # for what has no name of its own
        update_wrapper(self, function)
        self._call = call
        self._drive = drive

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        items = self.__wrapped__(*args, **kwargs)
        return self._drive(items, self._call, self._call.prepare(args, kwargs)) if recording() else items

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce__(self) -> str:
        return self.__qualname__  # by its name, as functions are pickled


def drive(items: Generator[Any, Any, Any], call: Call, span: Span) -> Generator[Any, Any, Any]:
    """Yield what `items` yields, pass on what is sent and thrown, and record it all."""
    yielded = Yielded(call, span)
    with yielded:
        returned = yield from _Steps(items, span, yielded)
        yielded.returned(returned)
    return returned


async def drive_async(items: AsyncGenerator[Any, Any], call: Call, span: Span) -> AsyncGenerator[Any, Any]:
    """As `drive`, for an async generator, which has no `yield from`. Source: PEP 525."""
    yielded = Yielded(call, span)
    with yielded:
        step = items.asend(None)
        while True:
            try:
                with use(span):
                    item = await step
            except StopAsyncIteration:
                yielded.returned(None)
                return
            yielded.add(item)
            try:
                sent = yield item
            except GeneratorExit:
                with use(span):
                    await items.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - the consumer throws it, and the generator is to get it
                step = items.athrow(error)
            else:
                step = items.asend(sent)


class _Steps:
    """A generator, each step of which runs with the span current: what `yield from` asks for. Source: PEP 380."""

    def __init__(self, items: Generator[Any, Any, Any], span: Span, yielded: Yielded) -> None:
        self._items = items
        self._span = span
        self._yielded = yielded

    def __iter__(self) -> _Steps:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        with use(self._span):
            item = self._items.send(value)
        self._yielded.add(item)
        return item

    def throw(self, *error: Any) -> Any:
        with use(self._span):
            item = self._items.throw(*error)
        self._yielded.add(item)
        return item

    def close(self) -> None:
        with use(self._span):
            self._items.close()


class Yielded:
    """The span of one iteration and what it has yielded so far; `with` begins and ends the span, and is not current."""

    def __init__(self, call: Call, span: Span) -> None:
        self._span = span
        self._captures = call.capture_output
        self._items: list[orjson.Fragment] = []
        self._count = 0
        self._bytes = 0
        self._returned: Any = None

    def __enter__(self) -> None:
        self._span.begin()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        with contain("what a generator yielded"):
            if self._captures:
                self._span.set(output=self._output())
        self._span.left_by(error)
        self._span.end()

    def add(self, item: Any) -> None:
        """Note an item as it is now: its consumer may change it. Past `max_value_bytes` items are only counted."""
        with contain("what a generator yielded"):
            self._count += 1
            if self._count == 1 and self._span.kind == "llm":
                self._span.set(ttft_ns=now_ns() - self._span.start_ns)
            if self._captures and self._bytes <= RECORDER.config.max_value_bytes:
                encoded = RECORDER.capturing.encode(self._span, item)
                self._bytes += len(encoded)
                self._items.append(orjson.Fragment(encoded))

    def returned(self, value: Any) -> None:
        self._returned = value

    def _output(self) -> Any:
        items: list[Any] = list(self._items)
        if len(items) < self._count:
            items.append({"$type": "cut", "items": self._count - len(items)})
        if self._returned is None:
            return items
        return {"yielded": items, "returned": self._returned}
