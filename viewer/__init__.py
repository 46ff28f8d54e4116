"""The viewer: Streamlit pages that read, on 127.0.0.1; all that they write are scores.

Imported by `tracer view` alone, for it needs the `viewer` extra. It records nothing.
"""

from __future__ import annotations

import gc
import os
import secrets
import socket
import sys
import webbrowser
from pathlib import Path
from threading import Thread

from tracer.errors import UsageError


def launch(
    store_path: Path,
    *,
    pages: Path | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = True,
) -> int:
    """Serve the viewer until it is interrupted; return the exit code.

    Under a `host` that others reach, whoever comes must know a token, which is new each time and printed.

    `pages` is a folder of the user's own panels and pages, beside that of the project. Without a `port` it is 8501 or
    the next free one. Raises UsageError for a folder that is not there, and for a port that is taken, or none.
    """
    import streamlit as st

    from tracer.store import Store
    from tracer.viewer import project
    from tracer.viewer.app import BEYOND, CONFIG, viewer
    from tracer.viewer.guard import names_loopback

    if pages is not None and not pages.is_dir():
        raise UsageError(f"there is no folder {pages}")
    if port is not None:
        _check_free(host, port)
    token = None if names_loopback(host) else secrets.token_urlsafe(24)

    project.use(folder for folder in (project.folder_of(Path.cwd()), pages) if folder is not None)
    os.environ["TRACER_STORE"] = str(store_path)  # what `Store()` means in a page of the user's

    def started() -> None:
        _answer_promptly()
        url = f"http://{host}:{st.get_option('server.port')}" + (f"/?token={token}" if token else "")
        print(f"tracer view  {url}\nstore        {store_path}\nCtrl-C stops it.", flush=True)
        if open_browser:
            # In a thread, for a browser of the terminal would hold this one until it is left.
            Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    options = {**CONFIG, "server.address": host, **({"server.port": port} if port is not None else {})}
    viewer(Store(store_path), started, token=token).run(config={**options, **(BEYOND if token else {})})
    return 0


def _answer_promptly() -> None:
    """Set this process up for answers that are large and a page that is many small files.

    A long answer is thousands of new objects and no garbage, which Python's collector would search through many
    times, with all modules each time. And while one thread makes it, each step of every other waits for the switch of
    threads: with Python's usual 5 ms a page comes a second later.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(0.0005)


def _check_free(host: str, port: int) -> None:
    if not 0 <= port <= 65535:
        raise UsageError(f"a port is a number from 0 (any that is free) to 65535; not {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be used ({error.strerror}). Choose another with --port, or none."
            ) from error
