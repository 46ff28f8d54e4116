"""Each example, run as a program of its own: what it prints, and that the recorded tree is nested as its code is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.demo.server import LoopbackServer
from tracer.rows import OK
from tracer.span_row import SpanRow
from tracer.store import Store
from tracer.tree import Trace

EXAMPLES = Path(__file__).parent.parent / "examples"

Run = Callable[..., "tuple[subprocess.CompletedProcess[str], Trace]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run an example to its end; return what it said and the one trace that it recorded."""

    def run(name: str, *arguments: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], Trace]:
        path = tmp_path / "traces.duckdb"
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "PYTEST_"))}
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / name), *arguments],
            cwd=tmp_path,
            env=clean | {"TRACER_STORE": str(path), "PYTHONIOENCODING": "utf-8"} | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        store = Store(path)
        (row,) = store.traces()
        return done, store.trace(row["trace_id"])

    return run


def tree(trace: Trace) -> list[str]:
    return ["  " * depth + node.row.name for root in trace.roots for depth, node in root.walk()]


def named(trace: Trace, name: str) -> list[SpanRow]:
    found = [row for row in trace.rows if row.name == name]
    return sorted(found, key=lambda row: row.start_ns)


def test_openai_chat_shows_the_tool_call_and_the_streamed_answer(run: Run) -> None:
    done, trace = run("openai_chat.py")
    assert done.stdout == "Oslo expects sleet and 2 °C today, then dry cold with a wind from the fjord.\n"
    assert "OPENAI_API_KEY is not set: a loopback server at http://127.0.0.1:" in done.stderr
    assert tree(trace) == [
        "packing_list",
        "  gather",
        "    chat gpt-4o-mini",
        "    get_weather",
        "  advise",
        "    chat gpt-4o-mini",
    ]
    asked, answered = named(trace, "chat gpt-4o-mini")
    assert asked.finish_reasons == ["tool_calls"]
    assert asked.output[0]["parts"][0]["arguments"] == {"city": "Oslo"}
    assert (answered.finish_reasons, answered.stream) == (["stop"], True)
    assert answered.ttft_ns is not None
    assert answered.output[0]["parts"] == [{"type": "text", "content": done.stdout.strip()}]
    assert all((row.usage_source, row.response_model) == ("api", "gpt-4o-mini-2024-07-18") for row in (asked, answered))
    assert named(trace, "get_weather")[0].input == {"city": "Oslo"}
    assert named(trace, "packing_list")[0].output == done.stdout.strip()


def test_openai_chat_talks_to_the_endpoint_that_the_environment_names(run: Run, server: LoopbackServer) -> None:
    question = "What should I pack for Lisbon?"
    environment = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "a key of one's own"}
    done, trace = run("openai_chat.py", question, **environment)
    assert done.stderr == ""
    assert [request.body["messages"][0]["content"] for request in server.requests] == [question] * 2
    assert named(trace, "packing_list")[0].input == {"question": question}


QUESTION_TREE = [
    "RunnableSequence",
    "  RunnableParallel<manual,question>",
    "    RunnableSequence",
    "      retrieval VectorStoreRetriever",
    "        embeddings text-embedding-3-small",
    "      join",
    "    RunnablePassthrough",
    "  ChatPromptTemplate",
    "  chat gpt-4o-mini",
    "  StrOutputParser",
]


def test_langchain_rag_nests_as_the_chain_is_composed(run: Run) -> None:
    done, trace = run("langchain_rag.py")
    answers = [line.strip() for line in done.stdout.splitlines()[1::2]]
    assert answers[:2] == [
        "Fill the tank with cold water up to the mark, 1.8 litres.",
        "A blinking amber light means that it is time to descale.",
    ]
    (root,) = trace.roots
    index, *questions = root.children
    assert (root.row.name, root.row.user_id, root.row.tags) == ("barista", "barista", ["coffee"])
    assert [node.row.name for _, node in index.walk()] == ["build_chain", "embeddings text-embedding-3-small"]
    assert len(questions) == 4
    for question in questions:
        branches = sorted("  " * depth + node.row.name for depth, node in question.walk())
        assert branches == sorted(QUESTION_TREE)  # the two branches of the RunnableParallel run at the same time
    calls = named(trace, "chat gpt-4o-mini")
    assert sorted(call.output[0]["parts"][0]["content"] for call in calls) == sorted(answers)
    assert [call.ttft_ns is not None for call in calls] == [False, True, False, False]
    assert {(call.usage_source, call.operation, call.status) for call in calls} == {("api", "chat", OK)}
    assert len({call.request_id for call in calls}) == 4
    assert all(row.status == OK for row in trace.rows)


def test_langgraph_agent_nests_tools_and_what_they_call_in_its_nodes(run: Run) -> None:
    done, trace = run("langgraph_agent.py")
    assert done.stdout.splitlines()[1::2] == [
        "  Order A-1042 is a raincoat, delivered 12 days ago. Order A-1042 can be returned for another 18 days.",
        "  Order A-1042 is a raincoat, delivered 12 days ago.",
    ]
    model = ["    model", "      chat gpt-4o-mini"]
    called = ["        load_order", "          orders table"]
    assert tree(trace) == [
        "help_desk",
        "  invoke_agent",
        *model,
        "    tools",
        "      execute_tool find_order",
        *called,
        *model,
        "    tools",
        "      execute_tool check_return",
        *called,
        *model,
        "  invoke_agent",
        *model,
    ]
    assert {row.session_id for row in named(trace, "invoke_agent")} == {"customer-7"}
    assert [row.kind for row in (*named(trace, "help_desk"), *named(trace, "execute_tool find_order"))] == [
        "agent",
        "tool",
    ]
    assert all(row.usage_source == "api" and row.input_tokens for row in named(trace, "chat gpt-4o-mini"))
    assert named(trace, "orders table")[0].output == {"item": "raincoat", "status": "delivered", "days_ago": 12}


def test_every_example_is_described_in_the_readme() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in sorted(EXAMPLES.glob("*.py")) if f"]({path.name})" not in readme] == []
