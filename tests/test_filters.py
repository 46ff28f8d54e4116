"""The filter language finds what it says, and says what it does not know."""

from __future__ import annotations

import pytest
from journal_lines import SECOND, START_NS, Process, call, span, written

from tracer.errors import QueryError
from tracer.store import Store
from tracer.store.absorb import absorb
from tracer.store.filters import parse


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Traces that are told apart by one thing each; half of them stored, half live."""
    path = tmp_path_factory.mktemp("store") / "traces.duckdb"
    written(
        path,
        span("plain", trace=0),
        span("failed", trace=1, status="ERROR", status_message="Connection REFUSED", error_type="openai.APIError"),
        span("with model", trace=2),
        call("chat gpt-4o", trace=2, parent="with model", input_tokens=20_000, cost_usd=0.25),
        span("slow", trace=3, lasts=90),
    )
    absorb(path)
    process = Process(path)
    process.segment(
        span("searching", trace=4),
        span("search", trace=4, kind="tool", parent="searching", input={"q": 'the "refund"\npolicy of 100%'}),
        span("labelled", trace=5, tags=["beta"], session_id="s 1", user_id="anna", output="Größe_und_Übung"),
        span("running", trace=6, lasts=None, process_id=process.process_id),
        live=True,
    )
    return Store(path)


FOUND = {
    "": ["running", "labelled", "searching", "slow", "with model", "failed", "plain"],
    "error": ["failed"],
    "where cost_usd > 0.1": ["with model"],
    "kind:tool WHERE span_count = 2 -- two": ["searching"],
    "where": [],
    "status:error": ["failed"],
    "status:running": ["running"],
    "model:gpt-4o": ["with model"],
    "model:GPT": ["with model"],
    "name:search": ["searching"],
    "name:gpt-4o": ["with model"],
    "kind:tool": ["searching"],
    "tag:beta": ["labelled"],
    'session:"s 1"': ["labelled"],
    "user:anna": ["labelled"],
    "dur>1m": ["running", "slow"],
    "dur>=90s dur<91s": ["slow"],
    "dur<1.5m kind:tool": ["searching"],
    "cost>0.1": ["with model"],
    "cost>$0.1": ["with model"],
    "cost<=0.1": [],
    "tokens>10k": ["with model"],
    "tokens>=20.1k": ["with model"],
    "tokens<1": ["running", "labelled", "searching", "slow", "failed", "plain"],
    "refused": ["failed"],
    "APIError": ["failed"],
    '"connection refused"': ["failed"],
    "refund policy": ["searching"],
    '"refund"': ["searching"],
    '"error"': ["failed"],
    "100%": ["searching"],
    "10_%": [],
    "größe_UND": ["labelled"],
    "kind:tool name:searching refund": ["searching"],
    "kind:tool error": [],
    "since:1h": ["running", "labelled", "searching", "slow", "with model", "failed", "plain"],
}


@pytest.mark.parametrize("line", FOUND)
def test_a_line_finds_what_it_says(store: Store, line: str) -> None:
    found = parse(line, now_ns=START_NS + 1000 * SECOND)
    rows = store.sql(f"select name from traces where {found.sql} order by start_ns desc", found.parameters)
    assert [row["name"] for row in rows] == FOUND[line]


def test_a_text_is_found_across_the_line_ends_of_a_value(store: Store) -> None:
    (row,) = store.traces('"\npolicy of"')
    assert row["name"] == "searching"


@pytest.mark.parametrize(("moment", "count"), [("4.5s", 2), ("1h", 7), ("1w", 7), ("1s", 0)])
def test_since_looks_back_from_now(store: Store, moment: str, count: int) -> None:
    found = parse(f"since:{moment}", now_ns=START_NS + 9 * SECOND)
    assert len(store.sql(f"from traces where {found.sql}", found.parameters)) == count


def test_since_takes_a_date(store: Store) -> None:
    assert len(store.traces("since:2025-10-01")) == 7
    assert len(store.traces("since:2999-01-01T10:00")) == 0


@pytest.mark.parametrize(
    "sql", ["true) or (true", "true limit 1", "getenv('HOME') is null", "cost_usd > ?", "(select 1"]
)
def test_sql_in_a_filter_is_one_condition_that_reads(store: Store, sql: str) -> None:
    with pytest.raises(QueryError):
        len(store.traces(f"error where {sql}"))
    with pytest.raises(QueryError):
        len(store.sql("from traces", within=store.condition(f"where {sql}")))


def test_until_ends_before_a_moment(store: Store) -> None:
    assert len(store.traces("until:2999-01-01")) == 7
    assert len(store.traces("since:2025-10-01 until:2025-10-01")) == 0


WRONG = {
    "modle:gpt": "did you mean 'model'",
    "duration>2s": "Fields are status",
    "http://example.org": r'quote it: "http://example.org"',
    "status:eror": "did you mean 'error'",
    "kind:tol": "did you mean 'tool'",
    "dur>fast": "write it like 2s",
    "dur>2years": "write it like 2s",
    "dur:2s": "write dur>2s",
    "cost>cheap": "write it like 0.1",
    "tokens>10q": "write it like 500",
    "model>x": "write model:x",
    "since:yesterday": "since:1h",
    "since>1h": "write since:1h",
    f"since:{'9' * 400}d": "more than there can be",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_read_is_said_with_what_can(store: Store, line: str) -> None:
    with pytest.raises(QueryError, match=WRONG[line]):
        store.traces(line)
