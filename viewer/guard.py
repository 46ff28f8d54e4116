"""Keep the viewer to this machine: which requests it answers, and what a page may load.

The traces are private, and what they hold was written by models and strangers. So a page of another
origin that resolves its own name to 127.0.0.1 is refused, and no page may load or send anything
elsewhere, whatever a trace contains.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_REFUSAL = PlainTextResponse("llm-tracer answers only to http://127.0.0.1 and http://localhost.\n", 403)


class Guard:
    """ASGI middleware: refuse every request that did not name this machine, and send the policy with every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = {
            "Content-Security-Policy": content_security_policy(),
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif names_loopback(Headers(scope=scope).get("host", "")) and _may_write(scope):
            await self.app(scope, receive, self._with_policy(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it was accepted, so the server answers 403
        else:
            await _REFUSAL(scope, receive, send)

    def _with_policy(self, send: Send) -> Send:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        return send_with_policy


def _may_write(scope: Scope) -> bool:
    """Return whether a request only reads, or comes from a page of ours: a stranger's cannot send JSON unasked."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD") or not scope["path"].startswith("/api/"):
        return True
    headers = Headers(scope=scope)
    is_json = headers.get("content-type", "").partition(";")[0].strip() == "application/json"
    return is_json and headers.get("sec-fetch-site", "same-origin") == "same-origin"


def names_loopback(host: str) -> bool:
    """Return whether a `Host` header, with or without a port, names this machine."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


def content_security_policy() -> str:
    """Return the policy: everything from here, nothing from elsewhere.

    Streamlit loads the code of a component from a `blob:` URL that its own page makes, and puts its styles
    into the page; its one inline script is let in by its hash.
    """
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: {' '.join(_inline_script_hashes())}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _inline_script_hashes() -> list[str]:
    page = (files("streamlit") / "static" / "index.html").read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
