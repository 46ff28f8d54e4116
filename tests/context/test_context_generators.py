"""Generators, wherever they are iterated, dropped or closed: current only while their own code runs."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import pickle
import subprocess
import sys
import textwrap
import types
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from nesting import run, trees

from tracer import trace

Covers = Callable[[str, str, str, str], None]

NUMBERS = """
    import asyncio, contextvars, gc, threading

    @trace(name="numbers")
    def numbers():
        try:
            for number in range(3):
                with span(f"make {number}"):
                    pass
                yield number
        finally:
            with span("clean up"):
                pass

    @trace(name="anumbers")
    async def anumbers():
        try:
            for number in range(3):
                with span(f"make {number}"):
                    await asyncio.sleep(0)
                yield number
        finally:
            with span("clean up"):
                pass

    def use(item):
        with span(f"use {item}"):
            pass
"""


def test_one_that_is_handed_between_threads_and_tasks_stays_where_it_was_called(tmp_path: Path, covers: Covers) -> None:
    covers("generators", "sync and async", "handed between threads and tasks", "nested where called")
    program = (
        NUMBERS
        + """
    def consume(items):
        use(next(items))

    async def aconsume(items):
        use(await anext(items))

    async def main():
        with span("async"):
            items = anumbers()
        with span("elsewhere"):
            await asyncio.create_task(aconsume(items))
            await aconsume(items)
            await asyncio.create_task(items.aclose())
        use("at the end")

    def anext(items):
        return items.__anext__()

    with span("sync"):
        items = numbers()
    with span("elsewhere"):
        consume(items)
        thread = threading.Thread(target=consume, args=(items,))
        thread.start()
        thread.join()
        contextvars.copy_context().run(consume, items)
        print(next(items, "over"))
    asyncio.run(main())
    """
    )
    assert run(program, tmp_path).trees == [
        *("sync", "  numbers", "    clean up", "    make 0", "    make 1", "    make 2"),
        *("elsewhere", "  use 0", "  use 1", "  use 2"),
        *("async", "  anumbers CANCELLED", "    clean up", "    make 0", "    make 1"),
        *("elsewhere", "  use 0", "  use 1", "use at the end"),
    ]


def test_one_that_is_dropped_is_cancelled_wherever_that_happens(tmp_path: Path, covers: Covers) -> None:
    covers("generators", "sync and async", "dropped or closed anywhere", "CANCELLED")
    program = (
        NUMBERS
        + """
    async def main():
        with span("async"):
            items = anumbers()
            async for item in items:
                break
            del item
            use("between")
        del items
        gc.collect()
        await asyncio.sleep(0.01)
        use("after")
        never = anumbers()
        del never

    with span("sync"):
        items = numbers()
        next(items)
    with span("another"):
        thread = threading.Thread(target=lambda items=items: items.close())
        del items
        thread.start()
        thread.join()
        dropped = numbers()
        next(dropped)
        contextvars.copy_context().run(lambda: globals().pop("dropped") and None)
        use("then")
    asyncio.run(main())
    kept = numbers()
    next(kept)
    """
    )
    assert run(program, tmp_path).trees == [
        *("sync", "  numbers CANCELLED", "    clean up", "    make 0"),
        *("another", "  numbers CANCELLED", "    clean up", "    make 0", "  use then"),
        *("async", "  anumbers CANCELLED", "    clean up", "    make 0", "  use between", "use after"),
        *("numbers CANCELLED", "  clean up", "  make 0"),
    ]


def test_what_is_sent_thrown_and_delegated_goes_through(tmp_path: Path, covers: Covers) -> None:
    covers("generators", "sync and async", "send, throw, yield from", "same values")
    program = (
        NUMBERS
        + """
    @trace(name="outer")
    def outer():
        yield "first"
        got = yield from inner()
        with span("after"):
            pass
        return got

    @trace(name="inner")
    def inner():
        heard = []
        while len(heard) < 3:
            try:
                with span("hear"):
                    pass
                heard.append((yield len(heard)))
            except ValueError as error:
                heard.append(str(error))
        return heard

    @trace(name="aecho")
    async def aecho():
        heard = "nothing"
        while True:
            try:
                heard = yield heard
            except ValueError as error:
                heard = str(error)

    async def main():
        items = aecho()
        print(await items.asend(None), await items.asend("a"), await items.athrow(ValueError("b")))
        await items.aclose()
        failing = aecho()
        await failing.__anext__()
        try:
            await failing.athrow(KeyError("c"))
        except KeyError as error:
            print(error)

    items = outer()
    print(next(items), next(items), items.send("x"), items.throw(ValueError("y")))
    try:
        items.send("z")
    except StopIteration as end:
        print(end.value)
    asyncio.run(main())
    """
    )
    assert run(program, tmp_path).trees == [
        *("outer", "  after", "  inner", "    hear", "    hear", "    hear"),
        *("aecho CANCELLED", "aecho ERROR"),
    ]


def test_a_span_around_a_yield_of_a_plain_generator_leaves_nothing_behind(tmp_path: Path) -> None:
    """Python runs such a body in the context of its consumer: so it is inside, but no longer than what is around it."""
    program = """
        import asyncio

        def plain():
            with span("inside"):
                yield 1
                yield 2

        async def aplain():
            with span("ainside"):
                yield 1
                yield 2

        def use(name):
            with span(name):
                pass

        async def main():
            with span("outer"):
                async for _ in aplain():
                    break
            await asyncio.sleep(0.01)
            use("after")

        with span("outer"):
            items = plain()
            next(items)
            use("meanwhile")
        use("after")
        items.close()
        use("at the end")
        asyncio.run(main())
    """
    assert run(program, tmp_path).trees == [
        *("outer", "  inside CANCELLED", "    meanwhile", "after", "at the end"),
        *("outer", "  ainside CANCELLED", "after"),
    ]


def test_context_managers_made_of_generators(tmp_path: Path, covers: Covers) -> None:
    covers("generators", "sync and async", "context managers", "nested")
    program = """
        import asyncio
        from contextlib import asynccontextmanager, contextmanager

        @contextmanager
        @trace(name="resource")
        def resource():
            with span("open"):
                pass
            try:
                yield "r"
            finally:
                with span("close"):
                    pass

        @asynccontextmanager
        @trace(name="aresource")
        async def aresource():
            yield "a"

        async def main():
            async with aresource() as opened:
                with span("body"):
                    print(opened)

        with span("main"):
            with resource() as opened:
                with span("body"):
                    print(opened)
            try:
                with resource():
                    raise ValueError("x")
            except ValueError as error:
                print(error)
            asyncio.run(main())
    """
    assert run(program, tmp_path).trees == [
        *("main", "  aresource", "  body", "  body"),
        *("  resource", "    close", "    open", "  resource ERROR", "    close", "    open"),
    ]


def test_a_generator_that_is_a_fixture_of_pytest(tmp_path: Path, covers: Covers) -> None:
    covers("generators", "sync", "fixture of pytest", "same value")
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(
            """
        import pytest
        from tracer import span, trace

        @pytest.fixture
        @trace(name="database")
        def database():
            yield "connection"

        def test_it(database):
            with span("test"):
                assert database == "connection"
        """
        )
    )
    pytest_itself = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    environ = {**os.environ, "TRACER_STORE": str(tmp_path / "traces.duckdb")}
    done = subprocess.run(
        pytest_itself, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert "1 passed" in done.stdout, done.stdout
    assert trees(tmp_path / "traces.duckdb") == ["database", "test"]


@trace
def counted(count: int, *, start: int = 0) -> Iterator[int]:
    "Doc."
    yield from range(start, count)


@trace
async def acounted(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


class Counter:
    @trace
    def method(self, count: int) -> Iterator[int]:
        yield from range(count)

    @staticmethod
    @trace
    def static(count: int) -> Iterator[int]:
        yield from range(count)

    @classmethod
    @trace
    def of_class(cls, count: int) -> Iterator[int]:
        yield from range(count)


def test_generator_functions_stay_what_they_are(store_path: Path) -> None:
    """Frameworks ask: a fixture of pytest, a dependency of FastAPI, a page of Streamlit or Gradio, a runnable."""
    for function in (counted, Counter.method, Counter().method, Counter.static, Counter.of_class):
        assert inspect.isgeneratorfunction(function), function
        assert not inspect.isasyncgenfunction(function)
        assert not inspect.iscoroutinefunction(function)
    assert inspect.isasyncgenfunction(acounted)
    assert not inspect.isgeneratorfunction(acounted)
    assert inspect.isfunction(counted)
    assert inspect.ismethod(Counter().method)
    assert (counted.__name__, counted.__qualname__, counted.__doc__) == ("counted", "counted", "Doc.")
    assert str(inspect.signature(counted)) == "(count: 'int', *, start: 'int' = 0) -> 'Iterator[int]'"
    assert str(inspect.signature(Counter().method)) == "(count: 'int') -> 'Iterator[int]'"
    assert get_type_hints(counted) == {"count": int, "start": int, "return": Iterator[int]}
    assert pickle.loads(pickle.dumps(counted)) is counted
    assert inspect.unwrap(counted) is not counted
    partial = trace(functools.partial(counted, start=1))
    assert inspect.isgeneratorfunction(partial)
    assert (list(partial(3)), partial.__name__) == ([1, 2], "counted")
    assert [list(each) for each in (counted(2), Counter().method(2), Counter.static(2), Counter.of_class(2))] == [
        [0, 1]
    ] * 4
    assert inspect.isgenerator(counted(1))
    assert isinstance(counted(1), types.GeneratorType)


def test_a_call_that_does_not_fit_is_refused_at_the_call(store_path: Path) -> None:
    function: Callable[..., Any]
    for function in (counted, acounted):
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'count'"):
            function()


def test_attributes_of_a_generator_function_are_its_own(store_path: Path) -> None:
    counted.cost = 3  # type: ignore[attr-defined]
    assert counted.cost == 3  # type: ignore[attr-defined]
    del counted.cost  # type: ignore[attr-defined]
    assert not hasattr(counted, "cost")
    with contextlib.closing(counted(3)) as items:
        assert next(items) == 0  # type: ignore[call-overload]
