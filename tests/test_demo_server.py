"""The loopback server, asked by the real OpenAI client over real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from tracer.demo.server import LoopbackServer, Reply, Usage

PRICES = "Answer from the context.\n\nContext:\nA puncture costs 12 €. We open at nine. The moon is far away."
MESSAGES: Any = [{"role": "system", "content": PRICES}, {"role": "user", "content": "What does a puncture cost?"}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city, now.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOLS: Any = [{"type": "function", "function": WEATHER}]


@pytest.fixture
def client(server: LoopbackServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="any") as client:
        yield client


def chat(client: openai.OpenAI, messages: Any = MESSAGES, **options: Any) -> Any:
    return client.chat.completions.create(model="gpt-4o-mini", messages=messages, **options)


def texts(chunks: Any) -> list[str]:
    return [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]


def test_a_question_is_answered_from_the_context_with_counted_tokens(client: openai.OpenAI) -> None:
    completion = chat(client)
    assert completion.choices[0].message.content == "A puncture costs 12 €."
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "gpt-4o-mini-2024-07-18"
    assert completion._request_id == "req_000001"
    assert completion.usage.prompt_tokens == -(-len(PRICES.encode()) // 4) + -(-26 // 4) + 2 * 3
    assert completion.usage.completion_tokens == 6
    assert completion.usage.prompt_tokens_details.cached_tokens == 0


def test_a_stream_carries_the_same_answer_in_pieces_and_usage_only_if_asked(client: openai.OpenAI) -> None:
    whole = chat(client)
    plain = list(chat(client, stream=True))
    counted = list(chat(client, stream=True, stream_options={"include_usage": True}))
    assert "".join(texts(plain)) == "".join(texts(counted)) == whole.choices[0].message.content
    assert len(plain) > 4
    assert [chunk.usage for chunk in plain] == [None] * len(plain)
    assert counted[-1].choices == []
    assert counted[-1].usage == whole.usage


def test_every_choice_is_streamed_under_its_index(client: openai.OpenAI, server: LoopbackServer) -> None:
    server.script(Reply(text="first", alternatives=["second"]))
    told = ["", "", ""]
    for chunk in chat(client, n=3, stream=True):
        told[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert told == ["first", "second", "first"]


def test_a_fitting_tool_is_called_and_its_result_is_told(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "What is the weather in Oslo today?"}]
    called = chat(client, messages, tools=TOOLS).choices[0]
    assert called.finish_reason == "tool_calls"
    call = called.message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Oslo"}')
    messages += [called.message, {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "grey", "degrees": 4}'}]
    assert chat(client, messages, tools=TOOLS).choices[0].message.content == "Sky: grey, degrees: 4."


def test_a_streamed_tool_call_joins_to_the_same_arguments(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "What is the weather in Oslo today?"}]
    with client.chat.completions.stream(model="gpt-4o", messages=messages, tools=TOOLS) as stream:
        final = stream.get_final_completion().choices[0]
    assert final.finish_reason == "tool_calls"
    assert final.message.tool_calls is not None
    assert final.message.tool_calls[0].function.arguments == '{"city": "Oslo"}'


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ("required", "get_weather"),
        ({"type": "function", "function": {"name": "get_weather"}}, "get_weather"),
    ],
)
def test_tool_choice_is_obeyed(client: openai.OpenAI, choice: Any, called: str | None) -> None:
    message = chat(client, tools=TOOLS, tool_choice=choice).choices[0].message
    assert (message.tool_calls[0].function.name if message.tool_calls else None) == called


class Visit(BaseModel):
    guest: str
    day: Literal["Tuesday", "Friday"]
    people: int
    notes: list[str]


def test_structured_output_has_the_shape_that_was_asked_for(client: openai.OpenAI) -> None:
    said: Any = "Please note that Mira comes on Friday with 3 people."
    parsed = client.chat.completions.parse(
        model="gpt-4o", messages=[{"role": "user", "content": said}], response_format=Visit
    )
    visit = parsed.choices[0].message.parsed
    assert visit is not None
    assert (visit.guest, visit.day, visit.people) == ("Mira", "Friday", 3)
    assert client.responses.parse(model="gpt-4o", input=said, text_format=Visit).output_parsed == visit


def test_a_limit_on_tokens_cuts_the_answer_and_says_so(client: openai.OpenAI) -> None:
    assert chat(client, max_tokens=2).choices[0].finish_reason == "length"
    response = client.responses.create(model="gpt-4o", input=MESSAGES, max_output_tokens=2)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


def test_responses_stream_typed_events_in_order(client: openai.OpenAI) -> None:
    events = list(
        client.responses.create(
            model="o4-mini", input=MESSAGES, stream=True, reasoning={"effort": "low", "summary": "auto"}
        )
    )
    assert list(dict.fromkeys(event.type.removeprefix("response.") for event in events)) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    final = events[-1]
    assert final.type == "response.completed"
    assert final.response.output_text == "A puncture costs 12 €."
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == final.response.output_text
    assert final.response.usage is not None
    assert final.response.usage.output_tokens_details.reasoning_tokens > 0


def test_responses_call_tools_and_continue_from_a_stored_response(
    client: openai.OpenAI, server: LoopbackServer
) -> None:
    tools: Any = [{"type": "function", "strict": False, **WEATHER}]
    with client.responses.stream(model="gpt-4o", input="How is the weather in Oslo?", tools=tools) as stream:
        call = stream.get_final_response().output[0]
    assert call.type == "function_call"
    assert call.arguments == '{"city": "Oslo"}'
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "It rains in Oslo."}
    previous = next(iter(server.stored))
    response = client.responses.create(model="gpt-4o", input=[result], tools=tools, previous_response_id=previous)
    assert response.output_text == "It rains in Oslo."
    assert client.responses.retrieve(response.id).output_text == response.output_text
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_a_refusal_comes_as_one_in_either_api(client: openai.OpenAI, server: LoopbackServer) -> None:
    server.script(*[Reply(refusal="I will not.")] * 4)
    assert chat(client).choices[0].message.refusal == "I will not."
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chat(client, stream=True)) == "I will not."
    part = client.responses.create(model="gpt-4o", input="x").output[0].content[0]  # type: ignore[union-attr]
    assert part.refusal == "I will not."  # type: ignore[union-attr]
    types = [event.type for event in client.responses.create(model="gpt-4o", input="x", stream=True)]
    assert "response.refusal.delta" in types


def test_scripted_usage_is_told_as_it_is(client: openai.OpenAI, server: LoopbackServer) -> None:
    usage = Usage(2000, 300, cached_tokens=1024, reasoning_tokens=128, audio_input_tokens=7)
    server.script(Reply(text="a", usage=usage), Reply(text="a", usage=usage), Reply(text="a", with_usage=False))
    told = chat(client).usage
    assert (told.prompt_tokens, told.completion_tokens, told.total_tokens) == (2000, 300, 2300)
    assert (told.prompt_tokens_details.cached_tokens, told.prompt_tokens_details.audio_tokens) == (1024, 7)
    assert told.completion_tokens_details.reasoning_tokens == 128
    response = client.responses.create(model="o4-mini", input="x")
    assert response.usage is not None
    assert response.usage.input_tokens_details.cached_tokens == 1024
    assert chat(client).usage is None


def test_embeddings_of_like_texts_are_near(client: openai.OpenAI) -> None:
    question, near, far = client.embeddings.create(
        model="text-embedding-3-small",
        input=["What does mending a puncture cost?", "Punctures are mended for 12 €.", "The moon is far away."],
    ).data
    assert len(question.embedding) == 1536
    assert cosine(question.embedding, near.embedding) > 0.5
    assert abs(cosine(question.embedding, far.embedding)) < 0.2


def test_embeddings_are_the_same_as_floats_and_as_base64(client: openai.OpenAI) -> None:
    options: Any = {"model": "text-embedding-3-large", "input": "日本語 🚲", "dimensions": 64}
    packed = client.embeddings.create(**options).data[0].embedding
    plain = client.embeddings.create(**options, encoding_format="float").data[0].embedding
    assert packed == pytest.approx(plain, abs=1e-6)
    assert cosine(plain, plain) == pytest.approx(1)
    assert client.embeddings.create(model="m", input=[[1, 2], [3, 4]], dimensions=64).usage.prompt_tokens == 4


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_models_are_listed_and_an_unknown_one_is_not_found(client: openai.OpenAI) -> None:
    assert "gpt-4o" in [model.id for model in client.models.list()]
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    assert missing.value.code == "model_not_found"


def test_bad_requests_are_refused_as_openai_does(client: openai.OpenAI, server: LoopbackServer) -> None:
    with pytest.raises(openai.BadRequestError) as empty:
        chat(client, [])
    assert empty.value.param == "messages"
    with pytest.raises(openai.BadRequestError, match="preceding message"):
        chat(client, [{"role": "tool", "tool_call_id": "x", "content": "a result that nobody asked for"}])
    with pytest.raises(openai.AuthenticationError) as unknown:
        chat(openai.OpenAI(base_url=server.base_url, api_key="wrong-key"))
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError):
        client.get("/nowhere", cast_to=object)


def test_errors_that_pass_are_retried_by_the_client(client: openai.OpenAI, server: LoopbackServer) -> None:
    server.script(Reply(status=429), Reply(status=500), Reply(text="at last"))
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=MESSAGES)
    assert (raw.retries_taken, raw.parse().choices[0].message.content) == (2, "at last")
    assert [request.headers["x-stainless-retry-count"] for request in server.requests] == ["0", "1", "2"]


def test_an_error_has_the_shape_and_headers_that_were_scripted(client: openai.OpenAI, server: LoopbackServer) -> None:
    limits = {"x-should-retry": "false", "x-ratelimit-remaining-requests": "0"}
    server.script(Reply(status=429, error="Slow down.", headers=limits))
    with pytest.raises(openai.RateLimitError, match="Slow down") as limited:
        chat(client)
    assert (limited.value.code, limited.value.type) == ("rate_limit_exceeded", "requests")
    assert limited.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert len(server.requests) == 1


def test_a_stream_may_be_reset_fail_or_end_early(client: openai.OpenAI, server: LoopbackServer) -> None:
    said = "one two three"
    server.script(Reply(text=said, cut_after=3), Reply(text=said, error_after=3), Reply(text=said, end_after=3))
    assert read_until(openai.APIConnectionError, chat(client, stream=True)) == ["", "one", " two"]
    assert read_until(openai.APIError, chat(client, stream=True)) == ["", "one", " two"]
    assert texts(chat(client, stream=True)) == ["", "one", " two"]
    server.script(Reply(text=said, error_after=3))
    types = [event.type for event in client.responses.create(model="gpt-4o", input="x", stream=True)]
    assert types[3:] == ["error", "response.failed"]


def read_until(error: type[Exception], stream: Any) -> list[str]:
    read: list[str] = []

    def read_on() -> None:
        read.extend(chunk.choices[0].delta.content for chunk in stream)  # extend keeps what came before the error

    with pytest.raises(error):
        read_on()
    return read


def test_a_connection_reset_before_any_answer_is_tried_again(client: openai.OpenAI, server: LoopbackServer) -> None:
    server.script(Reply(cut_after=0), Reply(text="here"))
    assert chat(client).choices[0].message.content == "here"
    assert len(server.requests) == 2


def test_compressed_answers_and_streams_are_read_like_others(client: openai.OpenAI, server: LoopbackServer) -> None:
    server.script(Reply(text="small", compressed=True), Reply(text="small parts", compressed=True))
    assert chat(client).choices[0].message.content == "small"
    assert "".join(texts(chat(client, stream=True))) == "small parts"


def test_a_held_stream_shows_its_first_events_before_the_rest(client: openai.OpenAI, server: LoopbackServer) -> None:
    go_on = threading.Event()
    server.script(Reply(text="one two", hold=go_on, hold_after=2))
    stream = chat(client, stream=True)
    assert texts([next(stream), next(stream)]) == ["", "one"]
    go_on.set()
    assert "".join(texts(stream)) == " two"


def test_azure_clients_name_the_deployment_in_the_path(server: LoopbackServer) -> None:
    with openai.AzureOpenAI(azure_endpoint=server.url, api_key="any", api_version="2024-10-21") as azure:
        assert azure.chat.completions.create(model="our-gpt", messages=MESSAGES).model == "our-gpt"
        azure.embeddings.create(model="our-vectors", input="text")
    assert [request.path.partition("?")[0] for request in server.requests] == [
        "/openai/deployments/our-gpt/chat/completions",
        "/openai/deployments/our-vectors/embeddings",
    ]


async def test_async_clients_are_served_at_the_same_time(server: LoopbackServer) -> None:
    everyone = threading.Event()
    server.script(*[Reply(hold=everyone)] * 8)
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key="any") as client:
        calls = [
            asyncio.create_task(client.chat.completions.create(model="gpt-4o", messages=MESSAGES)) for _ in range(8)
        ]
        while len(server.requests) < 8:
            await asyncio.sleep(0.01)
        everyone.set()
        assert len({completion.id for completion in await asyncio.gather(*calls)}) == 8


def test_a_connection_is_kept_for_the_next_request(client: openai.OpenAI, server: LoopbackServer) -> None:
    ports = []
    for _ in range(3):
        raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=MESSAGES)
        ports.append(raw.http_response.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(set(ports)) == 1
    assert [request.body["model"] for request in server.requests] == ["gpt-4o"] * 3


def test_the_same_requests_get_the_same_answers_from_another_server() -> None:
    def answers() -> list[str]:
        with LoopbackServer() as server, openai.OpenAI(base_url=server.base_url, api_key="any") as client:
            kept = [chat(client), chat(client, tools=TOOLS, tool_choice="required"), chat(client, n=2)]
            return [completion.model_dump_json(exclude={"created"}) for completion in kept]

    assert answers() == answers()
