"""Threads, pools of threads and timers: what they do nests under the span that started or submitted it, unasked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nesting import run

from tracer.store import Store

Covers = Callable[[str, str, str, str], None]


def test_threads_timers_and_subclasses_nest_where_they_are_started(tmp_path: Path, covers: Covers) -> None:
    covers("threads", "sync", "Thread, Timer, subclasses", "nested")
    program = """
        import threading

        class Worker(threading.Thread):
            def run(self):
                work("subclass")

        @trace(name="main")
        def main():
            threads = [
                threading.Thread(target=work, args=("target",), kwargs={"number": 1}),
                Worker(),
                threading.Timer(0.01, work, args=["timer"]),
            ]
            for thread in threads:
                thread.start()
            with span("unrelated"):
                for thread in threads:
                    thread.join()
            print([sorted(vars(thread)) for thread in threads])
            print(Worker.run.__qualname__, threads[1].run.__func__ is Worker.run)

        def work(name, number=0):
            with span(name):
                deeper()

        @trace(name="deeper")
        def deeper(): ...

        main()
        outside = threading.Thread(target=work, args=("outside",))
        outside.start()
        outside.join()
    """
    assert run(program, tmp_path).trees == [
        "main",
        *("  subclass", "    deeper", "  target", "    deeper", "  timer", "    deeper", "  unrelated"),
        "outside",
        "  deeper",
    ]


def test_work_in_a_pool_nests_where_it_was_submitted_whoever_started_the_worker(tmp_path: Path, covers: Covers) -> None:
    """A pool made before the first span, with workers that the first submission started, and work from outside."""
    covers("threads", "sync", "ThreadPoolExecutor", "nested")
    program = """
        import concurrent.futures
        from concurrent.futures import ThreadPoolExecutor

        early = ThreadPoolExecutor(2)
        early.submit(print, "warm").result()

        @trace(name="work")
        def work(number):
            return number

        @trace(name="initializer")
        def begin(): ...

        with ThreadPoolExecutor(1, initializer=begin) as pool:
            for pool in (early, pool):
                with span("first"):
                    print(list(pool.map(work, [1, 2])))
                pool.submit(work, 3).result()
                with span("second"):
                    futures = [pool.submit(work, number) for number in (4, 5)]
                    done, _ = concurrent.futures.wait(futures)
                    print(sorted(future.result() for future in done))
    """
    assert run(program, tmp_path).trees == [
        *("first", "  work", "  work", "work", "second", "  work", "  work"),
        *("first", "  initializer", "  work", "  work", "work", "second", "  work", "  work"),
    ]


def test_a_pool_of_threads_of_multiprocessing_nests_too(tmp_path: Path, covers: Covers) -> None:
    covers("threads", "sync", "multiprocessing.pool.ThreadPool", "nested")
    program = """
        from multiprocessing.pool import ThreadPool

        @trace(name="work")
        def work(number):
            return number

        with span("around"):
            pool = ThreadPool(2)
        with span("main"):
            print(pool.map(work, [1]), pool.starmap(work, [(2,)]))
            print(pool.apply(work, (3,)), pool.apply_async(work, (4,)).get())
        with span("other"):
            print(list(pool.imap(work, [5])), list(pool.imap_unordered(work, [6])))
            print(pool.map_async(func=work, iterable=[7]).get())
        print(pool.map(work, [8]))
        pool.close()
        pool.join()
    """
    assert run(program, tmp_path).trees == ["around", "main", *["  work"] * 4, "other", *["  work"] * 3, "work"]


def test_executors_of_event_loops_nest(tmp_path: Path, covers: Covers) -> None:
    covers("threads", "async", "run_in_executor, to_thread", "nested")
    program = """
        import asyncio

        @trace(name="blocking")
        def blocking(name):
            return name

        async def main():
            loop = asyncio.get_running_loop()
            with span("main"):
                print(await loop.run_in_executor(None, blocking, "a"))
                print(await asyncio.to_thread(blocking, "b"))
            with span("later"):
                print(await loop.run_in_executor(None, blocking, "c"))
            await loop.run_in_executor(None, blocking, "d")

        asyncio.run(main())
    """
    assert run(program, tmp_path).trees == ["main", "  blocking", "  blocking", "later", "  blocking", "blocking"]


def test_work_from_another_thread_reaches_the_loop_with_its_place(tmp_path: Path, covers: Covers) -> None:
    covers("event loops", "async", "run_coroutine_threadsafe", "nested")
    program = """
        import asyncio, threading

        @trace(name="in the loop")
        async def work():
            return await asyncio.sleep(0, "done")

        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        with span("main"):
            print(asyncio.run_coroutine_threadsafe(work(), loop).result())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    """
    assert run(program, tmp_path).trees == ["main", "  in the loop"]


def test_what_is_inherited_goes_along_before_there_is_any_span(tmp_path: Path) -> None:
    program = """
        from concurrent.futures import ThreadPoolExecutor

        @trace(name="work")
        def work(): ...

        with using(session_id="s1", tags=["a"]), ThreadPoolExecutor(1) as pool:
            pool.submit(work).result()
    """
    run(program, tmp_path)
    (row,) = Store(tmp_path / "traces.duckdb").sql("select session_id, tags from spans")
    assert (row["session_id"], row["tags"]) == ("s1", ["a"])


def test_misuse_fails_as_it_does_without_us(tmp_path: Path, covers: Covers) -> None:
    covers("threads", "sync", "misuse", "same error")
    program = """
        import threading
        from concurrent.futures import ThreadPoolExecutor

        def told(call):
            try:
                print(call())
            except BaseException as error:
                print(type(error), error, type(error.__cause__), type(error.__context__))

        with span("main"):
            pool = ThreadPoolExecutor(1)
            told(lambda: pool.submit())
            told(lambda: pool.submit(fn=print))
            told(lambda: pool.submit(3).result())
            told(lambda: pool.submit(lambda: 1 / 0).result())
            told(lambda: pool.submit(sys.exit, 3).result())
            told(lambda: list(pool.map(int, ["1", "x"])))
            pool.shutdown()
            told(lambda: pool.submit(print))
            thread = threading.Thread(target=int)
            told(thread.start)
            thread.join()
            told(thread.start)
            told(lambda: threading.Thread.start())
            print(thread.run.__func__ is threading.Thread.run, "run" in vars(thread))
    """
    assert run(program, tmp_path).trees == ["main"]


def test_the_users_own_telemetry_goes_into_no_thread_that_it_did_not_go_into(tmp_path: Path) -> None:
    """OpenTelemetry's context is the user's: what a program with an SDK exports stays what it was."""
    program = """
        import threading
        from opentelemetry import trace as otel
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        if sys.argv[1] != "untraced":
            import tracer
            provider.add_span_processor(tracer.TracerSpanProcessor())
        otel.set_tracer_provider(provider)
        theirs = provider.get_tracer("application")

        def work():
            with theirs.start_as_current_span("theirs in the thread"), span("ours in the thread"):
                pass

        with span("ours"), theirs.start_as_current_span("theirs"):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        print([(span.name, span.parent is None) for span in exporter.get_finished_spans()])
    """
    assert run(program, tmp_path).trees == ["ours", "  theirs", "    theirs in the thread", "      ours in the thread"]
