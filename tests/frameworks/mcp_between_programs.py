"""MCP carries our context itself: what a server's tool does lies under the call of its client, whatever is between."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.server import MCPServer

import tracer

SERVER = """
import tracer
from mcp.server import MCPServer

server = MCPServer("shop")

@server.tool()
@tracer.trace(kind="tool")
def opening_hours(day: str) -> str:
    return f"{day}: 9 to 5"

server.run()
"""


def in_memory() -> MCPServer:
    server = MCPServer("shop")

    @server.tool()
    @tracer.trace(kind="tool")
    def opening_hours(day: str) -> str:
        return f"{day}: 9 to 5"

    return server


@pytest.mark.parametrize("way", ["stdio", "in memory"])
async def test_a_tool_lies_under_its_call(tmp_path: Path, store_path, spans, outline, record_property, way) -> None:
    record_property("covers", ("mcp", "a tool of a server", "async", way, "nested"))
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    environ = {**os.environ, "TRACER_STORE": str(store_path)}
    started = StdioServerParameters(command=sys.executable, args=[str(script)], env=environ)
    async with Client(stdio_client(started) if way == "stdio" else in_memory()) as client:
        with tracer.span("mine"):
            result = await client.call_tool("opening_hours", {"day": "Sunday"})
    assert result.content[0].text == "Sunday: 9 to 5"
    assert outline() == ["mine", "  opening_hours"]
    assert [row.kind for row in spans()] == ["chain", "tool"]
    assert spans()[1].input == {"day": "Sunday"}
