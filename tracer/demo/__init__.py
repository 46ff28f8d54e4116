"""The demo: a real chain of prompts, run by the real libraries against a server on 127.0.0.1.

`run_demo` records it; `ensure_endpoint` lends the same server to a program that has no API key. Imported
by the command line, the examples and tests, and by nothing that records.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec

from tracer.errors import IntegrationNotInstalled

__all__ = ["ensure_endpoint", "run_demo"]


def run_demo(say: Callable[[str], object] = print) -> list[str]:
    """Record the demo's traces, some seven seconds long, and return their ids, oldest first.

    `say` gets a line for each thing that happens. Raises `IntegrationNotInstalled` when openai or
    langchain-core is missing.
    """
    missing = [name for name in ("openai", "langchain_core") if find_spec(name) is None]
    if missing:
        names = " and ".join(name.replace("_", "-") for name in missing)
        raise IntegrationNotInstalled(f"the demo needs {names}: pip install 'llm-tracer[all]'")
    from tracer.demo.chain import Desk

    return Desk(say).run()


def ensure_endpoint() -> None:
    """Point the OpenAI libraries at a loopback server for the life of this process, if there is no API key.

    Does nothing when OPENAI_API_KEY or OPENAI_BASE_URL is set; else sets both, and says so on stderr.
    """
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        return
    from tracer.demo.server import LoopbackServer

    server = LoopbackServer(latency_s=0.1, delay_s=0.02).start()
    os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"] = server.base_url, "loopback"
    print(f"OPENAI_API_KEY is not set: a loopback server at {server.base_url} answers instead", file=sys.stderr)
