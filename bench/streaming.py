"""What listening to streams costs the program that reads them: OpenAI's SDK with and without us, in the same rounds.

The events of a chat come from memory, so that no network hides the cost; those of a realtime session through a
WebSocket on loopback. While a stream flows its bytes are only noted; they are read when it has ended. Times are those
that the program's own thread was on a processor: what else runs on the machine is left out.

    python bench/streaming.py [--rounds N]
"""

from __future__ import annotations

import argparse
import base64
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import openai
from measuring import Figures, Table, Target, interleaved, report, with_spread
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

import tracer

CHUNKS = 2_000
EVENTS = 1_000


def chat_chunks() -> list[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": []}
    deltas = [{"index": 0, "delta": {"content": f" word{n}"}, "finish_reason": None} for n in range(CHUNKS)]
    deltas[-1]["finish_reason"] = "stop"
    events = [json.dumps({**head, "choices": [delta], "obfuscation": "x" * 12}) for delta in deltas]
    return [f"data: {event}\n\n".encode() for event in [*events, "[DONE]"]]


class Prepared(httpx2.BaseTransport):
    """Answers every request with the same chunks."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Chunks(self._chunks))


class Chunks(httpx2.SyncByteStream):
    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks


def read(client: openai.OpenAI) -> tuple[float, float]:
    """Return the seconds from the first event of a chat to the last, and from there to the end of the stream."""
    stream = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Tell."}], stream=True
    )
    first = last = 0.0
    for _ in stream:
        last = time.thread_time()
        first = first or last
    return last - first, time.thread_time() - last


PIECE = base64.b64encode(b"\0" * 4_800).decode()
"""A tenth of a second of sound."""


def speak(connection: ServerConnection) -> None:
    """Take in sound until a response is asked for, and answer with as much."""
    while json.loads(connection.recv())["type"] != "response.create":
        pass
    connection.send(json.dumps({"type": "response.created", "response": {"id": "r", "output": []}}))
    delta = {"type": "response.output_audio.delta", "response_id": "r", "output_index": 0, "content_index": 0}
    for _ in range(EVENTS):
        connection.send(json.dumps({**delta, "delta": PIECE}))
    connection.send(json.dumps({"type": "response.done", "response": {"id": "r", "status": "completed", "output": []}}))
    with suppress(ConnectionClosed):
        connection.recv()


def talk(client: openai.OpenAI) -> tuple[float, float]:
    """Return the seconds that sending took, and those that receiving took."""
    with client.realtime.connect(model="gpt-realtime") as connection:
        start = time.thread_time()
        for _ in range(EVENTS):
            connection.send({"type": "input_audio_buffer.append", "audio": PIECE})
        sent = time.thread_time()
        connection.send({"type": "response.create"})
        for event in connection:
            if event.type == "response.done":
                break
        return sent - start, time.thread_time() - sent


def both(run: Callable[[], tuple[float, float]], rounds: int) -> tuple[dict[str, Figures], dict[str, Figures]]:
    """Return the two figures of a run, untraced and traced."""
    second: dict[str, Figures] = {"bare": [], "ours": []}

    def taking(name: str) -> Callable[[], float]:
        def take() -> float:
            if name == "ours":
                tracer.instrument("openai")
            one, other = run()
            tracer.uninstrument()
            second[name].append(other)
            return one

        return take

    first = interleaved({name: taking(name) for name in ("bare", "ours")}, rounds)
    return first, {name: figures[-rounds:] for name, figures in second.items()}


def add(table: Table, name: str, took: dict[str, Figures], count: int, target: Target) -> None:
    more = [(ours - bare) / count * 1e6 for ours, bare in zip(took["ours"], took["bare"], strict=True)]
    cells = [with_spread(took[who], "µs", 1e6 / count) for who in ("bare", "ours")]
    middle = sorted(more)[len(more) // 2]
    table.add(name, *cells, with_spread(more, "µs"), target, target.verdict(middle), more=more, **took)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=15)
    rounds = options.parse_args().rounds
    table = Table("An event of a stream, for the program that reads it", ["", "bare", "traced", "more", "target", ""])
    with tempfile.TemporaryDirectory() as place:
        tracer.configure(store=Path(place) / "bench.duckdb")
        with openai.OpenAI(api_key="any", http_client=httpx2.Client(transport=Prepared(chat_chunks()))) as client:
            flow, end = both(lambda: read(client), rounds)
        add(table, "chat, while it flows", flow, CHUNKS, Target(3, unit="µs"))
        add(table, "chat, at its end", end, CHUNKS, Target(10, unit="µs"))
        with serve(speak, "127.0.0.1", 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            port = server.socket.getsockname()[1]
            urls: dict[str, Any] = {"websocket_base_url": f"ws://127.0.0.1:{port}", "base_url": "http://127.0.0.1"}
            with openai.OpenAI(api_key="any", **urls) as client:
                sent, received = both(lambda: talk(client), rounds)
            server.shutdown()
        add(table, "realtime, sending 0.1 s of sound", sent, EVENTS, Target(20, unit="µs"))
        add(table, "realtime, receiving as much", received, EVENTS, Target(40, unit="µs"))
        report("streaming", [table])
        tracer.configure(store=None)  # so that its folder may go


if __name__ == "__main__":
    main()
