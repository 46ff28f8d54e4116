"""`run_demo`, run once in a program of its own: what it says, and the traces that it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tracer.demo.handbook import passages
from tracer.rows import ERROR, OK
from tracer.store import Store
from tracer.store.absorb import absorb
from tracer.tree import Trace

RUN = """
import json, sys
from tracer.demo import run_demo
said = []
json.dump({"trace_ids": run_demo(said.append), "said": said}, sys.stdout)
"""

NINE = [
    "open the desk",
    "Desk.answer",
    "Desk.answer",
    "Desk.answer",
    "desk agent",
    "desk agent",
    "Desk.research",
    "Desk.digest",
    "Desk.read_minutes",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "traces.duckdb"


@pytest.fixture(scope="module")
def told(path: Path) -> dict[str, Any]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=path.parent,
        env=clean | {"TRACER_STORE": str(path), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def traces(told: dict[str, Any], path: Path) -> list[Trace]:
    """The demo's traces in the order in which it ran, read from the store that they were absorbed into."""
    absorb(path)
    store = Store(path)
    return [store.trace(trace_id) for trace_id in told["trace_ids"]]


def tree(trace: Trace) -> list[str]:
    return ["  " * depth + node.row.name for root in trace.roots for depth, node in root.walk()]


def test_the_demo_returns_the_traces_that_it_recorded(traces: list[Trace], path: Path) -> None:
    assert [trace.roots[0].row.name for trace in traces] == NINE
    recorded = [row["trace_id"] for row in Store(path).traces()]
    assert recorded == [trace.trace_id for trace in reversed(traces)]
    assert {tuple(row.tags or ()) for trace in traces for row in trace.rows} == {("demo",)}


def test_the_demo_tells_who_asks_and_what_is_answered(told: dict[str, Any]) -> None:
    said = [line.strip() for line in told["said"]]
    assert "2. Mira: What does a puncture repair cost?" in said
    assert "→ Puncture repair: 9 €, 20 minutes." in " ".join(said)
    assert "→ 日本語でのご案内は、木曜日にミカが担当します。" in said


def test_a_visitors_turns_are_one_session_and_each_a_retrieval_chain(traces: list[Trace]) -> None:
    turns = traces[1:4]
    assert {(row.session_id, row.user_id) for turn in turns for row in turn.rows} == {("mira-at-the-desk", "mira")}
    first, second = (sorted(tree(turn)) for turn in turns[:2])
    chain = [
        "Desk.answer",
        "  RunnableSequence",
        "    RunnableParallel<context,question>",
        "      RunnableSequence",
        "        retrieval HandbookRetriever",
        "          embeddings text-embedding-3-small",
        "        as_context",
        "      RunnablePassthrough",
        "    ChatPromptTemplate",
        "    chat gpt-4o",
        "    StrOutputParser",
    ]
    assert first == sorted(chain)
    assert second == sorted([*chain, "  Desk.standalone", "    chat gpt-4o-mini"])


def test_the_answer_is_streamed_under_its_prompt(traces: list[Trace]) -> None:
    (call,) = (row for row in traces[1].rows if row.name == "chat gpt-4o")
    assert (call.prompt_name, call.prompt_version) == ("desk-answer", "3")
    assert call.prompt_variables == {"question": "What does a puncture repair cost?"}
    assert call.ttft_ns is not None
    assert call.output[0]["parts"][0]["content"].startswith("Puncture repair: 9 €")


def test_the_agent_goes_on_when_a_tool_fails(traces: list[Trace]) -> None:
    agent = traces[5]
    assert tree(agent) == [
        "desk agent",
        "  chat gpt-4.1",
        "  execute_tool order_part",
        "  chat gpt-4.1",
        "  execute_tool price_of_repair",
        "  chat gpt-4.1",
    ]
    failed = agent.roots[0].children[1].row
    assert (failed.status, agent.roots[0].row.status) == (ERROR, OK)
    assert failed.status_message == "cannot order CH-1042: the stock list does not answer"
    assert "Connection refused" in json.dumps(failed.events)


def test_sub_questions_are_looked_into_at_the_same_time(traces: list[Trace]) -> None:
    research = traces[6].roots[0]
    plan, first, second, answer = research.children
    assert [node.row.name for node in (plan, answer)] == ["chat o4-mini", "chat gpt-5-mini"]
    for part in (first, second):
        assert ["  " * depth + node.row.name for depth, node in part.walk()] == [
            "Desk.look_into",
            "  retrieval HandbookRetriever",
            "    embeddings text-embedding-3-small",
            "  chat gpt-4o-mini",
        ]
    assert first.row.end_ns is not None
    assert second.row.start_ns < first.row.end_ns
    assert plan.row.reasoning_tokens


def test_a_rate_limit_is_one_call_with_a_retry_and_a_refused_call_is_an_error(traces: list[Trace]) -> None:
    digest, refused = traces[7], traces[8]
    assert [(row.status, row.retries) for row in digest.rows if row.kind == "llm"] == [(OK, 1)]
    assert [row.status for row in refused.rows] == [ERROR, ERROR]
    (call,) = (row for row in refused.rows if row.kind == "llm")
    assert call.error_type == "openai.BadRequestError"
    assert "maximum context length is 8192 tokens" in (call.status_message or "")


def test_every_model_call_that_succeeded_has_tokens_and_a_cost(traces: list[Trace]) -> None:
    calls = [row for trace in traces for row in trace.rows if row.kind in ("llm", "embedding") and row.status == OK]
    assert len(calls) == 23
    assert [row.name for row in calls if not row.input_tokens or not row.cost_usd] == []


def test_the_corpus_has_code_tables_and_many_scripts() -> None:
    text = "\n".join(document.page_content for document in passages())
    assert all(part in text for part in ("```python", "|---|", "日本語", "العربية", "Павел", "🚲"))
    assert len({document.metadata["source"] for document in passages()}) == 8


def test_without_its_libraries_the_demo_says_what_to_install() -> None:
    program = """
import sys
sys.modules["openai"] = None
from tracer.demo import run_demo
from tracer.errors import IntegrationNotInstalled
try:
    run_demo()
except IntegrationNotInstalled as missing:
    print(missing)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "the demo needs openai: pip install 'llm-tracer[all]'\n"
