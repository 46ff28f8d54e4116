"""The Streamlit pages by themselves, and how the viewer starts, with no browser."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from tracer.errors import UsageError
from tracer.viewer import launch
from tracer.viewer.ahead import Ahead
from tracer.viewer.app import PAGES


def test_the_page_of_the_traces_runs() -> None:
    app = AppTest.from_file(PAGES, default_timeout=30).run()
    assert not app.exception
    assert [element.proto.component_name for element in app.main if element.type == "bidi_component"] == ["tracer.app"]


def test_a_trace_in_the_address_changes_nothing_of_the_page() -> None:
    app = AppTest.from_file(PAGES, default_timeout=30)
    app.query_params["trace"] = "0" * 32
    assert not app.run().exception


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used"):
            launch(tmp_path / "traces.duckdb", port=port, open_browser=False)
    with pytest.raises(UsageError, match="99999"):
        launch(tmp_path / "traces.duckdb", port=99999, open_browser=False)


async def shell(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_view_asks_ahead_for_all_its_modules_and_no_other() -> None:
    page = TestClient(Ahead(shell))
    listed, traced = (
        set(re.findall(r"/modules/\w+/([^>]+)", page.get(at).headers["link"])) for at in ("/", "/?trace=0")
    )
    assert {"app.js", "list/list.js", "shared/rows.js"} <= listed
    assert {"app.js", "trace/tree.js", "span/detail.js", "shared/rows.js"} <= traced
    assert not any(name.startswith(("trace/", "span/", "stats/")) for name in listed)
    assert not any(name.startswith(("list/", "stats/")) for name in traced)
