"""Model calls that LangChain makes: what was sent, what came back, and one span each whoever else looks on."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import AzureChatOpenAI, ChatOpenAI, OpenAI

import tracer
from tracer import span, trace
from tracer.demo.server import LoopbackServer, Reply, Usage
from tracer.recorder import RECORDER
from tracer.span_row import SpanRow

Spans = Callable[[], list[SpanRow]]
Outline = Callable[[], list[str]]
Chat = Callable[..., ChatOpenAI]


@pytest.fixture(params=["langchain alone", "with openai"])
def instrumented(request: pytest.FixtureRequest) -> bool:
    """Whether the OpenAI client is recorded too. What is asserted holds for both."""
    if request.param == "with openai":
        tracer.instrument("openai")
    return bool(request.param == "with openai")


def said(text: str, role: str = "assistant", **more: Any) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}], **more}


def test_a_call_is_recorded_with_all_that_is_needed_to_send_it_again(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(
        Reply(text="Blue.", usage=Usage(20, 5, cached_tokens=8, reasoning_tokens=2), response_id="chatcmpl-7")
    )
    answer = chat(temperature=0.5, seed=7, max_tokens=50).invoke([("system", "Be brief."), ("user", "Which colour?")])
    assert answer.content == "Blue."
    (row,) = spans()
    assert (row.name, row.kind, row.operation, row.provider) == ("chat gpt-4o-mini", "llm", "chat", "openai")
    assert (row.request_model, row.response_model) == ("gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    assert row.request_parameters is not None
    assert row.request_parameters.items() >= {"temperature": 0.5, "seed": 7}.items()
    assert 50 in row.request_parameters.values()
    assert row.input == [said("Be brief.", "system"), said("Which colour?", "user")]
    assert row.output == [said("Blue.", finish_reason="stop")]
    assert (row.finish_reasons, row.response_id, row.status) == (["stop"], "chatcmpl-7", "OK")
    assert (row.input_tokens, row.output_tokens, row.usage_source) == (20, 5, "api")
    assert (row.cached_tokens, row.reasoning_tokens) == (8, 2)


def test_tools_that_are_offered_and_called_are_recorded(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    server.script(Reply(tool_calls=[("add", {"a": 1, "b": 2})]))
    chat().bind_tools([add], tool_choice="any").invoke("What is 1 + 2?")
    (row,) = spans()
    (definition,) = row.tool_definitions
    assert (definition["type"], definition["name"], definition["description"]) == (
        "function",
        "add",
        "Add two numbers.",
    )
    assert set(definition["parameters"]["properties"]) == {"a", "b"}
    (part,) = row.output[0]["parts"]
    assert (part["type"], part["name"], part["arguments"]) == ("tool_call", "add", {"a": 1, "b": 2})
    assert row.finish_reasons == ["tool_calls"]
    assert row.request_parameters["tool_choice"] == "required"


def test_a_stream_is_one_call_with_its_whole_answer(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(text="One two three", usage=Usage(9, 3)))
    pieces = [piece.text for piece in chat(stream_usage=True).stream("Count.")]
    assert "".join(pieces) == "One two three"
    (row,) = spans()
    assert (row.stream, row.output, row.status) == (True, [said("One two three", finish_reason="stop")], "OK")
    assert (row.input_tokens, row.output_tokens) == (9, 3)
    assert row.ttft_ns is not None
    assert 0 < row.ttft_ns <= (row.duration_ns or 0)


async def test_an_async_stream_is_the_same(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(text="One two three"))
    assert "".join([piece.text async for piece in chat().astream("Count.")]) == "One two three"
    (row,) = spans()
    assert (row.stream, row.output[0]["parts"][0]["content"], row.status) == (True, "One two three", "OK")
    assert row.input_tokens is None


def test_the_time_to_first_token_waits_for_content(server: LoopbackServer, chat: Chat, spans: Spans) -> None:
    server.script(Reply(tool_calls=[("add", {"a": 1})]))
    list(chat().stream("Add."))
    (row,) = spans()
    assert row.ttft_ns is not None
    assert row.output[0]["parts"][0]["arguments"] == {"a": 1}


@pytest.mark.skipif(not hasattr(BaseChatModel, "stream_events"), reason="langchain-core has them since 1.4")
@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_the_events_of_version_3_are_a_stream_too(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(text="One two three"))
    assert str(chat().stream_events("Count.", version="v3").text) == "One two three"
    (row,) = spans()
    assert (row.stream, row.status) == (True, "OK")
    assert row.ttft_ns is not None
    assert row.output[0]["parts"] == [{"type": "text", "content": "One two three"}]


def test_a_stream_that_is_left_is_cancelled_with_what_had_come(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(text="One two three four five six seven"))
    stream = chat().stream("Count.")
    came = ""
    while "two" not in came:
        came += next(stream).text
    stream.close()  # type: ignore[attr-defined]
    (row,) = spans()
    assert (row.status, row.stream) == ("CANCELLED", True)
    assert row.output[0]["parts"] == [{"type": "text", "content": came}]


async def test_a_call_whose_task_is_cancelled_is_cancelled(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(text="late", latency_s=30))
    task = asyncio.create_task(chat().ainvoke("Wait."))
    while not server.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = time.time_ns()
    del task
    await all_have_ended()
    row = next(row for row in spans() if row.kind == "llm")
    assert (row.status, row.input) == ("CANCELLED", [said("Wait.", "user")])
    assert row.end_ns is not None
    assert row.end_ns - left < 5_000_000_000


async def all_have_ended() -> None:
    """LangChain tells of no such end: it is noticed when the call is forgotten, and recorded at the next occasion."""
    for _ in range(500):
        gc.collect()
        await RunnableLambda(lambda given: given).ainvoke(1)
        if not RECORDER.open_spans:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"still open: {[span.name for span in RECORDER.open_spans.values()]}")


def test_an_error_has_its_http_status_and_reaches_the_caller(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(status=400, error="too long"))
    with pytest.raises(openai.BadRequestError, match="too long"):
        chat().invoke("Hello")
    (row,) = spans()
    assert row.status == "ERROR"
    assert "too long" in (row.status_message or "")
    assert (row.attributes["http.response.status_code"], row.request_id) == (400, "req_000001")
    assert row.output is None


def test_an_error_in_the_middle_of_a_stream_keeps_what_had_come(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(text="One two three four five", error_after=4, error="overloaded"))
    with pytest.raises(openai.APIError, match="overloaded"):
        list(chat().stream("Count."))
    (row,) = spans()
    assert (row.status, row.stream) == ("ERROR", True)
    assert row.output[0]["parts"][0]["content"].startswith("One")


def test_several_answers_are_told_with_the_tokens_of_all(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(text="Blue.", alternatives=["Red."], usage=Usage(5, 4)))
    chat(n=2).generate([[HumanMessage("Which colour?")]])
    (row,) = spans()
    assert row.output == [said("Blue.", finish_reason="stop"), said("Red.", finish_reason="stop")]
    assert (row.finish_reasons, row.output_tokens) == (["stop", "stop"], 4)


def test_a_refusal_is_no_text(instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans) -> None:
    server.script(Reply(refusal="I cannot do that."))
    chat().invoke("Harm.")
    assert spans()[0].output[0]["parts"] == [{"type": "refusal", "content": "I cannot do that."}]


def test_the_responses_api_is_a_chat_too(instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans) -> None:
    server.script(Reply(text="Blue.", reasoning="Sky.", usage=Usage(8, 6, reasoning_tokens=3), response_id="resp_9"))
    chat(use_responses_api=True, reasoning={"effort": "low"}).invoke("Which colour?")
    (row,) = spans()
    assert [part["type"] for part in row.output[0]["parts"]] == ["reasoning", "text"]
    assert (row.input_tokens, row.output_tokens, row.reasoning_tokens) == (8, 6, 3)
    assert (row.response_id, row.operation, row.request_parameters["reasoning"]) == (
        "resp_9",
        "chat",
        {"effort": "low"},
    )


def test_azure_is_named_as_the_provider(instrumented: bool, server: LoopbackServer, spans: Spans) -> None:
    AzureChatOpenAI(
        azure_endpoint=server.url, api_key="any", api_version="2024-10-21", azure_deployment="gpt-4o", model="gpt-4o"
    ).invoke("Hello")
    (row,) = spans()
    assert (row.provider, row.request_model) == ("azure.ai.openai", "gpt-4o")


# LangChain over OpenAI: one span for a call that both see.


@pytest.fixture
def both() -> None:
    tracer.instrument("openai")


def test_the_openai_client_adds_what_it_alone_knows(
    both: None, server: LoopbackServer, chat: Chat, outline: Outline, spans: Spans
) -> None:
    server.script(Reply(status=429), Reply(text="Blue.", usage=Usage(5, 2)))
    with span("answer"):
        chat().invoke("Which colour?")
    assert outline() == ["answer", "  chat gpt-4o-mini"]
    row = spans()[1]
    assert (row.retries, row.request_id, row.input_tokens) == (1, "req_000002", 5)
    assert row.attributes["server.address"] == "127.0.0.1"


@pytest.mark.filterwarnings("ignore:Unexpected type for token usage")  # langchain-openai, adding up what is null
def test_a_generate_of_many_has_one_span_each_with_its_own_request(
    both: None, server: LoopbackServer, chat: Chat, outline: Outline, spans: Spans
) -> None:
    prompts = ["first", "second", "third"]
    with span("answer"):
        chat().generate([[HumanMessage(prompt)] for prompt in prompts])
    assert outline() == ["answer", *["  chat gpt-4o-mini"] * 3]
    assert request_of_each_prompt(spans) == {prompt: prompt_of_each_request(server)[prompt] for prompt in prompts}


@pytest.mark.filterwarnings("ignore:Unexpected type for token usage")  # langchain-openai, adding up what is null
async def test_an_agenerate_of_many_too(both: None, server: LoopbackServer, chat: Chat, spans: Spans) -> None:
    prompts = ["first", "second", "third"]
    await chat().agenerate([[HumanMessage(prompt)] for prompt in prompts])
    assert request_of_each_prompt(spans) == {prompt: prompt_of_each_request(server)[prompt] for prompt in prompts}


@pytest.mark.parametrize("surface", ["batch", "gather", "abatch", "astream", "threads"])
def test_calls_in_parallel_do_not_take_each_others_request(
    surface: str, both: None, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    prompts = ["first", "second", "third", "fourth"]
    model = chat()

    async def streamed(prompt: str) -> None:
        async for _ in model.astream(prompt):
            await asyncio.sleep(0)

    async def gathered(call: Callable[[str], Any]) -> None:
        await asyncio.gather(*(call(prompt) for prompt in prompts))

    if surface == "batch":
        model.batch(prompts)
    elif surface == "abatch":
        asyncio.run(model.abatch(prompts))
    elif surface == "threads":
        asyncio.run(gathered(lambda prompt: asyncio.to_thread(model.invoke, prompt)))
    else:
        asyncio.run(gathered(model.ainvoke if surface == "gather" else streamed))
    assert request_of_each_prompt(spans) == prompt_of_each_request(server)


def request_of_each_prompt(spans: Spans) -> dict[str, str | None]:
    rows = spans()
    assert {row.kind for row in rows if row.name != "answer"} == {"llm"}
    return {row.input[0]["parts"][0]["content"]: row.request_id for row in rows if row.kind == "llm"}


def prompt_of_each_request(server: LoopbackServer) -> dict[str, str]:
    return {
        request.body["messages"][0]["content"]: f"req_{number:06}" for number, request in enumerate(server.requests, 1)
    }


def test_a_call_to_openai_between_the_pieces_of_a_stream_is_its_own(
    both: None, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    client = openai.OpenAI(base_url=server.base_url, api_key="any")
    for number, _ in enumerate(chat().stream("Count.")):
        if number == 1:
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Aside."}])
    assert [row.name for row in spans()] == ["chat gpt-4o-mini", "chat gpt-4o"]
    assert [row.parent_id for row in spans()] == [None, None]


class Wrapper(BaseChatModel):
    """A chat model of the user's own, with code of the user's in it."""

    client: Any
    calls: int = 1

    @property
    def _llm_type(self) -> str:
        return "wrapper"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> ChatResult:
        prepare(messages[-1].text)
        for number in range(self.calls):
            answer = self.client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": f"rewritten {number}"}]
            )
        return ChatResult(generations=[ChatGeneration(message=AIMessage(answer.choices[0].message.content))])


@trace
def prepare(text: str) -> str:
    return text


def test_what_a_model_of_the_users_own_does_nests_in_its_call(
    both: None, server: LoopbackServer, outline: Outline, spans: Spans
) -> None:
    client = openai.OpenAI(base_url=server.base_url, api_key="any")
    Wrapper(client=client, calls=2).invoke("Hello")
    assert outline() == ["chat Wrapper", "  prepare", "  chat gpt-4o"]
    first, _, second = spans()
    assert (first.request_id, second.request_id) == ("req_000001", "req_000002")


async def test_the_calls_of_a_generate_that_fails_do_not_stay_open(
    instrumented: bool, server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(Reply(text="Blue."), Reply(status=400, error="too long"))

    def generate() -> None:
        with pytest.raises(openai.BadRequestError):
            chat().generate([[HumanMessage(prompt)] for prompt in ("first", "second", "third")])

    generate()
    await all_have_ended()
    ended = {row.input[0]["parts"][0]["content"]: row.status for row in spans() if row.kind == "llm"}
    assert ended == {"first": "CANCELLED", "second": "ERROR", "third": "CANCELLED"}


async def test_the_calls_of_an_agenerate_that_fails_end_as_they_ended(
    server: LoopbackServer, chat: Chat, spans: Spans
) -> None:
    server.script(*[Reply(status=400, error="too long")] * 2)
    with pytest.raises(openai.BadRequestError):
        await chat().agenerate([[HumanMessage("first")], [HumanMessage("second")]])
    assert [row.status for row in spans()] == ["ERROR", "ERROR"]


def test_an_answer_from_langchains_cache_costs_no_tokens(server: LoopbackServer, chat: Chat, spans: Spans) -> None:
    model = chat(cache=InMemoryCache())
    assert model.invoke("Hello").content == model.invoke("Hello").content
    assert len(server.requests) == 1
    first, second = spans()
    assert first.input_tokens
    assert (second.input_tokens, second.output_tokens) == (0, 0)
    assert second.attributes["langchain.cache_hit"] is True


def test_a_completion_model_is_a_text_completion(server: LoopbackServer, spans: Spans) -> None:
    # The server has no endpoint for completions, so the call is an error.
    model = OpenAI(model="gpt-3.5-turbo-instruct", base_url=server.base_url, api_key="any", temperature=0)  # type: ignore[call-arg]
    with pytest.raises(openai.NotFoundError):
        model.invoke("Once upon")
    (row,) = spans()
    assert (row.name, row.kind) == ("text_completion gpt-3.5-turbo-instruct", "llm")
    assert (row.input, row.status) == ([said("Once upon", "user")], "ERROR")


def test_what_a_program_gets_is_the_same_without_us(server: LoopbackServer, chat: Chat) -> None:
    def results() -> list[Any]:
        server.script(*[Reply(text="Blue.", response_id="r", usage=Usage(3, 1))] * 2)
        model = chat()
        answer = model.invoke("Which colour?")
        pieces = list(model.stream("Which colour?"))
        return [answer.content, answer.usage_metadata, type(answer), [(type(piece), piece.text) for piece in pieces]]

    recorded = results()
    tracer.uninstrument()
    assert results() == recorded
