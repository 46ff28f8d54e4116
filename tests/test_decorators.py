"""`@trace` and `span`: a span a call, nested as the calls are, and the program none the wiser."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tracer import Prompt, configure, current_span, span, trace, using
from tracer.errors import UsageError
from tracer.span_row import SpanRow

Spans = Callable[[], list[SpanRow]]
Outline = Callable[[], list[str]]


def test_nesting_follows_the_calls(outline: Outline) -> None:
    @trace
    def retrieve() -> list[str]:
        return ["a"]

    @trace
    def answer() -> str:
        retrieve()
        with span("generate", kind="llm"), span("inner"):
            pass
        return "yes"

    answer()
    assert outline() == ["answer", "  retrieve", "  generate", "    inner"]


def test_arguments_are_recorded_by_name_with_defaults_and_without_self(spans: Spans) -> None:
    class Shop:
        @trace
        def price(self, item: str, *more: str, tax: float = 0.2, **options: Any) -> int:
            return 1

        @trace
        @classmethod
        def named(cls, name: str) -> str:
            return name

        @staticmethod
        @trace
        def total(amounts: list[int]) -> int:
            return sum(amounts)

    assert Shop().price("bike", "bell", colour="red") == 1
    assert Shop.named("x") == "x"
    assert Shop.total([1, 2]) == 3
    assert [(row.name.split(".")[-1], row.input, row.output) for row in spans()] == [
        ("price", {"item": "bike", "tax": 0.2, "more": ["bell"], "options": {"colour": "red"}}, 1),
        ("named", {"name": "x"}, "x"),
        ("total", {"amounts": [1, 2]}, 3),
    ]


def test_options_say_what_is_recorded(spans: Spans) -> None:
    @trace(name="login", kind="tool", ignore=("password",), capture_output=False)
    def login(user: str, password: str) -> str:
        return "session"

    @trace(capture_input=False)
    def quiet(text: str) -> str:
        return text

    login("ada", password="hunter2")
    quiet("x")
    first, second = spans()
    assert (first.name, first.kind, first.input, first.output) == ("login", "tool", {"user": "ada"}, None)
    assert (second.input, second.output) == (None, "x")


def test_inputs_are_kept_as_they_were_at_the_call(spans: Spans) -> None:
    @trace
    def add(items: list[int]) -> list[int]:
        items.append(2)
        return items

    result = add([1])
    result.append(3)
    (row,) = spans()
    assert (row.input, row.output) == ({"items": [1]}, [1, 2])


def test_an_exception_is_recorded_with_its_causes_and_raised_unchanged(spans: Spans) -> None:
    error = ValueError("no such order")

    @trace
    def look_up() -> None:
        try:
            {}["order"]
        except KeyError as missing:
            raise error from missing

    with pytest.raises(ValueError, match="no such order") as raised:
        look_up()
    assert raised.value is error
    (row,) = spans()
    assert (row.status, row.error_type, row.status_message) == ("ERROR", "ValueError", "no such order")
    (event,) = row.events
    assert event["name"] == "exception"
    assert event["attributes"]["exception.type"] == "ValueError"
    stack = event["attributes"]["exception.stacktrace"]
    assert "KeyError: 'order'" in stack
    assert "direct cause" in stack


@pytest.mark.parametrize(
    ("stop", "status"),
    [(KeyboardInterrupt(), "CANCELLED"), (SystemExit(0), "OK"), (SystemExit(2), "ERROR"), (RuntimeError(), "ERROR")],
)
def test_stopping_on_purpose_is_no_error(spans: Spans, stop: BaseException, status: str) -> None:
    @trace
    def main() -> None:
        raise stop

    with pytest.raises(type(stop)):
        main()
    assert [row.status for row in spans()] == [status]


def test_a_call_that_does_not_fit_fails_as_it_would_untraced(spans: Spans) -> None:
    def plain(a: int) -> None: ...

    with pytest.raises(TypeError) as untraced:
        plain()  # type: ignore[call-arg]
    with pytest.raises(TypeError) as traced:
        trace(plain)()  # type: ignore[call-arg]
    assert str(traced.value) == str(untraced.value)


async def test_spans_nest_across_await_gather_tasks_and_to_thread(outline: Outline) -> None:
    @trace
    def blocking() -> None: ...

    @trace
    async def step(number: int) -> int:
        await asyncio.sleep(0)
        await asyncio.to_thread(blocking)
        return number

    @trace
    async def main() -> list[int]:
        first = await asyncio.create_task(step(1))
        return [first, *await asyncio.gather(step(2))]

    assert await main() == [1, 2]
    assert outline() == ["main", "  step", "    blocking", "  step", "    blocking"]


async def test_a_cancelled_task_is_cancelled_and_not_an_error(spans: Spans) -> None:
    @trace
    async def wait() -> None:
        await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [row.status for row in spans()] == ["CANCELLED"]


def test_threads_nest(outline: Outline) -> None:
    import threading

    @trace
    def work(n: int) -> int:
        return n

    @trace
    def main() -> None:
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(work, [1, 2])) == [1, 2]
            assert pool.submit(work, 3).result() == 3
        thread = threading.Thread(target=work, args=(4,))
        thread.start()
        thread.join()
        assert "run" not in vars(thread)

    main()
    assert outline() == ["main", *["  work"] * 4]


def test_a_generator_is_one_span_and_its_consumer_is_not_inside(outline: Outline, spans: Spans) -> None:
    @trace
    def words(count: int) -> Iterator[str]:
        with span("think"):
            pass
        for number in range(count):
            yield f"w{number}"

    @trace
    def main() -> list[str]:
        read = []
        for word in words(2):
            with span("consume"):
                read.append(word)
        return read

    assert main() == ["w0", "w1"]
    assert outline() == ["main", "  words", "    think", "  consume", "  consume"]
    assert spans()[1].output == ["w0", "w1"]


def test_generators_pass_on_what_is_sent_thrown_and_returned(spans: Spans) -> None:
    @trace
    def echo() -> Any:
        heard = []
        try:
            while True:
                heard.append((yield len(heard)))
        except LookupError:
            yield "caught"
        return heard

    items = echo()
    assert inspect.isgenerator(items)
    assert [next(items), items.send("a"), items.throw(LookupError("x"))] == [0, 1, "caught"]
    with pytest.raises(StopIteration) as end:
        next(items)
    assert end.value.value == ["a"]
    (row,) = spans()
    assert (row.status, row.output) == ("OK", {"yielded": [0, 1, "caught"], "returned": ["a"]})


def test_a_break_is_cancelled_with_what_was_yielded(spans: Spans) -> None:
    closed = []

    @trace
    def count() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    for number in count():
        if number == 2:
            break
    assert closed == [True]
    (row,) = spans()
    assert (row.status, row.output) == ("CANCELLED", [0, 1, 2])


async def test_async_generators_likewise(spans: Spans, outline: Outline) -> None:
    @trace
    async def tokens() -> AsyncIterator[str]:
        for text in "abc":
            with span("fetch"):
                await asyncio.sleep(0)
            yield text

    assert inspect.isasyncgen(items := tokens())
    assert [text async for text in items] == ["a", "b", "c"]
    async for _ in (broken := tokens()):
        with span("consume"):
            break
    await broken.aclose()
    assert outline() == ["tokens", "  fetch", "  fetch", "  fetch", "tokens", "  fetch", "consume"]
    assert [(row.status, row.output) for row in spans() if row.name == "tokens"] == [
        ("OK", ["a", "b", "c"]),
        ("CANCELLED", ["a"]),
    ]


async def test_an_async_generator_closed_in_another_task_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    @trace
    async def numbers() -> AsyncIterator[int]:
        with span("inside"):
            yield 1
            yield 2

    items = numbers()
    await asyncio.create_task(items.__anext__())
    await asyncio.create_task(items.aclose())
    assert current_span() is None
    assert caplog.records == []


def test_functions_stay_what_they_are() -> None:
    @trace
    async def coroutine(a: int) -> int:
        "Doc."
        return a

    assert inspect.iscoroutinefunction(coroutine)
    assert (coroutine.__name__, coroutine.__doc__) == ("coroutine", "Doc.")
    assert str(inspect.signature(coroutine)) == "(a: 'int') -> 'int'"


def test_partials_and_callables_can_be_traced(outline: Outline) -> None:
    class Greeter:
        def __call__(self, name: str) -> str:
            return f"hello {name}"

    def add(a: int, b: int) -> int:
        return a + b

    assert trace(Greeter())("you") == "hello you"
    assert trace(functools.partial(add, 1))(2) == 3
    assert [name.split(".")[-1] for name in outline()] == ["Greeter", "add"]


def test_what_using_gives_is_inherited_by_all_inside(spans: Spans) -> None:
    with (
        using(session_id="s1", user_id="ada", tags=["beta"], metadata={"a": 1}),
        using(tags=["x"], metadata={"b": [2]}, prompt=Prompt("greet", version="3", variables={"name": "Ada"})),
        span("inner", metadata={"c": 3}),
    ):
        pass
    with span("outer"):
        pass
    inner, outer = spans()
    assert (inner.session_id, inner.user_id, inner.tags) == ("s1", "ada", ["beta", "x"])
    assert inner.metadata == {"a": 1, "b": [2], "c": 3}
    assert (inner.prompt_name, inner.prompt_version, inner.prompt_variables) == ("greet", "3", {"name": "Ada"})
    assert (outer.session_id, outer.tags, outer.metadata) == (None, None, None)


def test_set_puts_columns_in_columns_and_the_rest_in_attributes(spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    with span("s") as current:
        current.set(output={"a": 1}, input_tokens=3, provider="openai", tags=["t"], colour="red", size=[1, 2])
        current.set(input_tokens="many", status="FINE", start_ns=1)
        current.event("cache miss", key="k")
    (row,) = spans()
    assert (row.output, row.input_tokens, row.provider, row.tags) == ({"a": 1}, 3, "openai", ["t"])
    assert row.attributes == {"colour": "red", "size": [1, 2]}
    assert row.events[0]["name"] == "cache miss"
    assert row.events[0]["attributes"] == {"key": "k"}
    assert (row.status, row.start_ns > 1) == ("OK", True)
    assert [record.args[0] for record in caplog.records if record.args] == ["input_tokens", "status", "start_ns"]


def test_nothing_is_recorded_while_switched_off(spans: Spans) -> None:
    configure(enabled=False)

    @trace
    def items() -> Iterator[int]:
        yield 1

    with span("off") as current:
        current.set(output=1)
        current.event("e")
        assert list(items()) == [1]
        assert current_span() is None
    assert spans() == []


def test_misuse_is_told_at_once() -> None:
    with pytest.raises(UsageError, match="kind='bot'"):
        trace(kind="bot")
    with pytest.raises(UsageError, match="decorate the methods"):
        trace(int)
    with pytest.raises(UsageError, match="max_value_bytes"):
        configure(max_value_bytes=3)


def test_values_that_are_too_much_for_a_row_together_are_cut_until_it_is_written(
    spans: Callable[[], list[SpanRow]],
) -> None:
    configure(max_value_bytes=3_000_000)
    with span("large", input="i " * 1_400_000) as large:
        large.set(output="o " * 1_400_000, attributes={"note": "n " * 1_400_000}, metadata={"kept": "m"})
        large.event("many", text="e " * 1_000_000)
    (row,) = spans()
    assert row.metadata == {"kept": "m"}
    cut = row.attributes["tracer.cut"]
    assert cut
    assert all(size > 2_000_000 for size in cut.values())
    assert sum(column in cut for column in ("input", "output", "attributes", "events")) >= 1


def test_what_using_gives_is_cut_and_shaped_as_all_other_values_are(spans: Callable[[], list[SpanRow]]) -> None:
    configure(max_value_bytes=1_000)
    with using(metadata={"long": "word " * 10_000}, prompt=Prompt("p", variables={"text": "word " * 10_000})):
        span("cut").end()
        configure(capture_content=False)
        span("shaped").end()
    cut, shaped = spans()
    assert len(cut.metadata["long"]) < 1_000
    assert "[cut: " in cut.metadata["long"]
    assert "[cut: " in cut.prompt_variables["text"]
    assert "word" not in str((shaped.metadata, shaped.prompt_variables))
