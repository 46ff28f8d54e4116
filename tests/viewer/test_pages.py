"""The Streamlit pages run by themselves, with no browser."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tracer.viewer.app import PAGES


def test_the_page_of_the_traces_runs() -> None:
    app = AppTest.from_file(PAGES).run()
    assert not app.exception
    assert [element.proto.component_name for element in app.main if element.type == "bidi_component"] == [
        "tracer.traces"
    ]


def test_a_trace_in_the_address_changes_nothing_of_the_page() -> None:
    app = AppTest.from_file(PAGES)
    app.query_params["trace"] = "0" * 32
    assert not app.run().exception
