"""The docs cannot rot: what is generated is up to date, code in prose runs, and every link leads somewhere."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from unittest.mock import Mock

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tracer
from tracer.cli import COMMANDS

ROOT = Path(__file__).parent.parent
PROSE = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*.md"))]


def test_the_schema_is_that_of_the_migrations() -> None:
    pages = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"]
    assert (ROOT / "docs" / "schema.md").read_text() == pages["schema.md"](), "run `make docs`"


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse words its help differently in each Python")
def test_the_commands_are_described_as_they_are() -> None:
    pages = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"]
    assert (ROOT / "docs" / "commands.md").read_text() == pages["commands.md"](), "run `make docs`"


def test_every_command_is_documented() -> None:
    text = "".join(path.read_text() for path in PROSE)
    assert [command for command in COMMANDS if f"tracer {command}" not in text] == []


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_code_in_prose_runs(page: Path, store_path: Path, spans: Callable[[], list[Any]]) -> None:
    def answer(question: str = "") -> None: ...

    provider = TracerProvider()
    names = {
        "search": str.split,
        "write": str.join,
        "answer": answer,
        "my_redactor": str.strip,
        "OTLPSpanExporter": InMemorySpanExporter,
        "provider": provider,
        "tracer": tracer,
        "http": Mock(),
        "order": {},
        "queue": SimpleQueue(),
        "ship": Mock(),
        "request": Mock(headers={}),
        "task": Mock(**{"request.headers": None}),
    }
    file = {"type": "blob", "mime_type": "text/plain", "content": "dGVzdA==", "filename": "the-content-of-the-hash.txt"}
    with tracer.span("recorded", input=file) as recorded:
        pass
    with tracer.span("around"):
        names |= {"current_span": tracer.current_span, "trace_id": recorded.trace_id}
        for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
            here = block.replace("runs/traces.duckdb", str(store_path)).replace(
                "Store()", f"Store({str(store_path)!r})"
            )
            exec(compile(here.replace("01a208cbf92beae2", recorded.trace_id), str(page), "exec"), names)
    provider.shutdown()


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []
