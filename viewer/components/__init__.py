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
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from tracer.viewer.modules import FOLDER, MODULES, styles

_FIRST_FOLDERS = ("shared", "list", "trace", "span")
_VERSION = hashlib.sha256(b"".join(file.read_bytes() for file in MODULES.values())).hexdigest()[:12]

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


def first_modules() -> list[str]:
    """Return the addresses of the JavaScript modules that the list and a trace are made of; other views wait."""
    return [f"/modules/{_VERSION}/{name}" for name in MODULES if name.partition("/")[0] in ("app.js", *_FIRST_FOLDERS)]


def modules_route() -> Route:
    """Return the route of the JavaScript modules; its path changes with them, so a browser may keep them for ever."""
    return Route(f"/modules/{_VERSION}/{{name:path}}", _module)


def _module(request: Request) -> Response:
    file = MODULES.get(request.path_params["name"])
    if file is None:
        return PlainTextResponse("no such module", 404)
    return FileResponse(file, headers=_FOR_EVER, media_type="text/javascript")


# Not isolated in a shadow root: the browser's own search, and anyone's script, find the text of a trace.
_app = st.components.v2.component(
    "tracer.app",
    css=styles(),
    js=_MOUNT.format(version=_VERSION, module="app.js"),
    isolate_styles=False,
)
