"""Record a real chain of prompts: retrieval, tools, streaming, an error, a conversation.

It runs the real `openai` and `langchain-core` libraries against a server on this machine: no key, no network.
"""

from __future__ import annotations

import argparse
from importlib import import_module

import tracer
from tracer.cli import options as shared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    shared.add_store(parser)


def run(options: argparse.Namespace) -> int:
    path = shared.store_path(options)
    tracer.configure(store=path)
    trace_ids = import_module("tracer.demo").run_demo(print)
    print(f"\n{len(trace_ids)} traces recorded in {path}\n")
    print("  tracer ls                      lists them")
    print(f"  tracer show {trace_ids[1][:16]}   draws one as a tree")
    print("  tracer view                    opens the viewer")
    return 0
