"""Secrets never reach the disk: not in any column, in any form, nor their first half; and what is none stays."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import programs
import tracer
from tracer.capture import encode
from tracer.capture.redaction import Redactor
from tracer.errors import UsageError
from tracer.recorder import RECORDER
from tracer.span_row import SpanRow
from tracer.store import Store
from tracer.store.absorb import absorb

Spans = Callable[[], list[SpanRow]]

PEM = "\n".join(
    ["-----BEGIN RSA PRIVATE KEY-----", *["MIIEpAIBAAKCAQEA7" + "q" * 47] * 3, "-----END RSA PRIVATE KEY-----"]
)
BASIC = base64.b64encode(b"aladdin:opensesame").decode()

SECRETS: dict[str, list[str]] = {
    "api-key": [
        "sk-proj-aB3_dE6-gH9jK2mN5pQ8",
        "sk-svcacct-aB3_dE6-gH9jK2mN5pQ8",
        "sk-ant-api03-aB3_dE6-gH9jK2mN5pQ8-AA",
        "sk-or-v1-0123456789abcdef0123456789abcdef",
        "sk-0123456789abcdef0123456789abcdef",
        "sk_live_51aB3dE6gH9jK2mN5pQ8",
        "rk_test_51aB3dE6gH9jK2mN5pQ8",
        "whsec_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7",
        "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
        "ya29.a0AfH6SMBaB3dE6gH9jK2mN5pQ8",
        "GOCSPX-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7",
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "ABSK" + "aB3dE6gH" * 8,
        "aB3dE6gH9jK2m" * 4 + "JQQJ99BCACYeBjFXJ3w3AAABACOGz5j0",
        "ghp_" + "a1B2" * 9,
        "gho_" + "a1B2" * 9,
        "ghu_" + "a1B2" * 9,
        "ghs_" + "a1B2" * 9,
        "ghr_" + "a1B2" * 9,
        "github_pat_11ABCDEFG0" + "a1B2" * 18,
        "glpat-aB3_dE6-gH9jK2mN5pQ8",
        "xoxb-123456789012-aB3dE6gH9jK2mN5pQ8",
        "xapp-1-A012-345-abcdef",
        "hf_" + "aB3dE6gH9j" * 4,
        "gsk_" + "aB3dE6gH9j" * 5,
        "xai-" + "aB3dE6gH9j" * 8,
        "pplx-" + "aB3dE6gH9j" * 4,
        "nvapi-" + "aB3dE6gH9j" * 6,
        "lsv2_pt_0123456789abcdef0123456789abcdef_0123456789",
        "npm_" + "aB3dE6gH9j" * 4,
        "pypi-AgEIcHlwaS5vcmc" + "aB3dE6gH9j" * 6,
        "SG.aB3dE6gH9jK2mN5pQ8sT1v.aB3dE6gH9jK2mN5pQ8sT1v",
    ],
    "jwt": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"],
    "private-key": [
        PEM,
        PEM.replace("RSA", "OPENSSH"),
        PEM.replace("RSA ", ""),
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----",
    ],
}

TOLD_BY_THEIR_PLACE = [
    # what stands around the secret, the secret, its kind
    ("Authorization: Bearer {}", "aB3dE6gH9jK2mN5pQ8", "bearer-token"),
    ("use bearer {} here", "aB3dE6gH9jK2mN5pQ8", "bearer-token"),
    ("send Basic {}", BASIC, "basic-auth"),
    ("https://ada:{}@example.org/x", "hunter@2", "url-password"),
    ("postgresql://ada:{}@db:5432/x", "hunter2", "url-password"),
    ("redis://:{}@cache:6379", "hunter2", "url-password"),
    ("DefaultEndpointsProtocol=https;AccountKey={};EndpointSuffix=x", "aB3/dE6+gH9==", "secret-field"),
    ("Server=db;User Id=sa;Password={};", "hunter2!", "secret-field"),
    ("Endpoint=sb://x/;SharedAccessKey={}", "aB3dE6gH9", "secret-field"),
    ("host=db password={} user=ada", "hunter2", "secret-field"),
    ("https://x.blob.core.windows.net/y?sv=1&sig={}&se=2", "aB3dE6gH9%3D", "secret-field"),
    ("GET /v1?api_key={}&q=1", "aB3dE6gH9", "secret-field"),
    ("export OPENAI_API_KEY={}\n", "aB3dE6gH9", "secret-field"),
    ("HF_TOKEN={}", "aB3dE6gH9", "secret-field"),
    ("aws_secret_access_key = {}", "wJalrXUtnFEMI/K7MDENG", "secret-field"),
    ('client = OpenAI(api_key="{}")', "short", "secret-field"),
    ("Settings(user='ada', password='{}')", "short", "secret-field"),
    ("{{'client_secret': '{}', 'a': 1}}", "it is", "secret-field"),
    ('{{"password": "{}"}}', "p w", "secret-field"),
    ("password: {}\nuser: ada", "hunter2", "secret-field"),
    ("curl -H 'x-api-key: {}' x", "aB3dE6gH9", "secret-field"),
    ("Ocp-Apim-Subscription-Key: {}", "0123456789abcdef", "secret-field"),
    ("deploy --password {} --yes", "hunter2", "secret-field"),
    ("deploy --api-key={}", "hunter2", "secret-field"),
    ("deploy --token {}", "hunter2", "secret-field"),
]

NO_SECRETS: list[Any] = [
    "task-based risk-scoring sk-short Bearer of news, Basic understanding of a secret",
    {"max_tokens": 12, "input_tokens": 3, "next_token": "page 2", "eos_token": "</s>", "token": " the"},
    {"required": ["username", "password", "email"], "properties": {"password": {"type": "string"}}},
    {"a": "Enter your password: ", "b": "your api_key=", "c": 'say "password": ', "d": "Authorization:"},
    {"password": None, "api_key": "", "secret": True, "primary_key": "id", "sort_key": "name"},
    "password = getpass(prompt) or os.environ['PASSWORD']",
    "def connect(password: str, api_key: str | None = None) -> None: ...",
    "https://example.org:8080/@ada and mail ada@example.org",
    "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
    "eyJhbGciOiJIUzI1NiJ9 is how a token begins",
    {"password:\\": "password:\\", "password\\": 1234, "b": "'password\\\\': 'stays'"},
    {"a": "--password", "b": "stays", "c": "{'d': '--token', 'e': 'stays'}"},
]


def redacted(value: Any, redactor: Redactor | None = None) -> dict[str, Any]:
    """The row whose input is this value, as it would be written."""
    line = (redactor or Redactor()).redact(encode({"trace_id": "0123", "input": value}))
    row: dict[str, Any] = json.loads(line)
    return row


@pytest.mark.parametrize(
    ("kind", "secret"), [(kind, secret) for kind, secrets in SECRETS.items() for secret in secrets]
)
def test_a_secret_is_taken_out_whatever_stands_around_it(kind: str, secret: str) -> None:
    places = [
        f"use {secret} please",
        secret,
        f"a line\n{secret}\n",
        f"\t{secret}",
        f'quoted "{secret}"',
        json.dumps({"nested": json.dumps([f"\n{secret}"])}),
        {secret: 1},
        secret.encode(),
        b"\xff\xfe" + secret.encode()[:150],
    ]
    for place in places:
        row = redacted(place)
        text = json.dumps(row)
        for piece in re.split(r"\n+", secret):
            assert piece[4:60] not in text or piece.startswith("-----"), place
        assert f"[redacted:{kind}]" in text or "[redacted:bytes]" in text, place
        assert sum(row["attributes"]["tracer.redacted"].values()) == 1


@pytest.mark.parametrize(("around", "secret", "kind"), TOLD_BY_THEIR_PLACE)
def test_a_secret_is_told_by_what_stands_around_it(around: str, secret: str, kind: str) -> None:
    text = around.format(secret)
    expected = around.format(f"[redacted:{kind}]")
    assert redacted(text)["input"] == expected
    assert json.loads(redacted(json.dumps({"a": [text, "rest"]}))["input"]) == {"a": [expected, "rest"]}
    assert redacted({text: 1})["input"] == {expected: 1}


def test_fields_named_for_secrets_are_redacted_whatever_they_hold() -> None:
    secret = "[redacted:secret-field]"
    names = ["api_key", "x-api-key", "apiKey", "OPENAI_API_KEY", "password", "db_password", "passwd", "client_secret"]
    names += [
        "Authorization",
        "access_token",
        "refreshToken",
        "GITHUB_TOKEN",
        "SecretAccessKey",
        "private_key",
        "cookie",
    ]
    values = ["short", 'with "quotes" and \\', "ünïcödé", 123456, {"a": 1}]
    for name in names:
        for value in values[:4]:
            assert redacted({name: value, "more": "x"})["input"] == {name: secret, "more": "x"}, (name, value)
            nested = redacted(json.dumps({name: value, "more": "x"}))["input"]
            assert json.loads(nested) == {name: secret, "more": "x"}, (name, value)
        assert redacted({name: values[4]})["input"] == {name: values[4]}
    assert redacted([["x-api-key", "abc"], ["accept", "*"]])["input"] == [["x-api-key", secret], ["accept", "*"]]


def test_a_private_key_whose_lines_are_a_list_is_one_secret() -> None:
    lines = [line + "\n" for line in PEM.splitlines()]
    assert redacted(["before", *lines, "after"])["input"] == ["before", "[redacted:private-key]\n", "after"]


def test_a_private_key_with_no_end_is_redacted_to_the_end_of_its_text() -> None:
    row = redacted({"key": PEM[:100], "next": "stays"})
    assert row["input"] == {"key": "[redacted:private-key]", "next": "stays"}


@pytest.mark.parametrize("value", NO_SECRETS, ids=str)
def test_what_is_no_secret_stays(value: Any) -> None:
    line = encode({"input": value})
    assert Redactor().redact(line) == line


def test_secrets_beside_and_inside_each_other_are_all_taken_out() -> None:
    key = "ghp_" + "a1B2" * 9
    text = f"https://{key}:x-oauth-basic@github.com password={key};{key}, Bearer {key} {key} https://a:{key}@b.org"
    assert "a1B2" not in json.dumps(redacted(text))
    assert "a1B2" not in json.dumps(redacted({"password": f"x {key} y", "headers": f"Authorization: Bearer {key}"}))


def test_secrets_are_found_wherever_in_a_long_line_they_stand() -> None:
    key = "ghp_" + "a1B2" * 9
    for place in (0, 999, 1_001, *range(262_100, 262_180, 7), 600_000):
        row = redacted("x " * (place // 2) + key + " y" * 100_000)
        assert row["attributes"]["tracer.redacted"] == {"api-key": 1}, place


def test_what_was_redacted_is_not_redacted_again() -> None:
    once = Redactor().redact(encode({"input": {"password": "x y", "text": f"Bearer {'aB3' * 8}"}}))
    assert Redactor().redact(once) == once


def test_own_patterns_and_callables_add_to_the_built_in_ones() -> None:
    value = ["call 555-0123", "sk-proj-abcdefghijklmnop1234", 5550123]
    row = redacted(value, Redactor([r"\d{3}-?\d{4}", re.compile("call")]))
    assert row["input"] == ["[redacted:own] [redacted:own]", "[redacted:api-key]", "[redacted:own]"]
    assert row["attributes"]["tracer.redacted"] == {"api-key": 1, "own": 3}
    assert redacted("Ada", Redactor(lambda text: text.replace("Ada", "A.")))["input"] == "A."
    assert redacted(value, Redactor(False)) == {"trace_id": "0123", "input": value}


def test_a_redactor_that_raises_costs_the_text_and_not_the_span() -> None:
    def broken(text: str) -> str:
        raise RuntimeError(f"cannot judge {text}")

    row = redacted({"a": "text", "n": 1}, Redactor(broken))
    assert row["trace_id"] == "0123"
    assert list(row["input"].values()) == ["[redacted:unreadable]", 1]
    assert row["attributes"]["tracer.redacted"] == {"unreadable": 3}
    assert redacted("text", Redactor(lambda _: None))["input"] == "[redacted:own]"  # type: ignore[arg-type,return-value]


def test_keys_that_rules_make_alike_stay_apart() -> None:
    row = redacted({"555-0123": 1, "555-0124": 2}, Redactor([r"\d{3}-\d{4}"]))
    assert row["input"] == {"[redacted:own]": 1, "[redacted:own] 2": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail ada.b+c@mail.example.org, please", "mail [redacted:email], please"),
        ("grüße@müller.example", "[redacted:email]"),
        ("@ada writes a@b and x@y.", "@ada writes a@b and x@y."),
    ],
)
def test_emails_are_redacted_on_option(text: str, expected: str) -> None:
    assert redacted(text)["input"] == text
    assert redacted(text, Redactor(["email"]))["input"] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pay 4111111111111111 now", "pay [redacted:card] now"),
        ("4111 1111 1111 1111, 3782-822463-10005", "[redacted:card], [redacted:card]"),
        ({"card": 5555555555554444}, {"card": "[redacted:card]"}),
        ("4111111111111112 fails its check", "4111111111111112 fails its check"),
        ({"at": 1_760_000_000_000_000_000, "n": 42}, {"at": 1_760_000_000_000_000_000, "n": 42}),
    ],
)
def test_card_numbers_are_redacted_on_option(value: Any, expected: Any) -> None:
    assert redacted(value)["input"] == value
    assert redacted(value, Redactor(["card"]))["input"] == expected


def test_fields_are_redacted_by_the_keys_that_the_user_names() -> None:
    redactor = Redactor({"keys": ["ssn", "Date-Of-Birth"], "patterns": ["email"]})
    value = {
        "SSN": 123,
        "date_of_birth": {"year": 1815},
        "deep": [{"ssn": [1, 2]}],
        "mail": "a@b.org",
        "ssn_known": True,
    }
    assert redacted(value, redactor)["input"] == {
        "SSN": "[redacted:own]",
        "date_of_birth": "[redacted:own]",
        "deep": [{"ssn": "[redacted:own]"}],
        "mail": "[redacted:email]",
        "ssn_known": True,
    }


@pytest.mark.parametrize(
    "wrong", ["email", [1], ["("], {"keys": "ssn"}, {"keys": [1]}, {"names": ["ssn"]}, {"patterns": "email"}, True]
)
def test_what_redact_cannot_be_is_refused(wrong: Any, store_path: Path) -> None:
    with pytest.raises(UsageError, match="redact"):
        tracer.configure(redact=wrong)


def test_rules_leave_the_columns_that_place_a_row(store_path: Path, spans: Spans) -> None:
    tracer.configure(redact=[r"\w+"])
    with tracer.span("secret name", input={"a": 1}) as span:
        span.event("happened", what="x")
        span.add_link(span.get_span_context(), {"a": "b"})
    (row,) = spans()
    assert (row.trace_id, row.kind, row.status) == (span.trace_id, "chain", "OK")
    assert row.name == "[redacted:own] [redacted:own]"
    assert row.events[0]["name"] == "[redacted:own]"
    assert isinstance(row.events[0]["time_ns"], int)
    assert row.links[0]["span_id"] == span.span_id


def test_a_long_text_attribute_is_cut_like_any_other_value(store_path: Path, spans: Spans) -> None:
    tracer.configure(max_value_bytes=2_000)
    with tracer.span("long", page="x " * 10_000):
        pass
    (row,) = spans()
    assert row.attributes["tracer.cut"] == {"attributes": 20_002}
    assert len(row.attributes["page"]) < 2_000


@pytest.mark.parametrize("secret", [SECRETS["api-key"][0], SECRETS["api-key"][15], PEM, SECRETS["jwt"][0]])
def test_of_a_secret_that_is_cut_no_half_is_left(secret: str, store_path: Path, spans: Spans) -> None:
    limit = 5_000
    tracer.configure(max_value_bytes=limit, redact=["555-0123-4567"])
    for secret_text in (secret, "555-0123-4567"):
        for place in range(0, len(secret_text), 3):
            # Texts of a long value are halved until it fits, here once.
            with tracer.span("cut", input="x " * ((limit - place) // 4) + secret_text + " y" * limit):
                pass
            with tracer.span("raised"), pytest.raises(ValueError, match="x"), tracer.span("inner"):
                raise ValueError("x " * ((10_000 - place) // 2) + secret_text + " y" * 100)
    written = b"".join(path.read_bytes() for path in RECORDER.writer.layout.folder.glob("*.ndjson"))
    for piece in (line for line in secret.splitlines() if not line.startswith("--")):
        assert piece[:12].encode() not in written
    assert b"555-" not in written
    rows = [row for row in spans() if row.name == "cut"]
    assert all("tracer.cut" in row.attributes for row in rows)
    assert any("tracer.redacted" in row.attributes for row in rows)


EVERYWHERE = """
    import os, sys
    import tracer
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Status, StatusCode

    key = sys.argv[1]
    tracer.configure(redact={"keys": ["note"], "patterns": ["email", "card"]})

    @tracer.trace
    def answer(question, headers):
        return {"said": key, key: "as a key"}

    @tracer.trace
    def pieces():
        yield f"one {key}"
        yield {"two": [key]}
        return key

    @tracer.trace(name=f"named {key}")
    def fail(text):
        secret_in_a_local = text
        raise ValueError(f"cannot use {text}")

    provider = TracerProvider()
    provider.add_span_processor(tracer.TracerSpanProcessor())
    foreign = provider.get_tracer(f"scope {key}")
    prompt = tracer.Prompt(f"p {key}", version=key, variables={"v": key})
    with tracer.using(session_id=key, user_id=key, tags=[key], metadata={"m": key, key: 1}, prompt=prompt):
        answer(key, headers={"Authorization": "Bearer ada-lovelace-hunter2", "note": key})
        list(pieces())
        try:
            fail(key)
        except ValueError:
            pass
        with tracer.span(f"block {key}", kind="llm", input=[{"role": "user", "parts": [{"content": key}]}]) as span:
            span.set(output=key, system_instructions=[key], tool_definitions=[{"d": key}], status_message=key)
            span.set(attribute=key, listed=[key], request_parameters={"p": key})
            span.set(request_model=key, response_id=key, error_type=key)
            span.attribute(key, key)
            span.event(f"event {key}", text=key, data=key.encode())
            span.add_link(span.get_span_context(), {"l": key})
            span.record_exception(RuntimeError(key))
            span.update_name(f"renamed {key}")
        tracer.score(span, f"name {key}", 1, label=key, comment=f"because of {key}", source=key)
        attributes = {"a": key, "gen_ai.input.messages": f'["{key}"]'}
        with foreign.start_as_current_span(f"foreign {key}", attributes=attributes) as inner:
            inner.add_event(f"e {key}", {"x": key})
            inner.set_status(Status(StatusCode.ERROR, f"no {key}"))
    answer("ada@example.org pays with 4111 1111 1111 1111", headers={"password": "hunter2"})
"""


def test_a_secret_is_nowhere_on_the_disk_wherever_it_was(tmp_path: Path) -> None:
    key = SECRETS["api-key"][0]
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text(f"ref: refs/heads/{key}\n")
    (folder / ".git" / "config").write_text(f'[remote "origin"]\n\turl = https://ada:{key}@example.org/x.git\n')
    store = tmp_path / "traces.duckdb"
    program = f"import os; os.chdir({str(folder)!r})\n" + "\n".join(
        line.removeprefix("    ") for line in EVERYWHERE.splitlines()
    )
    arguments = (key, "--password", "hunter2", "--api-key=hunter2", "DB_PASSWORD=hunter2", "postgres://a:hunter2@b")
    programs.run(program, store, *arguments, TRACER_ABSORB="0")

    journal = b"".join(path.read_bytes() for path in store.with_name(store.name + ".journal").rglob("*.ndjson"))
    absorb(store)
    database = Store(store)
    tables = ("spans", "traces", "scores", "processes", "functions")
    rows = {table: json.dumps(list(database.sql(f"from store.{table}")), default=str) for table in tables}
    assert rows["scores"].count("[redacted:api-key]") == 4
    assert rows["spans"].count("[redacted:api-key]") > 40
    (process,) = database.sql("select argv from processes")
    assert process["argv"][-6:] == [
        "[redacted:api-key]",
        "--password",
        "[redacted:secret-field]",
        "--api-key=[redacted:secret-field]",
        "DB_PASSWORD=[redacted:secret-field]",
        "postgres://a:[redacted:url-password]@b",
    ]
    for secret in (key[8:], "hunter2", "ada@example", "4111 1111"):
        assert secret.encode() not in journal, secret
        assert secret.encode() not in store.read_bytes(), secret
        for table, text in rows.items():
            assert secret not in text, (table, secret)


def test_counts_of_secrets_are_no_secrets(store_path: Path, spans: Callable[[], list[SpanRow]]) -> None:
    """A field named api-key with a number in it looks like a secret, but for our own."""
    tracer.configure(max_value_bytes=2_000)
    tracer.span("s", input=[SECRETS["api-key"][0]] * 150).begin().end()
    (row,) = spans()
    assert row.attributes["tracer.redacted"] == {"api-key": 150}


def test_what_goes_out_to_the_users_processors_is_redacted_too(store_path: Path) -> None:
    exporter = InMemorySpanExporter()
    tracer.configure(processors=[SimpleSpanProcessor(exporter)], redact=["email"])
    provider = TracerProvider()
    provider.add_span_processor(tracer.TracerSpanProcessor())
    key = SECRETS["api-key"][0]
    with provider.get_tracer("foreign").start_as_current_span("foreign", attributes={"a": key}):
        pass
    with tracer.span(f"ours {key}", input=key, note="ada@example.org") as span:
        span.event("e", text=key)
    out = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert len(exporter.get_finished_spans()) == 2
    assert key[8:] not in out
    assert "ada@" not in out
    assert out.count("[redacted:api-key]") == 4
    assert os.environ.get("TRACER_RAISE") == "1"


@pytest.mark.parametrize("marker", ["sk-", "password ", "://@", "e_key", "\\ne_key", "é_token="])
def test_a_value_of_nothing_but_markers_is_left_out_as_a_whole_and_its_neighbours_stay(marker: str) -> None:
    line = orjson.dumps({"name": "kept", "input": [marker * 400_000], "output": "sk-proj-abcdefghijklmnop1234"})
    row = orjson.loads(Redactor().redact(line))
    assert row["input"] == "[redacted:unsearched]"
    assert (row["name"], row["output"]) == ("kept", "[redacted:api-key]")
    assert row["attributes"]["tracer.redacted"] == {"unsearched": 1, "api-key": 1}
    encoded, counts = Redactor().redact_value(orjson.dumps(marker * 400_000))
    assert (orjson.loads(encoded), counts) == ("[redacted:unsearched]", {"unsearched": 1})
