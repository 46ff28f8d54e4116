"""The page's one component: JavaScript modules beside this file, mounted through `st.components.v2`.

    app.js      which view the address names
    shared/     what all views are made of
    list/       the traces
    trace/      one trace as a tree
    span/       one span in full
    sessions/   conversations
    compare/    traces side by side
    stats/      figures of many traces

They fetch what they show from the API themselves, so no click waits for a rerun of Streamlit. The browser
imports them as they are: nothing is built, and nothing comes from npm.
"""

from __future__ import annotations

import hashlib

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tracer.viewer.modules import FOLDER, MODULES, needed, styles

_SOURCES = {name: file.read_bytes() for name, file in MODULES.items()}
_VERSION = hashlib.sha256(b"".join(_SOURCES.values())).hexdigest()[:12]

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}

ICON = FOLDER / "icon.svg"

# Streamlit imports a component's code from a `blob:` URL, where no relative import would find anything.
_MOUNT = """
export default async function (component) {{
  const {{ mount }} = await import(new URL("/modules/{version}/{module}", location.origin));
  return mount(component);
}}
"""


def app(pages: list[str]) -> None:
    """Show the view that the address names in all of the window, with links to the user's own `pages`."""
    st.html(FOLDER / "frame.css")
    _app(key="app", data={"pages": pages})


def module_addresses(view: str) -> list[str]:
    """Return the addresses of the JavaScript modules that the page needs to show one view; others wait."""
    return [f"/modules/{_VERSION}/{name}" for name in needed("app.js", view)]


def modules_route() -> Route:
    """Return the route of the JavaScript modules; its path changes with them, so a browser may keep them for ever."""
    return Route(f"/modules/{_VERSION}/{{name:path}}", _module)


async def _module(request: Request) -> Response:
    source = _SOURCES.get(request.path_params["name"])
    if source is None:
        return PlainTextResponse("no such module", 404)
    return Response(source, headers=_FOR_EVER, media_type="text/javascript")


# Not isolated in a shadow root: the browser's own search, and anyone's script, find the text of a trace.
_app = st.components.v2.component(
    "tracer.app",
    css=styles(),
    js=_MOUNT.format(version=_VERSION, module="app.js"),
    isolate_styles=False,
)
