"""What requests carry and answers bring beside JSON: files, sounds, pages, and bodies that nobody may look at."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from scripted import Answer, WireServer, event_stream, json_answer
from surfaces.case import ANSWER, MP3, PNG, WAV, base64_of, blob

import tracer
from tracer import instrument
from tracer.integrations import model_calls
from tracer.recorder import start_span
from tracer.span_row import SpanRow

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]

Spans = Callable[[], list[SpanRow]]

HEARD = json_answer({"text": ANSWER})


@pytest.fixture(autouse=True)
def recorded(spans: Spans) -> None:
    instrument("openai")


@pytest.fixture
def wire() -> Iterator[WireServer]:
    with WireServer() as server:
        yield server


@pytest.fixture
def client(wire: WireServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=wire.base_url, api_key="any") as client:
        yield client


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "well.wav"
    path.write_bytes(WAV)
    return path


def parts(span: SpanRow) -> list[dict[str, Any]]:
    return span.input[0]["parts"]


def content_of(part: dict[str, Any]) -> Any:
    """What says which content a part has: itself, or the hash under which it is kept."""
    return part.get("content") or part.get("attachment")


def test_an_open_file_is_left_to_the_client_and_told_by_its_name_and_size(
    client: openai.OpenAI, wire: WireServer, spans: Spans, sound: Path
) -> None:
    wire.answer = HEARD
    with sound.open("rb") as file:
        file.seek(3)
        client.audio.transcriptions.create(model="whisper-1", file=file)
        read_to = file.tell()

    assert WAV[3:] in wire.requests[0].body
    assert read_to == len(WAV)
    [span] = spans()
    described = {"type": "blob", "modality": "audio", "mime_type": "audio/x-wav", "filename": "well.wav"}
    assert parts(span) == [{**described, "field": "file", "bytes": len(WAV)}]
    assert span.attributes["tracer.missed"] == [
        "the content of well.wav is not recorded: an open file is the program's to read"
    ]


def test_what_is_in_memory_is_recorded_and_no_file_is_moved(
    client: openai.OpenAI, wire: WireServer, spans: Spans, sound: Path
) -> None:
    wire.answer = HEARD
    in_memory = io.BytesIO(WAV)
    in_memory.name = "memory.wav"
    for file in (sound, WAV, ("named.wav", WAV), in_memory):
        client.audio.transcriptions.create(model="whisper-1", file=file)

    told = [parts(span)[0] for span in spans()]
    assert [part.get("filename") for part in told] == ["well.wav", None, "named.wav", "memory.wav"]
    assert len({content_of(part) for part in told}) == 1
    assert all(WAV in request.body for request in wire.requests)


class Noting(io.RawIOBase):
    """A file of the program's own that notes what is done to it."""

    def __init__(self) -> None:
        self.name = "well.wav"
        self.done: list[str] = []
        self._file = io.BytesIO(WAV)

    def _noting(name: str) -> Any:  # noqa: N805 - no method: it makes them
        def method(self: Noting, *args: Any) -> Any:
            self.done.append(name)
            return getattr(self._file, name)(*args)

        return method

    read, seek, tell, seekable, fileno = map(_noting, ("read", "seek", "tell", "seekable", "fileno"))


def test_nothing_is_done_to_a_file_but_what_the_client_does(
    client: openai.OpenAI, wire: WireServer, spans: Spans
) -> None:
    wire.answer = HEARD
    untraced, traced = Noting(), Noting()
    tracer.uninstrument()
    client.audio.transcriptions.create(model="whisper-1", file=untraced)
    instrument("openai")
    client.audio.transcriptions.create(model="whisper-1", file=traced)

    assert traced.done == untraced.done
    assert "read" in traced.done
    [span] = spans()
    assert (parts(span)[0]["filename"], "bytes" in parts(span)[0]) == ("well.wav", False)


def test_a_file_is_sent_whole_at_each_try(client: openai.OpenAI, wire: WireServer, spans: Spans, sound: Path) -> None:
    wire.answer = [Answer(status=500), HEARD]
    with sound.open("rb") as file:
        client.with_options(max_retries=1).audio.transcriptions.create(model="whisper-1", file=file)

    assert [WAV in request.body for request in wire.requests] == [True, True]
    assert [(span.status, span.retries) for span in spans()] == [("OK", 1)]


def test_a_speech_that_streams_to_a_file_is_recorded_as_far_as_a_value_may_hold_it(
    client: openai.OpenAI, wire: WireServer, spans: Spans, tmp_path: Path
) -> None:
    tracer.configure(max_value_bytes=1_000)
    wire.answer = [Answer(MP3, "audio/mpeg"), Answer(MP3 * 100, "audio/mpeg")]
    for name in ("short.mp3", "long.mp3"):
        speech = client.audio.speech.with_streaming_response
        with speech.create(model="tts-1", voice="alloy", input=ANSWER) as response:
            response.stream_to_file(tmp_path / name)

    assert (tmp_path / "long.mp3").read_bytes() == MP3 * 100
    short, long = spans()
    assert content_of(short.output[0]["parts"][0])
    assert long.output[0]["parts"] == [
        {"type": "blob", "modality": "audio", "mime_type": "audio/mpeg", "bytes": len(MP3) * 100}
    ]
    assert long.attributes["tracer.missed"] == [
        f"the speech is not recorded: {len(MP3) * 100} bytes passed, more than a value may hold"
    ]
    assert (short.status, long.status) == ("OK", "OK")


def test_a_speech_that_is_left_early_is_cancelled_with_what_had_come(
    client: openai.OpenAI, wire: WireServer, spans: Spans
) -> None:
    wire.answer = Answer(content_type="audio/mpeg", events=[MP3[:9], MP3[9:]])
    speech = client.audio.speech.with_streaming_response
    with speech.create(model="tts-1", voice="alloy", input=ANSWER) as response:
        assert next(response.iter_bytes()) == MP3[:9]

    [span] = spans()
    assert span.status == "CANCELLED"
    [part] = span.output[0]["parts"]
    assert part["mime_type"] == "audio/mpeg"
    assert part.get("content", base64_of(MP3[:9])) == base64_of(MP3[:9])


def test_each_page_is_a_span_of_its_own(client: openai.OpenAI, wire: WireServer, spans: Spans) -> None:
    def page(name: str, has_more: bool) -> Answer:
        return json_answer({"object": "list", "data": [{"id": name, "object": "file"}], "has_more": has_more})

    wire.answer = [page("file_1", True), page("file_2", False)]
    assert [file.id for file in client.files.list(limit=1)] == ["file_1", "file_2"]

    assert [(span.name, span.input) for span in spans()] == [
        ("files.list", {"limit": 1}),
        ("files.list", {"limit": 1, "after": "file_1"}),
    ]


async def test_each_page_of_an_asynchronous_client_is_a_span_too(wire: WireServer, spans: Spans) -> None:
    wire.answer = json_answer({"object": "list", "data": [{"id": "gpt-5", "object": "model"}]})
    async with openai.AsyncOpenAI(base_url=wire.base_url, api_key="any") as client:
        assert [model.id async for model in client.models.list()] == ["gpt-5"]

    assert [span.name for span in spans()] == ["GET /models"]


def test_bare_requests_copies_and_the_module_are_clients_as_others(
    client: openai.OpenAI, wire: WireServer, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.answer = json_answer({"id": "file_1", "object": "file"})
    client.with_options(timeout=5).files.retrieve("file_1")
    client.get("/files/file_1", cast_to=object)
    client.get(f"{wire.base_url}/files/file_1", cast_to=object)
    monkeypatch.setattr(openai, "api_key", "any")
    monkeypatch.setattr(openai, "base_url", wire.base_url)
    monkeypatch.setattr(openai, "_client", None, raising=False)
    openai.files.retrieve("file_1")

    told = [(span.name, span.input, span.output) for span in spans()]
    assert told == [("files.retrieve", {"file_id": "file_1"}, {"id": "file_1", "object": "file"})] * 4


def test_a_query_beside_a_body_is_told_as_the_sdk_takes_it(
    client: openai.OpenAI, wire: WireServer, spans: Spans
) -> None:
    wire.answer = json_answer({"results": []})
    client.moderations.create(input="well", extra_query={"region": "eu"})

    [span] = spans()
    assert span.request_parameters["extra_query"] == {"region": "eu"}


def test_of_a_request_without_a_name_no_body_is_recorded(
    client: openai.OpenAI, wire: WireServer, spans: Spans, store_path: Path
) -> None:
    wire.answer = json_answer({"value": "ek_of_a_session", "object": "realtime.client_secret"})
    answer: Any = client.post("/realtime/client_secrets", body={"note": "of_the_program"}, cast_to=object)

    assert answer["value"] == "ek_of_a_session"
    first = spans()[0]
    assert (first.name, first.kind, first.status) == ("POST /realtime/client_secrets", "http", "OK")
    assert first.attributes["http.response.status_code"] == 200
    written = b"".join(path.read_bytes() for path in store_path.parent.glob("*.journal/*.ndjson"))
    assert b"ek_of_a_session" not in written
    assert b"of_the_program" not in written


def test_the_events_of_a_run_pass_and_are_counted(client: openai.OpenAI, wire: WireServer, spans: Spans) -> None:
    wire.answer = event_stream([{"type": "thread.run.created"}, {"type": "thread.run.completed"}], done=True)
    with client.beta.threads.runs.create("thread_1", assistant_id="asst_1", stream=True) as stream:
        for _ in stream:
            pass

    [span] = spans()
    assert (span.status, span.stream, span.output) == ("OK", True, {"events": 2})
    assert span.attributes["tracer.missed"] == [
        "beta.threads.runs.create of OpenAI: of its events, only their number is recorded"
    ]


def test_a_picture_is_asked_for_again_with_what_a_span_says(
    client: openai.OpenAI, wire: WireServer, spans: Spans
) -> None:
    """All that went into the form stands in the span: fields as parameters, files by the names of their fields."""
    wire.answer = json_answer({"created": 1, "data": [{"b64_json": base64_of(PNG)}]})
    client.images.edit(
        model="gpt-image-1", prompt="Deeper.", image=("a.png", PNG), mask=("b.png", PNG), size="1024x1024", n=2
    )

    [span] = spans()
    assert span.request_parameters == {"size": "1024x1024", "n": 2}
    assert [(part["field"], part["filename"]) for part in parts(span)[1:]] == [("image", "a.png"), ("mask", "b.png")]
    assert {content_of(part) for part in parts(span)[1:]} == {content_of(span.output[0]["parts"][0])}
    assert (
        span.output[0]["parts"][0].items()
        >= {key: value for key, value in blob(PNG, "image", "image/png").items() if key != "content"}.items()
    )


def test_a_stream_without_a_name_is_no_failure_though_its_end_is_not_seen(
    client: openai.OpenAI, wire: WireServer, spans: Spans
) -> None:
    wire.answer = event_stream([{"type": "well.dug"}], done=True)
    stream_of = openai.Stream[Any]
    for _ in client.post("/wells", body={"stream": True}, cast_to=object, stream=True, stream_cls=stream_of):
        pass

    assert [(span.name, span.status) for span in spans()] == [("POST /wells", "OK")]


def test_a_framework_is_asked_for_its_span_by_texts_alone(
    client: openai.OpenAI, wire: WireServer, spans: Spans
) -> None:
    """A picture made while a framework waits for its model is a call of its own; a completion is the model's."""
    framework = start_span("completion", kind="llm")
    model_calls.announce(framework, [{"role": "user", "parts": [{"type": "text", "content": "A well"}]}])
    wire.answer = json_answer({"created": 1, "data": [{"b64_json": base64_of(PNG)}]})
    client.images.generate(model="gpt-image-1", prompt="A well")
    wire.answer = json_answer({"id": "cmpl-1", "choices": [{"index": 0, "text": " is deep.", "finish_reason": "stop"}]})
    client.completions.create(model="gpt-3.5-turbo-instruct", prompt="A well")
    framework.end()

    told = {span.name: span for span in spans()}
    assert list(told) == ["completion", "images.generate gpt-image-1"]
    assert (told["completion"].response_id, told["completion"].finish_reasons) == ("cmpl-1", ["stop"])
