"""However a call travels, it is recorded alike: other HTTP clients and versions, compressed, by a proxy, to Azure."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from misbehaving import LAST_CHUNK, Wire, answer, chunk, stream_head

from tracer import instrument
from tracer.demo.server import LoopbackServer, Reply
from tracer.span_row import SpanRow

Spans = Callable[[], list[SpanRow]]

HTTP: Any = getattr(openai._base_client, "httpx2", None) or httpx
"""The library that this version of the SDK is built on."""

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How deep is the well?"}]}
TEXTS = ["Twelve ", "metres", "."]


def events() -> list[bytes]:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    deltas = [{"index": 0, "delta": {"content": text}, "finish_reason": None} for text in TEXTS]
    deltas[-1]["finish_reason"] = "stop"
    bodies = [json.dumps({**head, "choices": [choice]}) for choice in deltas]
    return [f"data: {body}\n\n".encode() for body in [*bodies, "[DONE]"]]


def said(span: SpanRow) -> list[str]:
    return [part["content"] for part in span.output[0]["parts"]] if span.output else []


def heard(stream: Any) -> list[str]:
    return [chunk.choices[0].delta.content for chunk in stream]


def packed(encoding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """How a server packs a stream: each event so that it can be read at once, and the end."""
    if encoding == "br":
        brotli = pytest.importorskip("brotli", reason="br is read only where it is installed")
        pack = brotli.Compressor()
        return lambda data: pack.process(data) + pack.flush(), pack.finish
    if encoding == "zstd":
        zstandard = pytest.importorskip("zstandard", reason="zstd is read only where it is installed")
        packer = zstandard.ZstdCompressor().compressobj()
        return lambda data: packer.compress(data) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK), packer.flush
    squeeze = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    return lambda data: squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH), squeeze.flush


@pytest.mark.parametrize("leaves_early", [False, True], ids=["to the end", "left early"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_compressed_stream_is_read_as_the_program_reads_it(encoding: str, leaves_early: bool, spans: Spans) -> None:
    pack, end = packed(encoding)
    sent = [stream_head(content_encoding=encoding), *(chunk(pack(event)) for event in events())]
    instrument("openai")
    http_client = httpx.Client() if encoding == "zstd" else None  # httpx2 reads it with the newest Python alone
    with (
        Wire([*sent, chunk(end()), LAST_CHUNK]) as wire,
        openai.OpenAI(base_url=wire.base_url, api_key="any", http_client=http_client) as client,
    ):
        stream = client.chat.completions.create(**CHAT, stream=True)
        if leaves_early:
            first = next(iter(stream)).choices[0].delta.content
            stream.close()
            assert first == TEXTS[0]
        else:
            assert heard(stream) == TEXTS

    [span] = spans()
    assert span.status == ("CANCELLED" if leaves_early else "OK")
    assert span.ttft_ns is not None
    assert "".join(said(span)).startswith("Twelve ")
    assert leaves_early or said(span) == ["".join(TEXTS)]


def test_a_compressed_answer_is_read(spans: Spans) -> None:
    body = {"choices": [{"message": {"content": "Twelve"}, "finish_reason": "stop"}]}
    instrument("openai")
    sent = answer(gzip.compress(json.dumps(body).encode()), content_encoding="gzip")
    with (
        Wire([sent]) as wire,
        openai.OpenAI(base_url=wire.base_url, api_key="any") as client,
        client.chat.completions.with_streaming_response.create(**CHAT) as response,
    ):
        response.read()

    assert [said(span) for span in spans()] == [["Twelve"]]


@pytest.mark.skipif(HTTP is httpx, reason="before version 3 the SDK is built on httpx, and aiohttp is no part of it")
async def test_aiohttp_carries_calls_and_streams(spans: Spans) -> None:
    pytest.importorskip("aiohttp", reason="the SDK's extra for aiohttp")
    instrument("openai")
    with LoopbackServer() as server:
        server.script(Reply(text="Twelve metres."), Reply(text="Twelve metres."), Reply(status=400))
        http_client = openai.DefaultAioHttpClient()
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="any", http_client=http_client) as client:
            await client.chat.completions.create(**CHAT)
            stream = await client.chat.completions.create(**CHAT, stream=True)
            assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "Twelve metres."
            with pytest.raises(openai.BadRequestError):
                await client.chat.completions.create(**CHAT)

    assert [(span.status, said(span)) for span in spans()] == [
        ("OK", ["Twelve metres."]),
        ("OK", ["Twelve metres."]),
        ("ERROR", []),
    ]


def test_a_legacy_httpx_client_is_recorded_as_the_sdks_own(spans: Spans) -> None:
    instrument("openai")
    with LoopbackServer() as server:
        server.script(Reply(text="Twelve metres."), Reply(status=429), Reply(cut_after=3, text="Twelve metres."))
        with openai.OpenAI(
            base_url=server.base_url, api_key="any", http_client=httpx.Client(), max_retries=0
        ) as client:
            raw = client.chat.completions.with_raw_response.create(**CHAT)
            assert type(raw.http_response) is httpx.Response
            with pytest.raises(openai.RateLimitError):
                client.chat.completions.create(**CHAT)
            with pytest.raises((openai.APIConnectionError, httpx.ReadError)):
                list(client.chat.completions.create(**CHAT, stream=True))

    whole, refused, broken = spans()
    assert (whole.status, said(whole)) == ("OK", ["Twelve metres."])
    assert (refused.status, refused.error_type) == ("ERROR", "openai.RateLimitError")
    assert (broken.status, broken.error_type, said(broken)) == ("ERROR", "httpx.ReadError", ["Twelve metres."])


def test_a_transport_of_the_programs_own_keeps_its_streams(spans: Spans) -> None:
    closed = []

    class Said(HTTP.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            yield from events()

        def close(self) -> None:
            closed.append(True)

    class Transport(HTTP.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            return HTTP.Response(200, headers={"content-type": "text/event-stream"}, stream=Said())

    instrument("openai")
    with openai.OpenAI(api_key="any", http_client=HTTP.Client(transport=Transport())) as client:
        assert heard(client.chat.completions.create(**CHAT, stream=True)) == TEXTS

    [span] = spans()
    assert closed
    assert (span.status, said(span), span.attributes["server.address"]) == ("OK", ["".join(TEXTS)], "api.openai.com")


def test_a_call_through_a_proxy_goes_where_it_was_sent(spans: Spans) -> None:
    instrument("openai")
    with Wire([stream_head(), *map(chunk, events()), LAST_CHUNK]) as proxy:
        http_client = HTTP.Client(proxy=f"http://127.0.0.1:{proxy.port}")
        with openai.OpenAI(base_url="http://api.x.ai/v1", api_key="any", http_client=http_client) as client:
            assert heard(client.chat.completions.create(**CHAT, stream=True)) == TEXTS

    [span] = spans()
    assert proxy.requests == ["http://api.x.ai/v1/chat/completions"]
    assert (span.status, span.provider, span.attributes["server.address"]) == ("OK", "x_ai", "api.x.ai")


def test_http_2_is_recorded_as_http_1_is(spans: Spans) -> None:
    pytest.importorskip("h2", reason="the HTTP client speaks HTTP/2 only where it is installed")
    instrument("openai")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=answer_over_http_2, args=(listener,), daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with (
        listener,
        openai.OpenAI(base_url=url, api_key="any", http_client=HTTP.Client(http1=False, http2=True)) as client,
        client.chat.completions.create(**CHAT, stream=True) as stream,
    ):
        assert stream.response.http_version == "HTTP/2"
        assert heard(stream) == TEXTS

    [span] = spans()
    assert (span.status, said(span), span.request_id) == ("OK", ["".join(TEXTS)], "req_1")


def answer_over_http_2(listener: socket.socket) -> None:
    """Answer the first request of one connection with a stream."""
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import StreamEnded

    connection, _ = listener.accept()
    with connection:
        http = H2Connection(H2Configuration(client_side=False))
        http.initiate_connection()
        connection.sendall(http.data_to_send())
        while data := connection.recv(65_536):
            for event in http.receive_data(data):
                if isinstance(event, StreamEnded):
                    head = [(":status", "200"), ("content-type", "text/event-stream"), ("x-request-id", "req_1")]
                    http.send_headers(event.stream_id, head)
                    for part in events():
                        http.send_data(event.stream_id, part)
                    http.end_stream(event.stream_id)
            connection.sendall(http.data_to_send())


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_azure_is_told_by_its_client_with_whatever_it_is_given_for_a_key(is_async: bool, spans: Spans) -> None:
    """A token is asked for each try; the deployment is in the path, and the model in the body."""
    asked = []

    def token() -> str:
        asked.append("token")
        return f"token-{len(asked)}"

    async def token_async() -> str:
        return token()

    async def call(**options: Any) -> None:
        provider = token_async if options["azure_ad_token_provider"] else None
        async with openai.AsyncAzureOpenAI(**{**options, "azure_ad_token_provider": provider}) as client:
            await client.chat.completions.create(**CHAT)

    instrument("openai")
    with LoopbackServer() as server:
        server.script(Reply(status=429), Reply(text="Twelve metres."), Reply(text="Twelve metres."))
        common = {"azure_endpoint": server.url, "api_version": "2024-10-21"}
        for options in (
            {**common, "azure_ad_token_provider": token, "max_retries": 1},
            {**common, "azure_deployment": "wells", "api_key": "any", "azure_ad_token_provider": None},
        ):
            if is_async:
                asyncio.run(call(**options))
            else:
                with openai.AzureOpenAI(**options) as client:
                    client.chat.completions.create(**CHAT)

    assert [request.path for request in server.requests] == [
        *["/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"] * 2,
        "/openai/deployments/wells/chat/completions?api-version=2024-10-21",
    ]
    assert [request.headers.get("authorization") for request in server.requests[:2]] == [
        "Bearer token-1",
        "Bearer token-2",
    ]
    assert [(span.provider, span.request_model, span.retries, span.status) for span in spans()] == [
        ("azure.ai.openai", "gpt-4o-mini", 1, "OK"),
        ("azure.ai.openai", "gpt-4o-mini", 0, "OK"),
    ]
    assert len(asked) == 2
