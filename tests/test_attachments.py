"""Images, audio and files leave the row: each content is kept once, found by its hash, and gone with its last trace."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from journal_lines import Process, span, trace_id
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tracer
from tracer.errors import AttachmentNotFound
from tracer.integrations.genai import blob
from tracer.journal.attachments import put, waiting
from tracer.journal.layout import Layout
from tracer.recorder import RECORDER
from tracer.span_row import SpanRow
from tracer.store import Store
from tracer.store.absorb import absorb
from tracer.store.purge import Selection, find, purge

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
WAV = b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(5000)
PNG_64 = base64.b64encode(PNG).decode()
WAV_64 = base64.b64encode(WAV).decode()

Spans = Callable[[], list[SpanRow]]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def refers(content: bytes, mime_type: str, **more: Any) -> dict[str, Any]:
    modality = mime_type.partition("/")[0]
    return {
        "type": "blob",
        "modality": modality if modality in ("image", "audio", "video") else "document",
        "mime_type": mime_type,
        "attachment": sha256(content),
        "bytes": len(content),
        **more,
    }


IMAGE = refers(PNG, "image/png")
SOUND = refers(WAV, "audio/wav")

FORMS: Mapping[str, tuple[Any, Any]] = {
    "a blob part": (blob(PNG_64, modality="image", mime_type="image/png"), IMAGE),
    "a blob part of bytes": (blob(PNG, modality="image", mime_type="image/png"), IMAGE),
    "a blob part that has bytes": ({"type": "blob", "modality": "image", "content": PNG}, IMAGE),
    "a tiny blob part": (
        [
            blob("d2VsbA==", modality="image", mime_type="image/png"),
            "beside it stands a text that is not changed at all",
        ],
        [refers(b"well", "image/png"), "beside it stands a text that is not changed at all"],
    ),
    "a blob part without type": ({**blob(WAV_64, modality="audio"), "id": "a1"}, {**SOUND, "id": "a1"}),
    "OpenAI's image_url": (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG_64}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}},
    ),
    "OpenAI's input_audio": (
        {"type": "input_audio", "input_audio": {"data": WAV_64, "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}},
    ),
    "OpenAI's file_data": (
        {"file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjcKJeLjz9MKMSAwIG9iago="}},
        {
            "file": {
                "filename": "a.pdf",
                "file_data": refers(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "application/pdf"),
            }
        },
    ),
    "OpenAI's b64_json": ({"data": [{"b64_json": PNG_64}]}, {"data": [{"b64_json": IMAGE}]}),
    "Anthropic's source": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG_64}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
    ),
    "LangChain's block": (
        {"type": "image", "base64": PNG_64, "mime_type": "image/png"},
        {"type": "image", "base64": IMAGE, "mime_type": "image/png"},
    ),
    "LangChain's older block": (
        {"type": "audio", "source_type": "base64", "data": WAV_64, "mime_type": "audio/wav"},
        {"type": "audio", "source_type": "base64", "data": SOUND, "mime_type": "audio/wav"},
    ),
    "a plain URI": (f"data:image/png;charset=x;base64,{PNG_64}", IMAGE),
    "base64 with line ends": ({"type": "blob", "content": base64.encodebytes(PNG).decode()}, IMAGE),
    "a URI in a text": (
        f"Look: ![](data:image/png;base64,{PNG_64}).",
        f"Look: ![]([attachment {sha256(PNG)} image/png {len(PNG)} bytes]).",
    ),
    "JSON in a text": (
        json.dumps([blob(PNG_64, modality="image")]),
        json.dumps([IMAGE], separators=(",", ":")),
    ),
    "bytes": (PNG, {"$type": "bytes", "mime_type": "image/png", "attachment": sha256(PNG), "bytes": len(PNG)}),
    "a bytearray": (
        bytearray(b"\x00\x01" * 3000),
        {
            "$type": "bytes",
            "mime_type": "application/octet-stream",
            "attachment": sha256(b"\x00\x01" * 3000),
            "bytes": 6000,
        },
    ),
    "bytes that are text": (
        memoryview(b"a word " * 1000),
        {
            "$type": "bytes",
            "mime_type": "text/plain",
            "attachment": sha256(b"a word " * 1000),
            "bytes": 7000,
            "text_preview": "a word " * 142 + "a ",
        },
    ),
}

UNCHANGED: Mapping[str, Any] = {
    "a URI that is no base64": "data:image/png;base64,this is no base64 at all, so it stays as it is" * 2,
    "a URI of text": "data:text/html,<p>base64 is a word in this text, which is long enough to be looked at</p>" * 2,
    "data that are words": {
        "data": "base64",
        "mime_type": "text/plain",
        "format": "none",
        "text": "and more, so that it is long enough for a look" * 2,
    },
    "a blob of no content": {"type": "blob", "modality": "image", "more": "and more, so that it is long enough" * 3},
    "an address": {"type": "image_url", "image_url": {"url": "https://example.org/a;base64,b.png" + "?" * 80}},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_content_becomes_a_reference_by_which_it_is_found(store: Store, spans: Spans, form: str) -> None:
    value, expected = FORMS[form]
    with tracer.span("in") as one:
        one.set(input={"it": value}, an_attribute=[value])
        one.event("e", it=value)
    (row,) = spans()
    assert row.input == {"it": expected}
    assert row.attributes == {"an_attribute": [expected]}
    assert row.events[0]["attributes"] == {"it": expected}
    (hash,) = [one.hash for one in waiting(Layout(store.path))]
    assert sha256(store.attachment(hash).bytes) == hash


def test_what_was_live_is_found_once_it_is_absorbed(store: Store) -> None:
    tracer.span("in", input=[value for value, _ in FORMS.values()]).begin().end()
    live = [store.attachment(one.hash) for one in waiting(Layout(store.path))]
    RECORDER.writer.seal()
    assert store.absorb().attachments == len(live) >= 5
    assert waiting(Layout(store.path)) == []
    assert [store.attachment(one.hash) for one in live] == live
    assert store.attachment(sha256(PNG)[:8].upper()) == store.attachment(sha256(PNG))


@pytest.mark.parametrize("form", UNCHANGED)
def test_what_only_looks_like_a_content_stays(store: Store, spans: Spans, form: str) -> None:
    tracer.span("in", input=UNCHANGED[form]).begin().end()
    (row,) = spans()
    assert row.input == UNCHANGED[form]
    assert waiting(Layout(store.path)) == []


def test_arguments_results_and_what_generators_yield_are_kept(store: Store, spans: Spans) -> None:
    @tracer.trace
    def draw(picture: bytes, messages: list[Any]) -> Any:
        return {"drawn": picture}

    @tracer.trace
    def play() -> Any:
        yield WAV
        yield f"data:audio/wav;base64,{WAV_64}"

    draw(PNG, [FORMS["OpenAI's image_url"][0]])
    list(play())
    drawn, played = spans()
    of_bytes = {"$type": "bytes", "mime_type": "image/png", "attachment": sha256(PNG), "bytes": len(PNG)}
    assert drawn.input == {"picture": of_bytes, "messages": [FORMS["OpenAI's image_url"][1]]}
    assert drawn.output == {"drawn": of_bytes}
    assert played.output == [
        {**of_bytes, "mime_type": "audio/wav", "attachment": sha256(WAV), "bytes": len(WAV)},
        SOUND,
    ]


def test_a_content_is_kept_once_however_often_it_comes(store: Store, spans: Spans) -> None:
    for number in range(5):
        with tracer.span(f"turn {number}", input=[FORMS["a blob part"][0]] * 3):
            tracer.span("inner", input=[PNG]).begin().end()
    (one,) = waiting(Layout(store.path))
    assert (one.hash, one.size, one.mime_type) == (sha256(PNG), len(PNG), "image/png")
    assert len(spans()) == 10
    RECORDER.writer.seal()
    assert store.absorb().attachments == 1
    assert store.sql("select count(*) as n from store.attachments").df()["n"][0] == 1
    assert store.sql("select count(*) as n from store.attachment_uses").df()["n"][0] == 5


def test_bytes_that_cannot_be_read_cost_the_program_and_the_rest_nothing(store: Store, spans: Spans) -> None:
    view = memoryview(bytearray(9000))
    view.release()
    tracer.span("s", input={"view": view, "beside": 1}).begin().end()
    (row,) = spans()
    assert row.input == {"view": {"$type": "memoryview", "unreadable": "ValueError"}, "beside": 1}


def test_an_image_leaves_room_in_the_row(store: Store, spans: Spans) -> None:
    """Two megabytes of it, twice what a value may take: nothing is cut."""
    picture = os.urandom(2_000_000)
    tracer.span("s", input=blob(picture, modality="image", mime_type="image/png")).begin().end()
    (row,) = spans()
    assert row.input == refers(picture, "image/png")
    assert not row.attributes
    assert store.attachment(sha256(picture)).bytes == picture


def test_a_content_that_is_too_large_is_told_and_not_kept(store: Store, spans: Spans) -> None:
    tracer.configure(max_attachment_bytes=1000)
    tracer.span("s", input=[FORMS["a blob part"][0], WAV]).begin().end()
    (row,) = spans()
    image, sound = row.input
    assert image == {**IMAGE, "not_kept": "it may take 1000 bytes"}
    assert (sound["attachment"], sound["not_kept"]) == (sha256(WAV), "it may take 1000 bytes")
    assert sorted(row.attributes["tracer.missed"]) == [
        f"a content of {len(WAV)} bytes (audio/wav) was not kept: it may take 1000 bytes",
        f"a content of {len(PNG)} bytes (image/png) was not kept: it may take 1000 bytes",
    ]
    with pytest.raises(AttachmentNotFound, match="could not be kept"):
        store.attachment(sha256(PNG))


def test_without_content_only_its_shape_is_recorded(store: Store, spans: Spans) -> None:
    tracer.configure(capture_content=False)
    tracer.span("s", input=[FORMS["a blob part"][0], WAV, {"url": f"data:image/png;base64,{PNG_64}"}]).begin().end()
    (row,) = spans()
    image = {"type": "blob", "modality": "image", "mime_type": "image/png", "bytes": len(PNG)}
    assert row.input == [image, {"$type": "bytes", "mime_type": "audio/wav", "bytes": len(WAV)}, {"url": image}]
    assert not Layout(store.path).attachments.exists()


def test_texts_are_redacted_and_media_are_not_touched(store: Store, spans: Spans) -> None:
    key = "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3
    text = f"the key is {key}, and ada@example.org knows it. ".encode() * 100
    svg = f"<svg><!-- {key} --></svg>".encode() * 100
    tracer.configure(redact=["email", lambda text: text.replace("knows", "KNOWS")])
    tracer.span(
        "s",
        input=[
            text,
            blob(text, modality="document", mime_type="text/csv"),
            blob(PNG + text, modality="image", mime_type="image/png"),
            blob(svg, modality="image", mime_type="image/svg+xml"),
        ],
    ).begin().end()
    (row,) = spans()
    plain, csv, image, drawing = (store.attachment(reference["attachment"]).bytes for reference in row.input)
    assert plain == csv
    assert csv == b"the key is [redacted:api-key], and [redacted:email] KNOWS it. " * 100
    assert image == PNG + text
    assert key.encode() not in drawing
    assert row.attributes["tracer.redacted"]["api-key"] >= 300


def test_no_pattern_tears_a_row_from_its_attachment(store: Store, spans: Spans) -> None:
    tracer.configure(redact=[r"[0-9a-f]{3,}"])
    tracer.span("s", input=[FORMS["a blob part"][0], "abc123"]).begin().end()
    (row,) = spans()
    assert row.input[1] == "[redacted:own]"
    assert store.attachment(row.input[0]["attachment"]).bytes == PNG


def test_spans_of_other_sdks_pass_the_same_way_and_ours_go_out_with_the_reference_alone(
    store: Store, spans: Spans
) -> None:
    exporter = InMemorySpanExporter()
    tracer.configure(processors=[SimpleSpanProcessor(exporter)])
    provider = TracerProvider()
    provider.add_span_processor(tracer.TracerSpanProcessor())
    message = {"role": "user", "parts": [blob(PNG_64, modality="image", mime_type="image/png")]}
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps([message])}
    with provider.get_tracer("foreign").start_as_current_span("chat", attributes=attributes):
        pass
    (row,) = spans()
    assert row.input == [{"role": "user", "parts": [IMAGE]}]
    assert json.loads(row.attributes["gen_ai.input.messages"]) == row.input
    (out,) = exporter.get_finished_spans()
    assert PNG_64[:200] not in out.to_json()
    assert sha256(PNG) in out.to_json()


def test_other_users_can_read_none_of_it(store: Store, spans: Spans) -> None:
    before = os.umask(0)
    try:
        tracer.span("s", input=PNG).begin().end()
    finally:
        os.umask(before)
    folder = Layout(store.path).attachments
    (file,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize(
    "hash", ["", "abc", "../../../etc/passwd", "g" * 64, "0" * 65, "0" * 64, "%", "' or 1=1 --" * 2]
)
def test_a_hash_that_is_none_is_refused(store: Store, hash: str) -> None:
    for _ in ("with no store at all", "with one"):
        with pytest.raises(AttachmentNotFound):
            store.attachment(hash)
        tracer.span("s", input=PNG).begin().end()


def test_a_file_that_is_not_what_its_name_says_is_set_aside_and_a_link_not_followed(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracer.span("s", input=PNG).begin().end()
    folder = Layout(store.path).attachments
    wrong, linked = sha256(b"this"), sha256(b"secret")
    (folder / f"{wrong}.image~png").write_bytes(b"that")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / f"{linked}.image~png").symlink_to(tmp_path / "secret")
    (folder / "a stranger").mkdir()
    for moment in ("live", "absorbed"):
        for hash in (wrong, linked):
            with pytest.raises(AttachmentNotFound):
                store.attachment(hash)
        if moment == "live":
            RECORDER.writer.seal()
            assert store.absorb().attachments == 1
    assert "does not hold what its name says" in caplog.text
    assert [path.name for path in Layout(store.path).quarantine.iterdir()] == [f"{wrong}.image~png"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([f"{linked}.image~png", "a stranger"])
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert store.attachment(sha256(PNG)).bytes == PNG


# Purging


def recorded(path: Path, trace: int, *contents: bytes, live: bool = False) -> Process:
    """A trace of a process that refers to these contents, as a program leaves it."""
    process = Process(path)
    lines = [
        {"record": "attachment", "data": {"hash": sha256(content), "trace_id": trace_id(trace), "time_ns": 1}}
        for content in contents
    ]
    process.segment(*lines, span(f"s{trace}", trace=trace, session_id=f"s{trace}"), live=live)
    for content in contents:
        put(process.layout, process.process_id, sha256(content), "image/png", content)
    if not live:
        process.die()
    return process


def is_there(path: Path, content: bytes) -> bool:
    """Whether the content stands in any file of the store, in pieces or as a whole."""
    files = [file.read_bytes() for file in path.parent.rglob("*") if file.is_file()]
    return any(content[:200] in file for file in files)


def test_a_content_goes_with_the_last_trace_that_refers_to_it(path: Path) -> None:
    shared, own = os.urandom(100_000), os.urandom(100_000)
    recorded(path, 1, shared, own)
    recorded(path, 2, shared)
    absorb(path)
    assert is_there(path, own)
    found = find(path, Selection(session_id="s1"))
    assert found.attachments == 1
    assert found.bytes >= 100_000
    done = purge(path, Selection(session_id="s1"))
    assert (done.attachments, is_there(path, own), is_there(path, shared)) == (1, False, True)
    assert Store(path).attachment(sha256(shared)).bytes == shared
    with pytest.raises(AttachmentNotFound):
        Store(path).attachment(sha256(own))
    purge(path, Selection(session_id="s2"))
    assert not is_there(path, shared)


def test_a_purge_leaves_what_a_running_program_refers_to(path: Path) -> None:
    """The other trace that has the content is in a segment that nobody may absorb yet."""
    content = os.urandom(100_000)
    recorded(path, 1, content)
    process = recorded(path, 2, content, live=True)
    purge(path, Selection(session_id="s1"))
    assert Store(path).attachment(sha256(content)).bytes == content
    process.die()
    absorb(path)
    purge(path, Selection(session_id="s2"))
    assert not is_there(path, content)


def test_a_content_that_was_purged_can_be_recorded_again(store: Store, spans: Spans) -> None:
    """By the same program, which remembers what it has written."""
    with tracer.span("first", session_id="s1", input=PNG):
        pass
    store.purge(session_id="s1")
    with tracer.span("second", session_id="s2", input=PNG):
        pass
    assert store.attachment(sha256(PNG)).bytes == PNG
    RECORDER.writer.seal()
    store.absorb()
    assert store.attachment(sha256(PNG)).bytes == PNG


def test_a_journal_that_is_deleted_while_recording_takes_no_later_content_with_it(store: Store, spans: Spans) -> None:
    tracer.span("first", input=PNG).begin().end()
    folder = Layout(store.path).folder
    folder.rename(folder.with_name("away"))
    tracer.configure()
    with tracer.span("second") as second:
        second.set(input=PNG)
    assert [row.name for row in spans()] == ["second"]
    assert store.attachment(sha256(PNG)).bytes == PNG
    assert (folder / ".gitignore").exists()
