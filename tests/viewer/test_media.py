"""Images and sounds of a trace are shown from the viewer's own address, and nothing that came with a trace can run."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from pathlib import Path
from typing import Any

import corpus
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from serving import Viewer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

import tracer
from tracer.cli import main
from tracer.errors import TracerError
from tracer.integrations.genai import blob, message, text, tool_call, tool_call_response
from tracer.recorder import start_span
from tracer.store import Store
from tracer.viewer.api import refuse, routes
from tracer.viewer.guard import Guard

PICTURE = base64.b64decode(corpus.PICTURE)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>window.attacked = 1</script></svg>'


def tone(seconds: float = 1, rate: int = 8000) -> bytes:
    """A WAV file that sounds."""
    samples = [int(128 + 60 * math.sin(number / 4)) for number in range(int(seconds * rate))]
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8) + b"data" + struct.pack("<I", len(samples))
    return b"RIFF" + struct.pack("<I", len(head) + len(samples)) + head + bytes(samples)


@pytest.fixture
def api(store: Store) -> TestClient:
    app = Starlette(routes=routes(store), exception_handlers={TracerError: refuse}, middleware=[Middleware(Guard)])
    return TestClient(app, base_url="http://127.0.0.1")


def recorded(content: bytes, mime_type: str) -> str:
    tracer.span("s", input=blob(content, modality="image", mime_type=mime_type)).begin().end()
    return f"/api/attachment/{hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize("mime_type", ["image/png", "audio/wav", "video/mp4"])
def test_what_a_browser_only_shows_is_served_as_it_is(api: TestClient, mime_type: str) -> None:
    answer = api.get(recorded(PICTURE, mime_type))
    assert answer.content == PICTURE
    assert answer.headers["content-type"] == mime_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "mime_type", ["image/svg+xml", "text/html", "application/pdf", "application/xhtml+xml", "x", ""]
)
def test_what_may_hold_a_script_is_a_download(api: TestClient, mime_type: str) -> None:
    answer = api.get(recorded(SVG, mime_type))
    assert answer.content == SVG
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "hash", ["0" * 64, "0" * 7, "0" * 100, "..%2F..%2Fetc%2Fpasswd", "%00", "A" * 64, "' or 1=1", "g"]
)
def test_a_hostile_hash_is_refused(api: TestClient, hash: str) -> None:
    recorded(PICTURE, "image/png")
    answer = api.get(f"/api/attachment/{hash}")
    assert answer.status_code in (400, 404)
    assert PICTURE not in answer.content


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-", 206, PICTURE),
        ("bytes=2-4", 206, PICTURE[2:5]),
        ("bytes=2-999999", 206, PICTURE[2:]),
        ("bytes=999999-", 416, b""),
        ("bytes=4-2", 416, b""),
        ("bytes=-3", 200, PICTURE),
        ("lines=1-2", 200, PICTURE),
    ],
)
def test_a_player_may_ask_for_a_part(api: TestClient, asked: str, status: int, expected: bytes) -> None:
    answer = api.get(recorded(PICTURE, "audio/wav"), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, expected)


def recorded_talk() -> None:
    """A call with an image, a sound and a drawing in it, and a function that got bytes."""
    parts = [text("What is this?"), blob(PICTURE, modality="image", mime_type="image/png")]
    drawing = blob(SVG, modality="image", mime_type="image/svg+xml")
    asked = [
        message("user", [*parts, blob(tone(), modality="audio", mime_type="audio/wav"), drawing]),
        message("assistant", [tool_call("photograph", {"of": "it"}, id="c1")]),
        message("tool", [tool_call_response([{"type": "image", "data": parts[1]}], id="c1")]),
    ]
    with tracer.span("look", kind="chain", input={"picture": PICTURE * 80}):
        start_span("chat", kind="llm", input=asked, output=[message("assistant", [text("A square.")])]).end()


@pytest.mark.browser
def test_images_and_sounds_of_a_trace_are_shown(page: Page, live_viewer: Viewer, store_path: Path) -> None:
    recorded_talk()
    page.goto(live_viewer.url)
    page.locator("[data-trace-id]").click()
    detail = page.get_by_test_id("span-detail")
    expect(detail.locator("img")).to_have_count(1)
    assert width_of(detail.locator("img")) == 16
    expect(detail.get_by_role("link", name="image/png 6.3 kB")).to_be_visible()

    page.get_by_role("treeitem").last.click()
    expect(detail.locator("audio")).to_have_count(1)
    expect(detail.locator("img")).to_have_count(2)  # what was asked with, and what the tool answered
    assert width_of(detail.locator("img").first) == 16
    seconds = """audio => new Promise((done) => {
        if (audio.readyState) done(audio.duration); else audio.onloadedmetadata = () => done(audio.duration);
    })"""
    assert detail.locator("audio").evaluate(seconds) == 1
    link = detail.get_by_role("link", name="image/svg+xml 82 B")
    with page.expect_download() as download:
        link.click()
    assert download.value.path().read_bytes() == SVG
    assert page.evaluate("window.attacked") is None


@pytest.mark.browser
def test_a_shared_file_has_its_images_and_sounds_in_it(context: BrowserContext, store: Store, tmp_path: Path) -> None:
    recorded_talk()
    (trace,) = store.traces(include_tests=True)
    file = tmp_path / "one.html"
    assert main(["export", trace["trace_id"], "--store", str(store.path), "-o", str(file)]) == 0
    page = context.new_page()
    page.goto(file.as_uri())
    page.get_by_role("treeitem").last.click()
    detail = page.get_by_test_id("span-detail")
    assert width_of(detail.locator("img").first) == 16
    expect(detail.locator("audio")).to_have_count(1)
    assert "image/svg" not in detail.get_by_role("link", name="image/svg+xml 82 B").get_attribute("href")
    page.close()


def width_of(image: Any) -> int:
    width: int = image.evaluate("image => image.decode().then(() => image.naturalWidth)")
    return width
