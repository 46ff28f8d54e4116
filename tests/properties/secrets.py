"""Texts with secrets in them, and texts that look as if there were some."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import strategies as st

from properties.claim import Property
from properties.values import json_values
from tracer.capture import encode
from tracer.capture.redaction import Redactor

SECRETS = (
    "sk-proj-aB3_dE6-gH9jK2mN5pQ8",
    "ghp_a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.aB3dE6gH9jK2mN5pQ8sT1vW4yZ7",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7qqqq\n-----END PRIVATE KEY-----",
)

_MARKERS = (
    *("password", "api_key", "Authorization", "_token", "sk-", "eyJ", "://", "@", "--", "a1B2c3D4e5F6g7H8i9J0", "1"),
    *("[redacted:api-key]", "Bearer ", "Basic ", "-----BEGIN PRIVATE KEY-----", "-----END ", "é", "\u2028", "\0"),
    *("\"'\\:=, \n\t[]{}()."),
)

marked_texts = st.lists(st.sampled_from(_MARKERS), max_size=25).map("".join)

_around = st.lists(st.sampled_from([*" \n\t\"'é(;", " x ", " =", ": ", "\\ ", "/ "]), max_size=5).map("".join)


@st.composite
def documents_with_secrets(draw: st.DrawFn) -> tuple[Any, list[str]]:
    """A document that holds secrets as values, as keys, in bytes and in texts of JSON in texts; and which."""
    secrets = draw(st.lists(st.sampled_from(SECRETS), min_size=1, max_size=4, unique=True))
    value: Any = draw(json_values)
    for secret in secrets:
        text = draw(_around) + secret + draw(_around)
        places = [[value, text], {text: value}, {"t": text, "v": value}, [json.dumps([text, value], default=repr)]]
        value = draw(st.sampled_from([*places, [text.encode(), value]]))
    return value, secrets


def loses_its_secrets(case: tuple[Any, list[str]]) -> None:
    """No secret is left, what is left is JSON, and it is not much longer."""
    value, secrets = case
    line = encode({"trace_id": "1", "input": value})
    redacted = Redactor().redact(line)
    orjson.loads(redacted)
    assert len(redacted) <= len(line) + 60 * (len(secrets) + 2)
    for secret in secrets:
        for piece in secret.split("\n"):
            if not piece.startswith("-----"):
                assert piece.encode() not in redacted


def stays_json(value: Any) -> None:
    """However markers, quotes and backslashes stand together, at any depth of texts in texts."""
    for _ in range(3):
        key = value if isinstance(value, str) else "key"
        line = orjson.dumps({"input": value, "output": [value, 1], "metadata": {key: value}})
        redacted = Redactor(["email"]).redact(line)
        row = orjson.loads(redacted)
        assert list(row)[:3] == ["input", "output", "metadata"]
        assert row["output"][1] == 1
        assert len(row["metadata"]) == 1
        value = orjson.dumps({"text": value}).decode()


PROPERTIES = {
    "secrets are lost": Property(documents_with_secrets(), loses_its_secrets, few=200),
    "redaction leaves JSON": Property(marked_texts | json_values, stays_json, few=300),
}
