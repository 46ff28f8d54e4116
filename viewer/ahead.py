"""Tell the browser with the very page what it will ask for, so that it asks while Streamlit still loads.

A page of Streamlit learns only after its own scripts and a first run what component it shows, and that component
only then what data. A `Link` header brings both forward by all that time.

Source: https://www.rfc-editor.org/rfc/rfc8288, https://html.spec.whatwg.org/multipage/links.html#link-type-modulepreload
"""

from __future__ import annotations

from importlib.resources import files

from starlette.datastructures import MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracer.viewer.components import module_addresses

LIST, TRACE = "list/list.js", "trace/trace.js"


class Ahead:
    """ASGI middleware: the page of the traces comes with links to its modules and its first data."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        loader = _component_loader()
        self.modules = {
            view: [f"<{path}>; rel=modulepreload" for path in (*loader, *module_addresses(view))]
            for view in (LIST, TRACE)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            return await self.app(scope, receive, send)
        query = QueryParams(scope["query_string"])
        data = [f"<{path}>; rel=preload; as=fetch; crossorigin" for path in first_data(query)]
        modules = self.modules[TRACE if query.get("trace") else LIST]

        async def send_with_links(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Link"] = ", ".join([*data, *modules])
            await send(message)

        return await self.app(scope, receive, send_with_links)


def first_data(query: QueryParams) -> list[str]:
    """Return what the page at this address asks the API first, where that is simple to tell."""
    trace_id = query.get("trace", "")
    if trace_id.isascii() and trace_id.isalnum():
        return [f"/api/trace/{trace_id}"]
    return [] if query else ["/api/traces?limit=100"]


def _component_loader() -> list[str]:
    """Return the path of the script with which Streamlit mounts components; it loads it when it meets the first."""
    scripts = files("streamlit") / "static" / "static" / "js"
    return [f"/static/js/{script.name}" for script in scripts.iterdir() if script.name.startswith("BidiComponent.")]
