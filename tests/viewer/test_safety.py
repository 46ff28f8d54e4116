"""What a trace says was written by models and strangers, and the viewer is for this machine alone."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import corpus
import pytest
from playwright.sync_api import Browser, Page, expect
from serving import Viewer, serve

from tracer.viewer.guard import names_loopback

SPANS = "[role=treeitem]"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.browser
def test_an_attack_is_shown_as_text_and_runs_nothing(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    row = page.locator("[data-trace-id]", has_text="window.attacked")
    expect(row.first).to_be_visible()
    row.first.click()
    expect(page.locator(SPANS).first).to_be_visible()
    for span in page.locator(SPANS).all():
        span.click()
        for tab in page.get_by_role("tab").all():
            tab.click()
    page.locator(SPANS).last.click()
    page.get_by_role("tab", name="Messages").click()
    expect(page.get_by_test_id("span-detail")).to_contain_text(corpus.ATTACK)
    assert page.evaluate("window.attacked") is None
    assert page.locator("main img, main iframe, main script, main [onload], main [onerror]").count() == 0


@pytest.mark.browser
def test_an_image_of_the_trace_is_shown_and_an_address_is_not_fetched(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?q=tracker.example/cat")
    page.locator("[data-trace-id]").click()
    detail = page.get_by_test_id("span-detail")
    expect(detail.locator("img")).to_have_count(1)
    assert detail.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 16
    expect(detail.get_by_text("http://tracker.example/cat.png")).to_be_visible()


@pytest.mark.browser
def test_the_policy_stops_what_would_leave_the_machine(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    expect(page.locator("[data-trace-id]").first).to_be_visible()
    stopped = page.evaluate("""async () => {
        const stopped = [];
        document.addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "window.attacked = 1";
        document.head.append(script);
        await fetch("http://tracker.example/").catch(() => {});
        await new Promise((done) => setTimeout(done, 300));
        return stopped.sort();
    }""")
    assert stopped == ["connect-src", "script-src-elem"]
    assert page.evaluate("window.attacked") is None


@pytest.mark.parametrize("path", ["/", "/api/traces", "/_stcore/health", "/static/nothing", "/modules/x/y.js"])
def test_every_answer_carries_the_policy(viewer: Viewer, path: str) -> None:
    _, headers = get(viewer, path)
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"].split("script-src")[1].split(";")[0]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "0.0.0.0"])
def test_another_host_is_refused(viewer: Viewer, host: str) -> None:
    for path in ("/", "/api/traces", "/_stcore/health", "/_stcore/stream"):
        assert get(viewer, path, host=host)[0] == 403


def test_a_websocket_of_another_host_is_refused(viewer: Viewer) -> None:
    assert get(viewer, "/_stcore/stream", host="evil.example", **UPGRADE)[0] == 403
    assert get(viewer, "/_stcore/stream", **UPGRADE)[0] == 101


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8501", "localhost:1", "LOCALHOST", "[::1]:8501"])
def test_this_machine_is_let_in_by_each_of_its_names(host: str) -> None:
    assert names_loopback(host)


def test_only_the_loopback_interface_listens(viewer: Viewer) -> None:
    port = urlsplit(viewer.url).port
    with socket.socket(socket.AF_INET) as other:
        # 127.0.0.2 is this machine, too, but not the address that the viewer is bound to.
        assert other.connect_ex(("127.0.0.2", port)) != 0


ELSEWHERE = "127.0.0.2"
"""Of this machine, but not one of the names by which it is let in with no token."""


@pytest.fixture(scope="module")
def open_viewer(recorded: Path) -> Iterator[Viewer]:
    with serve(recorded, "--host", ELSEWHERE) as running:
        yield running


def test_beyond_this_machine_nobody_is_let_in_without_the_token(open_viewer: Viewer) -> None:
    assert re.fullmatch(rf"http://{ELSEWHERE}:\d+/\?token=[\w-]{{32}}", open_viewer.url)
    for path in ("/", "/api/traces", "/_stcore/health", "/?token=", "/api/traces?token=wrong"):
        assert get(open_viewer, path)[0] == 401
        assert get(open_viewer, path, Cookie="tracer_token=wrong")[0] == 401
    assert get(open_viewer, "/", host="127.0.0.1")[0] == 401
    assert get(open_viewer, "/_stcore/stream", **UPGRADE)[0] == 403


def test_the_token_leaves_a_cookie_that_no_other_site_can_send_and_goes_from_the_address(open_viewer: Viewer) -> None:
    token = open_viewer.url.partition("token=")[2]
    status, headers = get(open_viewer, f"/?trace=abc&token={token}")
    assert (status, headers["location"]) == (303, "/?trace=abc")
    assert headers["set-cookie"] == f"tracer_token={token}; HttpOnly; Path=/; SameSite=strict"
    assert get(open_viewer, "/api/traces", Cookie=f"tracer_token={token}")[0] == 200
    assert get(open_viewer, f"//evil.example/?token={token}")[1]["location"] != "//evil.example/"


@pytest.mark.browser
def test_whoever_knows_the_token_sees_the_traces(browser: Browser, open_viewer: Viewer) -> None:
    page = browser.new_page()
    page.goto(open_viewer.url)
    expect(page.locator("[data-trace-id]").first).to_be_visible()
    assert "token" not in page.url
    page.close()


def get(viewer: Viewer, path: str, host: str | None = None, **headers: str) -> tuple[int, dict[str, str]]:
    """Ask over plain HTTP, with any Host; return the status and the headers."""
    connection = http.client.HTTPConnection(urlsplit(viewer.url).netloc, timeout=10)
    connection.putrequest("GET", path, skip_host=host is not None)
    for name, value in {**({"Host": host} if host is not None else {}), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}
