"""What the tests of OpenAI's SDK share."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tracer.demo.server import LoopbackServer


@pytest.fixture
def client(server: LoopbackServer) -> Iterator[openai.OpenAI]:
    """A client that tries once. It is closed in the end: an open socket would be found by a later test's collection."""
    with openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as client:
        yield client
