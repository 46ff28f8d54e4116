"""The async client of OpenAI under the event loops that it runs on: calls nest, and are cancelled with their scope."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from openai import AsyncOpenAI

from tracer import instrument, span
from tracer.demo.server import LoopbackServer
from tracer.span_row import SpanRow

Covers = Callable[[str, str, str, str], None]

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])
MESSAGES = [{"role": "user", "content": "What does a puncture cost?"}]


@BACKENDS
def test_calls_in_a_task_group_nest_and_one_in_a_cancelled_scope_is_cancelled(
    server: LoopbackServer,
    outline: Callable[[], list[str]],
    spans: Callable[[], list[SpanRow]],
    backend: str,
    covers: Covers,
) -> None:
    covers("event loops", "async", f"AsyncOpenAI under {backend}", "nested, CANCELLED")
    instrument("openai")

    async def ask(client: AsyncOpenAI, name: str) -> None:
        with span(name):
            await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)  # type: ignore[arg-type]

    async def read_a_little(client: AsyncOpenAI) -> None:
        with span("stream"), anyio.CancelScope() as scope:
            stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)  # type: ignore[call-overload]
            async for _ in stream:
                scope.cancel()
                await anyio.sleep(1)

    async def main() -> None:
        async with AsyncOpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:
            with span("main"):
                async with anyio.create_task_group() as group:
                    group.start_soon(ask, client, "first")
                    group.start_soon(ask, client, "second")
                await read_a_little(client)

    anyio.run(main, backend=backend)
    lines = outline()
    assert sorted(lines[:5]) == sorted(["main", "  first", "    chat gpt-4o", "  second", "    chat gpt-4o"])
    assert lines[5:] == ["  stream", "    chat gpt-4o"]
    assert [row.status for row in spans() if row.name == "chat gpt-4o"] == ["OK", "OK", "CANCELLED"]
