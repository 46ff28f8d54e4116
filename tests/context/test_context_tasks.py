"""Event loops: spans nest as tasks and callbacks are made, and what is cancelled is CANCELLED."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nesting import run

from tracer import current_span, span

Covers = Callable[[str, str, str, str], None]

ASYNCIO = """
    import asyncio, contextvars

    @trace(name="step")
    async def step(number=0):
        await asyncio.sleep(0.01)
        return number

    async def after(seconds, name):
        with span(name):
            await asyncio.sleep(seconds)
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_tasks_callbacks_and_contexts_nest_where_they_are_made(tmp_path: Path, loop: str, covers: Covers) -> None:
    covers("event loops", "async", f"tasks and callbacks, {loop}", "nested")
    program = (
        ASYNCIO
        + f"    import {loop}\n"
        + """
    async def main():
        loop = asyncio.get_running_loop()
        with span("gather"):
            print(await asyncio.gather(step(1), step(2)))
        with span("ensure_future"):
            future = asyncio.ensure_future(step(3))
        with span("elsewhere"):
            print(await future)
        with span("callbacks"):
            done = asyncio.Event()
            loop.call_soon(call, "soon")
            loop.call_later(0.001, call, "later")
            loop.call_at(loop.time() + 0.002, call, "at", done)
            with span("unrelated"):
                await done.wait()
        with span("context"):
            context = contextvars.copy_context()
        with span("unrelated"):
            context.run(call, "in the context")
        with span("outlived"):
            task = asyncio.create_task(after(0.02, "child"))
            await asyncio.sleep(0)
        await task
        with span("done callback"):
            task = asyncio.create_task(step(4))
            task.add_done_callback(lambda _: call("done"))
        await task
        await asyncio.sleep(0)
        with span("wait_for"):
            print(await asyncio.wait_for(step(5), 5), [await each for each in asyncio.as_completed([step(6)])])

    def call(name, done=None):
        with span(name):
            pass
        if done:
            done.set()

    LOOP.run(main())
    """.replace("LOOP", loop)
    )
    assert run(program, tmp_path).trees == [
        *("gather", "  step", "  step", "ensure_future", "  step", "elsewhere"),
        *("callbacks", "  at", "  later", "  soon", "  unrelated"),
        *("context", "  in the context", "unrelated", "outlived", "  child"),
        *("done callback", "  done", "  step", "wait_for", "  step", "  step"),
    ]


def test_what_is_cancelled_is_no_error(tmp_path: Path, covers: Covers) -> None:
    covers("event loops", "async", "cancel, timeout, shield", "CANCELLED")
    program = (
        ASYNCIO
        + """
    async def failing():
        with span("failing"):
            await asyncio.sleep(0.01)
            raise ValueError("x")

    async def main():
        with span("cancelled"):
            task = asyncio.create_task(after(60, "task"))
            await asyncio.sleep(0.01)
            task.cancel("enough")
            print(await asyncio.gather(task, return_exceptions=True))
        try:
            with span("timeout"):
                await asyncio.wait_for(after(60, "late"), 0.01)
        except asyncio.TimeoutError:
            print("timeout")
        with span("gather"):
            print(await asyncio.gather(failing(), after(0.02, "goes on"), return_exceptions=True))
        with span("shield"):
            inner = asyncio.create_task(after(0.02, "shielded"))
            outer = asyncio.create_task(after_shield(inner))
            await asyncio.sleep(0)
            outer.cancel()
            await inner

    async def after_shield(inner):
        with span("waiter"):
            await asyncio.shield(inner)

    asyncio.run(main())
    """
    )
    assert run(program, tmp_path).trees == [
        *("cancelled", "  task CANCELLED", "timeout ERROR", "  late CANCELLED"),
        *("gather", "  failing ERROR", "  goes on", "shield", "  shielded", "  waiter CANCELLED"),
    ]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="task groups, timeouts and runners came with Python 3.11")
def test_task_groups_timeouts_and_runners(tmp_path: Path, covers: Covers) -> None:
    covers("event loops", "async", "TaskGroup, timeout, Runner", "nested, CANCELLED")
    program = (
        ASYNCIO
        + """
    async def failing():
        with span("failing"):
            raise ValueError("x")

    async def main():
        with span("group"):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(step(number)) for number in (1, 2)]
            print([task.result() for task in tasks])
        try:
            with span("broken group"):
                async with asyncio.TaskGroup() as group:
                    group.create_task(after(60, "sibling"))
                    await asyncio.sleep(0)
                    group.create_task(failing())
        except* ValueError as errors:
            print(errors.exceptions)
        with span("around"):
            try:
                async with asyncio.timeout(0.01):
                    with span("inside"):
                        await after(60, "late")
            except TimeoutError:
                print("timeout")

    with asyncio.Runner() as runner:
        runner.run(main())
        with span("second run"):
            runner.run(step(), context=contextvars.copy_context())  # a runner keeps the context of its first run
    """
    )
    assert run(program, tmp_path).trees == [
        *("group", "  step", "  step", "broken group ERROR", "  failing ERROR", "  sibling CANCELLED"),
        *("around", "  inside CANCELLED", "    late CANCELLED", "second run", "  step"),
    ]


def test_eager_tasks_nest_and_leave_their_maker_as_it_was(tmp_path: Path) -> None:
    """They came with Python 3.12; the tasks that there were before do the same."""
    program = (
        ASYNCIO
        + """
    async def main():
        asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))
        with span("main"):
            task = asyncio.create_task(step(1))
            with span("sibling"):
                pass
            print(await task)

    asyncio.run(main())
    """
    )
    assert run(program, tmp_path).trees == ["main", "  sibling", "  step"]


def test_a_span_that_another_task_ends_or_nobody(tmp_path: Path, covers: Covers) -> None:
    """Whatever the order of entering and leaving, what comes later nests as if it had been right, and no log speaks."""
    covers("spans", "async", "left elsewhere, out of order, or never", "nothing stays current")
    program = (
        ASYNCIO
        + """
    def check(name):
        with span(name):
            pass

    async def leave(opened):
        opened.__exit__(None, None, None)
        check("in the leaving task")

    async def main():
        with span("main"):
            opened = span("handed over")
            opened.__enter__()
            check("inside")
            await asyncio.create_task(leave(opened))
            check("still in the context that entered")
            opened.__exit__(None, None, None) if sys.argv[1] != "untraced" else None
        check("after")
        (first := span("first")).__enter__()
        (second := span("second")).__enter__()
        first.__exit__(None, None, None)
        check("after the outer one was left")
        second.__exit__(None, None, None)
        check("after both were left")
        forgotten = span("never left")
        forgotten.__enter__()
        check("inside of what is never left")
        return forgotten

    forgotten = asyncio.run(main())
    check("at the end")
    """
    )
    assert run(program, tmp_path).trees == [
        *("main", "  handed over", "    inside", "    still in the context that entered", "  in the leaving task"),
        *("after", "first", "  second", "after the outer one was left", "after both were left"),
        *("never left LOST", "  inside of what is never left", "at the end"),
    ]


def test_a_span_that_is_entered_and_ended_twice(
    store_path: Path, outline: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    with span("outer"):
        twice = span("twice")
        with twice, twice, span("inside"):
            pass
        twice.end()
        with span("after"):
            pass
    assert current_span() is None
    assert outline() == ["outer", "  twice", "    inside", "  after"]
    assert caplog.records == []


TRIO = """
    import anyio, trio

    @trace(name="step")
    async def step(number=0):
        await anyio.sleep(0.01)
        return number

    async def after(seconds, name):
        with span(name):
            await anyio.sleep(seconds)

    @trace(name="blocking")
    def blocking():
        return anyio.from_thread.run(step)
"""


def test_nurseries_channels_and_threads_of_trio_nest(tmp_path: Path, covers: Covers) -> None:
    covers("event loops", "async", "trio: nurseries, channels, threads", "nested")
    program = (
        TRIO
        + """
    async def main():
        with span("nursery"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(step, 1)
                nursery.start_soon(after, 0.01, "other")
        with span("threads"):
            print(await trio.to_thread.run_sync(lambda: trio.from_thread.run(step, 2)))
            print(await anyio.to_thread.run_sync(blocking))
        send, receive = trio.open_memory_channel(0)

        async def consume():
            async for item in receive:
                with span(f"consume {item}"):
                    pass

        async with trio.open_nursery() as nursery:
            with span("consumer"):
                nursery.start_soon(consume)
            with span("producer"):
                for item in "ab":
                    with span(f"produce {item}"):
                        await send.send(item)
            send.close()

    trio.run(main)
    """
    )
    assert run(program, tmp_path).trees == [
        *("nursery", "  other", "  step", "threads", "  blocking", "    step", "  step"),
        *("consumer", "  consume a", "  consume b", "producer", "  produce a", "  produce b"),
    ]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancel_scopes_cancel(tmp_path: Path, backend: str, covers: Covers) -> None:
    covers("event loops", "async", f"anyio, {backend}: cancel scopes", "CANCELLED")
    program = (
        TRIO
        + """
    async def failing():
        with span("failing"):
            await anyio.sleep(0)
            raise ValueError("x")

    async def main():
        with span("around"):
            with anyio.move_on_after(0.01):
                with span("outer"):
                    async with anyio.create_task_group() as group:
                        group.start_soon(after, 60, "child")
                        with span("body"):
                            await anyio.sleep(60)
            print("moved on")
        try:
            with span("broken"):
                async with anyio.create_task_group() as group:
                    group.start_soon(after, 60, "sibling")
                    group.start_soon(failing)
        except BaseException as error:
            print(type(error).__name__, [type(each).__name__ for each in error.exceptions])

    anyio.run(main, backend=BACKEND)
    """.replace("BACKEND", repr(backend))
    )
    assert run(program, tmp_path).trees == [
        *("around", "  outer CANCELLED", "    body CANCELLED", "    child CANCELLED"),
        *("broken ERROR", "  failing ERROR", "  sibling CANCELLED"),
    ]


def test_greenlets_nest_with_a_word_threads_under_gevent_without(tmp_path: Path, covers: Covers) -> None:
    covers("greenlets", "sync", "gevent", "nested with copy_context().run")
    program = """
        from gevent import monkey
        monkey.patch_all()
        import gevent, threading
        from contextvars import copy_context
        from concurrent.futures import ThreadPoolExecutor

        @trace(name="step")
        def step():
            gevent.sleep(0.01)

        @trace(name="endless")
        def endless():
            gevent.sleep(60)

        with span("main"):
            gevent.joinall([gevent.spawn(copy_context().run, step) for _ in range(2)])
            killed = gevent.spawn(copy_context().run, endless)
            gevent.sleep(0.01)
            killed.kill()
        with span("threads"), ThreadPoolExecutor(1) as pool:
            pool.submit(step).result()
            thread = threading.Thread(target=step)
            thread.start()
            thread.join()
    """
    assert run(program, tmp_path).trees == [
        *("main", "  endless CANCELLED", "  step", "  step", "threads", "  step", "  step"),
    ]


@pytest.mark.parametrize(
    "backend",
    ["loky", "threading", *(pytest.param(name, marks=pytest.mark.slow) for name in ("multiprocessing", "sequential"))],
)
def test_joblib_nests_whatever_does_its_work(tmp_path: Path, backend: str, covers: Covers) -> None:
    covers("processes", "sync", f"joblib, {backend}", "nested")
    program = """
        import joblib

        @trace(name="work")
        def work(number):
            return number

        if __name__ == "__main__":
            for name in ("first", "second"):
                with span(name):
                    calls = (joblib.delayed(work)(number) for number in range(6))
                    print(joblib.Parallel(n_jobs=2, backend=BACKEND, batch_size=1, pre_dispatch=2)(calls))
            print(joblib.Parallel(n_jobs=2, backend=BACKEND)([joblib.delayed(work)(1)]))
    """
    trees = run(program.replace("BACKEND", repr(backend)), tmp_path).trees
    assert trees == ["first", *["  work"] * 6, "second", *["  work"] * 6, "work"]
