"""DSPy, whose client speaks to OpenAI's API without OpenAI's SDK: its instrumentor tells each call once."""

from __future__ import annotations

import dspy
import pytest

import tracer


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_dspy(server, model_calls, store, record_property, mode) -> None:
    record_property("covers", ("dspy through openinference-instrumentation-dspy", "Predict", mode, "plain", "once"))
    tracer.instrument()
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    model = dspy.LM("openai/gpt-4o", api_base=server.base_url, api_key="k", cache=False)
    with dspy.context(lm=model, adapter=dspy.JSONAdapter()):
        program = dspy.Predict("question -> answer")
        if mode == "sync":
            program(question="When do you open on Sunday?")
        else:
            await program.acall(question="When do you open on Sunday?")
    (call,) = model_calls()
    assert (call.scope_name, call.response_model) == ("openinference.instrumentation.dspy", "gpt-4o")
    (total,) = store.sql("select sum(model_call_count) as calls from traces")
    assert total["calls"] == len(server.requests) == 1
