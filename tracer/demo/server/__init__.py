"""A server on 127.0.0.1 that speaks OpenAI's HTTP API, so that real clients have something real to call.

What it answers comes from small deterministic rules (`model.py`) or from a script of replies; no
network, key or language model is involved. Standard library only; imported by demo, examples and tests.
"""

from tracer.demo.server.replies import RecordedRequest, Reply, Usage
from tracer.demo.server.serving import LoopbackServer

__all__ = ["LoopbackServer", "RecordedRequest", "Reply", "Usage"]
