"""What goes to another program by a wire, a queue or its environment takes its place in the tree along."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from nesting import run, trees
from opentelemetry import context as otel_context
from opentelemetry import propagate
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider

import programs
import tracer
from tracer import span, trace_environ, trace_headers, using
from tracer.span_row import SpanRow
from tracer.store import Store

Covers = Callable[[str, str, str, str], None]

Spans = Callable[[], list[SpanRow]]
Outline = Callable[[], list[str]]


@pytest.fixture
def program_provider(monkeypatch: pytest.MonkeyPatch) -> TracerProvider:
    """A provider that is installed for the whole process, as in a program with telemetry of its own."""
    provider = TracerProvider()
    monkeypatch.setattr(otel, "_TRACER_PROVIDER", provider)
    return provider


def test_headers_bring_place_session_user_and_tags(spans: Spans, outline: Outline, covers: Covers) -> None:
    covers("other programs", "sync", "trace_headers, using(parent=…)", "nested")
    with using(session_id="s, 1; ü=", user_id="ada", tags=["a,b", "c d"]), span("here") as here:
        headers = trace_headers()
    with using(parent=headers, tags=["more"]), span("there"), span("inner"):
        pass
    assert headers["traceparent"] == f"00-{here.trace_id}-{here.span_id}-01"
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert outline() == ["here", "  there", "    inner"]
    assert [(row.session_id, row.user_id, row.tags) for row in spans()[1:]] == [
        ("s, 1; ü=", "ada", ["a,b", "c d", "more"])
    ] * 2


def test_outside_of_any_span_there_is_nothing_to_bring(spans: Spans, outline: Outline) -> None:
    assert trace_headers() == {}
    with using(parent=trace_headers()), span("root"):
        pass
    with using(parent=None), span("another"):
        pass
    assert outline() == ["root", "another"]


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"},
        {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01"},
        {"traceparent": "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        {"traceparent": "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"},
        {"traceparent": "garbage", "tracestate": "llm-tracer=garbage,,=", "baggage": "session.id,=;,%"},
        {"traceparent": b"\xff", 3: None, "baggage": "x" * 100_000},
        "",
    ],
)
def test_headers_that_strangers_garbled_change_nothing(outline: Outline, spans: Spans, headers: object) -> None:
    with span("around"), using(parent=headers), span("inside"):  # type: ignore[arg-type]
        pass
    assert outline() == ["around", "  inside"]
    assert spans()[1].session_id is None


@pytest.mark.parametrize(
    "parent",
    [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        {"Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"},
        {b"traceparent": b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-and-more"},
    ],
)
def test_any_traceparent_is_followed(spans: Spans, parent: object) -> None:
    with using(parent=parent), span("inside"):  # type: ignore[arg-type]
        pass
    (row,) = spans()
    assert (row.trace_id, row.parent_id) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def test_a_trace_that_began_elsewhere_shows_what_is_here(store: Store, outline: Outline, covers: Covers) -> None:
    """Its roots, in the list as in the tree, are the spans whose parent is not stored."""
    covers("other programs", "sync", "parent in another store", "shown")
    with using(parent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", session_id="s1"):
        with span("first"), span("inner"):
            pass
        with span("second"):
            pass
    assert outline() == ["first", "  inner", "second"]
    for _ in ("live", "absorbed"):
        (found,) = store.traces()
        assert (found["name"], found["span_count"], found["status"]) == ("first", 3, "OK")
        assert [root.row.name for root in store.trace("4bf92f3577b34da6a3ce929d0e0e4736").roots] == ["first", "second"]
        assert tracer.flush(timeout=60)


def test_the_far_span_can_be_judged(store: Store) -> None:
    with using(parent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"):
        far = tracer.current_span()
        assert far is not None
        far.set(output=1)
        tracer.score(far, "helpful", 1)
        assert not far.is_recording()
    (found,) = store.scores("4bf92f3577b34da6a3ce929d0e0e4736")
    assert (found["span_id"], found["value"]) == ("00f067aa0ba902b7", 1)


def test_opentelemetrys_own_functions_work_with_no_sdk(outline: Outline, covers: Covers) -> None:
    covers("other programs", "sync", "OpenTelemetry's inject and extract, no SDK", "nested")
    headers: dict[str, str] = {}
    with span("here") as here:
        propagate.inject(headers)
    assert headers["traceparent"] == f"00-{here.trace_id}-{here.span_id}-01"
    token = otel_context.attach(propagate.extract(headers))
    with span("there"):
        pass
    otel_context.detach(token)
    assert outline() == ["here", "  there"]


def test_with_an_sdk_its_telemetry_goes_on_as_it_is_and_ours_joins(
    program_provider: TracerProvider, outline: Outline, spans: Spans, covers: Covers
) -> None:
    """`traceparent` is the one that the program sends without us; our span travels beside it, in `tracestate`."""
    covers("other programs", "sync", "trace_headers beside an SDK", "nested")
    theirs = program_provider.get_tracer("application")
    with span("ours here"), theirs.start_as_current_span("theirs here"):
        without: dict[str, str] = {}
        propagate.inject(without)
        headers = trace_headers()
    assert headers["traceparent"] == without["traceparent"]
    assert propagate.extract(headers)[_OTEL_KEY].get_span_context().span_id == int(headers["traceparent"][36:52], 16)
    with using(parent=headers), span("ours there"):
        pass
    # A server's instrumentation takes up the headers by itself: then no line of ours is needed.
    token = otel_context.attach(propagate.extract(headers))
    with theirs.start_as_current_span("theirs there"), span("ours there too"):
        pass
    otel_context.detach(token)
    assert outline() == ["ours here", "  ours there", "  ours there too"]


_OTEL_KEY = next(iter(otel.set_span_in_context(otel.INVALID_SPAN, otel_context.Context())))


def test_with_an_sdk_that_has_no_span_here_no_traceparent_is_sent(
    program_provider: TracerProvider, outline: Outline
) -> None:
    """Else the program at the far end would export spans that it does not export without us."""
    with span("ours here"):
        headers = trace_headers()
    assert set(headers) == {"tracestate"}
    with using(parent=headers), span("ours there"):
        pass
    assert outline() == ["ours here", "  ours there"]


def test_a_real_server_takes_up_what_a_real_client_sends(outline: Outline, covers: Covers) -> None:
    covers("other programs", "sync", "HTTP", "nested")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with using(parent=self.headers), span("serve"):
                body = json.dumps(trace_headers()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        for number in range(2):
            with span(f"ask {number}"):
                request = urllib.request.Request(f"http://127.0.0.1:{server.server_port}/", headers=trace_headers())
                with urllib.request.urlopen(request, timeout=10) as response:
                    assert "traceparent" in json.load(response)
        server.shutdown()
        thread.join()
    assert outline() == ["ask 0", "  serve", "ask 1", "  serve"]


WORKER = """
    import json, sys, tracer

    @tracer.trace(name="work")
    def work(text):
        return text.upper()

    for line in sys.stdin:
        job = json.loads(line)
        with tracer.using(parent=job["trace"]):
            print(work(job["text"]), flush=True)
"""


def test_a_worker_gets_jobs_by_a_queue(store_path: Path, outline: Outline, spans: Spans, covers: Covers) -> None:
    covers("other programs", "sync", "queue", "nested")
    with programs.start(WORKER, store_path) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        for number in range(2):
            with using(session_id=f"s{number}"), span(f"order {number}"):
                worker.stdin.write(json.dumps({"text": "bell", "trace": trace_headers()}) + "\n")
                worker.stdin.flush()
                assert worker.stdout.readline() == "BELL\n"
        worker.stdin.write(json.dumps({"text": "lamp", "trace": None}) + "\n")
        _, errors = worker.communicate(timeout=30)
    assert errors == ""
    assert outline() == ["order 0", "  work", "order 1", "  work", "work"]
    assert [row.session_id for row in spans()] == ["s0", "s0", "s1", "s1", None]


CHILD = """
    import json, os, tracer
    with tracer.span("child"):
        with tracer.span("inner"):
            print(json.dumps([os.environ.get("PATH") is not None, tracer.current_span().trace_id]))
"""


def test_a_program_that_is_started_with_our_environment_continues_the_trace(
    store_path: Path, outline: Outline, spans: Spans, covers: Covers
) -> None:
    """Through a shell too, which knows nothing of it; and it records to our store, wherever it runs."""
    covers("other programs", "sync", "subprocess, trace_environ", "nested")
    script = store_path.with_name("child.py")
    script.write_text("\n".join(line[4:] for line in CHILD.splitlines()))
    with using(session_id="s1"), span("parent") as parent:
        command = ["sh", "-c", f"cd / && {sys.executable} {script}"]
        done = subprocess.run(command, env=trace_environ(), capture_output=True, text=True, check=True, timeout=30)
    subprocess.run([sys.executable, script], env=trace_environ(), capture_output=True, check=True, timeout=30)
    assert json.loads(done.stdout) == [True, parent.trace_id]
    assert outline() == ["parent", "  child", "    inner", "child", "  inner"]
    assert [row.session_id for row in spans()] == ["s1", "s1", "s1", None, None]


def test_tracer_run_continues_a_trace_too(store_path: Path, outline: Outline) -> None:
    script = store_path.with_name("child.py")
    script.write_text("print('ran')")
    with span("parent"):
        done = programs.tracer(store_path, "run", script, **trace_environ())
    assert (done.stdout, done.stderr) == ("ran\n", "")
    assert outline() == ["parent", "  child.py"]


def test_a_program_that_is_started_records_no_content_where_its_starter_records_none(spans: Spans) -> None:
    tracer.configure(capture_content=False)
    with span("parent"):
        work = "import tracer; tracer.span('child', input='a secret').end()"
        subprocess.run([sys.executable, "-c", work], env=trace_environ(), check=True, timeout=30)
    assert [(row.name, row.input) for row in spans()] == [("parent", None), ("child", "[8 characters]")]


def test_what_the_environment_says_holds_in_threads_and_gives_way_to_headers(tmp_path: Path) -> None:
    program = """
        import threading
        from concurrent.futures import ProcessPoolExecutor

        @trace(name="work")
        def work(): ...

        if __name__ == "__main__":
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            with ProcessPoolExecutor(1) as pool:
                pool.submit(work).result()
            if sys.argv[1] != "untraced":
                import tracer
                assert tracer.current_span().trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
                with using(parent="00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"):
                    work()
    """
    run(program, tmp_path, TRACEPARENT="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    rows = Store(tmp_path / "traces.duckdb").sql("select trace_id, parent_id from spans order by start_ns")
    assert [(row["trace_id"][:4], row["parent_id"][:4]) for row in rows] == [*[("4bf9", "00f0")] * 2, ("aaaa", "bbbb")]


def test_a_traceparent_in_the_environment_that_is_none_is_nothing(tmp_path: Path) -> None:
    run("with span('root'): pass", tmp_path, TRACEPARENT="x", TRACESTATE="y", BAGGAGE="z")
    assert trees(tmp_path / "traces.duckdb") == ["root"]
