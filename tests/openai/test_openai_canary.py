"""The canary of the table of surfaces: what it says is what to look at when a new version of the SDK asks for more."""

from __future__ import annotations

import re

import openai
import pytest
from methods import requests

from tracer.integrations.openai.surfaces import classify

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

UNNAMED = (
    "admin",
    "beta.agents",
    "beta.chatkit",
    "beta.realtime",
    "content_provenance_checks",
    "live",
    "models",
    "realtime",
    "safety",
    "webhooks",
)
"""The resources of which spans tell method, path and status alone: their answers hold keys and secrets of sessions, or
nothing that a trace is read for."""

CONVENTIONS_NAMES = {
    "chat.completions.create": "chat",
    "completions.create": "text_completion",
    "embeddings.create": "embeddings",
    "responses.create": "chat",
    "vector_stores.search": "retrieval",
}
"""The methods whose spans are called by an operation of the conventions."""

HELPERS = {
    "chat.completions.parse": "chat",
    "files.retrieve_content": "files.content",
    "files.wait_for_processing": "files.retrieve",
    "fine_tuning.checkpoints.permissions.retrieve": "fine_tuning.checkpoints.permissions.list",
    "responses.parse": "chat",
    "vector_stores.files.upload": "files.create",
    "vector_stores.files.upload_and_poll": "files.create",
}
"""Methods that ask as another does. Others of the kind are known by their ends."""

OLDER_REQUESTS = {"evals.runs.cancel": ("POST", "/evals/any/runs/any")}
"""What older versions of the SDK ask by a method, which the API takes for another."""

SILENT = (
    r".*(\.connect|stream|upload\w*|prepare\w*|for_result)|(admin|beta\.agents)\..*|audio\.voices\.create"
    r"|webhooks\.(unwrap|verify_signature)"
)
"""Methods that ask nothing when they are called so: managers of streams, sockets, those that look at files first, or
that only read what has come."""


def test_every_request_of_the_sdk_is_named_as_its_method_or_is_known_to_have_no_name() -> None:
    asked, _ = requests()
    told = {method: classify(*request)[0] for method, request in asked.items()}

    assert len(asked) > 100
    strange = {
        method: (f"{surface.name or surface.operation}", asked[method])
        for method, surface in told.items()
        if (surface.name or surface.operation) != expected_name(method, asked[method])
        and OLDER_REQUESTS.get(method) != asked[method]
    }
    assert not strange, f"openai {openai.__version__}: {strange}"


def test_every_method_of_the_sdk_was_looked_at() -> None:
    _, silent = requests()

    assert [method for method in silent if not re.fullmatch(SILENT, method)] == [], f"openai {openai.__version__}"


def expected_name(method: str, request: tuple[str, str]) -> str:
    if method.startswith(UNNAMED):
        verb, url = request
        return f"{verb} {url}"
    if method.startswith(("beta.chat.", "beta.responses.")):
        method = method.removeprefix("beta.")
    asks_as = re.sub(r"_and_poll$|_poll$", "", method)
    asks_as = re.sub(r"\.poll$", ".retrieve", asks_as)
    return CONVENTIONS_NAMES.get(asks_as) or HELPERS.get(asks_as) or HELPERS.get(method) or asks_as
