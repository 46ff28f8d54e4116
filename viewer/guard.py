"""Keep the viewer to this machine: which requests it answers, and what a page may load.

The traces are private, and what they hold was written by models and strangers. So a page of another
origin that resolves its own name to 127.0.0.1 is refused, and no page may load or send anything
elsewhere, whatever a trace contains. Served beyond this machine, whoever comes must know a token: the address with it
leaves a cookie, and goes on to the address without it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from urllib.parse import urlsplit

from starlette.datastructures import URL, Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_REFUSAL = PlainTextResponse("llm-tracer answers only to http://127.0.0.1 and http://localhost.\n", 403)
_NO_TOKEN = PlainTextResponse("Open the address that `tracer view` printed: it ends in a token.\n", 401)
_COOKIE = "tracer_token"


class Guard:
    """ASGI middleware: refuse whoever must not come in, and send the policy with every answer.

    Without a `token` every request must name this machine; with one it must know that.
    """

    def __init__(self, app: ASGIApp, token: str | None = None) -> None:
        self.app = app
        self.token = token
        self.headers = {
            "Content-Security-Policy": content_security_policy(),
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif self._may_enter(scope) and _may_write(scope):
            is_content = scope["path"].startswith("/api/attachment/")
            await self.app(scope, receive, _with(self.headers | (_OF_CONTENT if is_content else {}), send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it was accepted, so the server answers 403
        elif self.token and self._is_token(QueryParams(scope["query_string"]).get("token", "")):
            await self._let_in(scope, receive, send)
        else:
            await (_NO_TOKEN if self.token else _REFUSAL)(scope, receive, send)

    def _may_enter(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if self.token is None:
            return names_loopback(headers.get("host", ""))
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return _COOKIE in cookies and self._is_token(cookies[_COOKIE].value)

    def _is_token(self, told: str) -> bool:
        return secrets.compare_digest(told.encode(), (self.token or "").encode())

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave the token as a cookie, which no page of another site can send, and go on without it."""
        there = URL(scope=scope).remove_query_params("token")
        path = "/" + there.path.lstrip("/")  # two of them would lead to another host
        answer = RedirectResponse(f"{path}?{there.query}" if there.query else path, 303)
        answer.set_cookie(_COOKIE, self.token or "", httponly=True, samesite="strict")
        await answer(scope, receive, send)


_OF_CONTENT = {"Content-Security-Policy": "default-src 'none'; sandbox"}
"""What was recorded may be shown, and do nothing, should somebody open it as a page."""


def _with(headers: dict[str, str], send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with_headers


def _may_write(scope: Scope) -> bool:
    """Return whether a request only reads, or comes from a page of ours: a stranger's cannot send JSON unasked."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD") or not scope["path"].startswith("/api/"):
        return True
    headers = Headers(scope=scope)
    is_json = headers.get("content-type", "").partition(";")[0].strip() == "application/json"
    return is_json and headers.get("sec-fetch-site", "same-origin") == "same-origin"


def names_loopback(host: str) -> bool:
    """Return whether a name, with or without a port as in a `Host` header, is one of this machine for itself."""
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
