"""Recording, absorbing, counting tokens, reading and viewing ask nothing of any network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

GUARD = """
import sys

def told(event, arguments):
    # Every way out of Python's own: names to resolve, and addresses to connect or to send to.
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1] if len(arguments) > 1 else None
        host = address[0] if isinstance(address, tuple) else None
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "127.0.0.1", "::1", "localhost"):
        with open(LOG, "a") as log:
            log.write(f"{event} {host}\\n")

sys.addaudithook(told)
"""

RECORD = """
import openai, tracer
from tracer.demo.server import LoopbackServer, Reply

tracer.instrument()
with LoopbackServer() as server, openai.OpenAI(base_url=server.base_url, api_key="any") as client:
    server.script(Reply(text="Twelve metres.", with_usage=False))
    with tracer.span("question"):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "How deep is the well?"}])
"""


@pytest.fixture
def guarded(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An environment in which every Python process notes whom it asks beyond this machine, and the notes."""
    log = tmp_path / "asked"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(f"LOG = {str(log)!r}\n{GUARD}")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)}
    environment |= {"TRACER_STORE": str(tmp_path / "traces.duckdb")}
    environment.pop("TRACER_ABSORB", None)
    return environment, log


def run(arguments: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [*_ALONE, sys.executable, *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _namespace() -> list[str]:
    """What runs a program where there is no network but loopback: for root on Linux."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        return []
    command = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    works = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return command if works else []


_ALONE = _namespace()


def test_the_guard_sees_what_goes_out(guarded: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    environment, log = guarded
    program = """
        import socket
        for attempt in (lambda: socket.getaddrinfo("example.org", 443),
                        lambda: socket.create_connection(("192.0.2.1", 9), timeout=0.01)):
            try:
                attempt()
            except OSError:
                pass
    """
    run(["-c", textwrap.dedent(program)], environment, tmp_path)
    assert log.read_text().splitlines()[:1] == ["socket.getaddrinfo example.org"]
    assert "192.0.2.1" in log.read_text()


def test_recording_absorbing_and_reading_ask_nobody(guarded: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    environment, log = guarded
    run(["-c", RECORD], {**environment, "TRACER_ABSORB": "0"}, tmp_path)
    run(["-m", "tracer", "absorb"], environment, tmp_path)
    query = "select usage_source, input_tokens, cost_usd from spans where kind = 'llm'"
    said = run(["-m", "tracer", "sql", "--json", query], environment, tmp_path)
    assert "tokenizer" in said
    run(["-m", "tracer", "ls"], environment, tmp_path)
    run(["-m", "tracer", "show"], environment, tmp_path)
    assert not log.exists()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Streamlit needs Python 3.11")
def test_viewing_asks_nobody(guarded: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    environment, log = guarded
    run(["-c", RECORD], {**environment, "TRACER_ABSORB": "0"}, tmp_path)
    # In a namespace of its own the viewer is asked from within it.
    program = """
        import json, re, subprocess, sys, time, urllib.request
        command = [sys.executable, "-m", "tracer", "view", "--no-open", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as viewer:
            url = re.search(r"http://127\\.0\\.0\\.1:\\d+", viewer.stdout.readline())[0]
            for path in ("/", "/_stcore/health", "/_stcore/host-config"):
                urllib.request.urlopen(url + path, timeout=20).read()
            time.sleep(2)  # what a server sends home, it sends after its start
            viewer.terminate()
    """
    run(["-c", textwrap.dedent(program)], environment, tmp_path)
    assert not log.exists()
