"""The viewer as one ASGI application: Streamlit's pages, the JSON API and the components' files.

Nothing of it leaves this machine unasked: it is bound to 127.0.0.1, sends no usage statistics, and `guard`
stands before every request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from tracer.errors import TracerError
from tracer.store import Store
from tracer.viewer import api, components, project, theme
from tracer.viewer.ahead import Ahead
from tracer.viewer.guard import Guard

PAGES = Path(__file__).with_name("main.py")

CONFIG: dict[str, Any] = {
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": False,
    "browser.gatherUsageStats": False,
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    "client.toolbarMode": "minimal",
    "client.showErrorLinks": False,
    "client.showSidebarNavigation": False,  # else it stands there until the first run has asked for another
    "client.allowedOrigins": [],
    "theme.baseFontSize": 14,
    "theme.baseRadius": "4px",
    **{f"theme.light.{name}": colour for name, colour in theme.LIGHT.items()},
    **{f"theme.dark.{name}": colour for name, colour in theme.DARK.items()},
}
"""Streamlit's options. A user's own `.streamlit/config.toml` may set others."""


BEYOND: dict[str, Any] = {"server.enableCORS": False, "server.enableXsrfProtection": False}
"""What is added where it is served beyond this machine: Streamlit knows no name of it then, and `guard` asks for the
token in its place."""


def viewer(store: Store, on_start: Callable[[], None] = lambda: None, *, token: str | None = None) -> st.App:
    """Return the application over one store; `on_start` is called when it is about to answer.

    With a `token` it answers to whoever knows that, by whatever name; else to this machine alone.
    """

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        on_start()
        yield

    routes: list[BaseRoute] = [*api.routes(store, project.folders()), components.modules_route()]
    return st.App(
        PAGES,
        routes=routes,
        middleware=[Middleware(Guard, token=token), Middleware(Ahead)],
        lifespan=lifespan,
        exception_handlers={TracerError: api.refuse},
    )
