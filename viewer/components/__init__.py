"""The components of the pages: JavaScript modules beside this file, mounted through `st.components.v2`.

They fetch what they show from the API themselves, so no click waits for a rerun of Streamlit. The browser
imports them as they are: nothing is built, and nothing comes from npm.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent
_MODULES = {file.name: file for file in sorted(_FOLDER.glob("*.js"))}
_VERSION = hashlib.sha256(b"".join(file.read_bytes() for file in _MODULES.values())).hexdigest()[:12]

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}

ICON = _FOLDER / "icon.svg"

# Streamlit imports a component's code from a `blob:` URL, where no relative import would find anything.
_MOUNT = """
export default async function (component) {{
  const {{ mount }} = await import(new URL("/modules/{version}/{module}", location.origin));
  return mount(component);
}}
"""


def frame() -> None:
    """Lay out Streamlit's own page so that a component fills the window."""
    st.html(_FOLDER / "frame.css")


def traces() -> None:
    """Show the list of traces, or the one that the address names."""
    _traces(key="traces")


def module_paths() -> list[str]:
    """Return the addresses of the JavaScript modules."""
    return [f"/modules/{_VERSION}/{name}" for name in _MODULES]


def modules_route() -> Route:
    """Return the route of the JavaScript modules; its path changes with them, so a browser may keep them for ever."""
    return Route(f"/modules/{_VERSION}/{{name}}", _module)


def _module(request: Request) -> Response:
    file = _MODULES.get(request.path_params["name"])
    if file is None:
        return PlainTextResponse("no such module", 404)
    return FileResponse(file, headers=_FOR_EVER, media_type="text/javascript")


def _styles(*names: str) -> str:
    return "\n".join((_FOLDER / name).read_text("utf-8") for name in names)


# Not isolated in a shadow root: the browser's own search, and anyone's script, find the text of a trace.
_traces = st.components.v2.component(
    "tracer.traces",
    css=_styles("base.css", "list.css", "tree.css", "detail.css", "messages.css"),
    js=_MOUNT.format(version=_VERSION, module="traces.js"),
    isolate_styles=False,
)
