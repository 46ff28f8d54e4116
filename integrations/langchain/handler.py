"""The callback handler: each event of LangChain, and what is recorded of it.

It keeps no state, so several of them (one registered for the process, one passed by hand) record a run once.
Nothing is made current here: in `stream()` that would leak to the consumer.

Source: https://reference.langchain.com/python/langchain_core/callbacks/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import ToolMessage
from langchain_core.outputs import LLMResult

from tracer import rows
from tracer.errors import contain
from tracer.integrations import genai, model_calls
from tracer.integrations.langchain import calls, retrieval, runs
from tracer.integrations.langchain.messages import message, readable
from tracer.integrations.langchain.registry import find_open

Told: TypeAlias = "Mapping[str, Any]"
"""The keyword arguments of a callback: `run_id`, `parent_run_id`, `name`, `tags`, `metadata` and more."""


class TracerCallbackHandler(BaseCallbackHandler):
    """Records the runs that it is passed to: `chain.invoke(…, config={"callbacks": [TracerCallbackHandler()]})`.

    After `instrument("langchain")` there is no need for one; both together record each run once.
    """

    run_inline = True  # else async runs call it from an executor, where the caller's context is lost

    # Chains, graphs and their nodes.

    def on_chain_start(self, serialized: Told | None, inputs: Any, **told: Any) -> None:
        with contain("the start of a LangChain chain"):
            name = told.get("name") or _class_name(serialized) or "chain"
            put_off = _is_put_off(inputs)
            run = runs.start(told, name, kind="chain", input=None if put_off else readable(inputs))
            if run and put_off:
                run.put_off_input = inputs

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **told: Any) -> None:
        with contain("the end of a LangChain chain"):
            if run := find_open(run_id):
                left_early = "inputs" in told and run.is_left
                runs.end(
                    run,
                    input=readable(told.get("inputs", run.put_off_input)),
                    output=readable(outputs),
                    status=rows.CANCELLED if left_early else None,
                )

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **told: Any) -> None:
        with contain("the error of a LangChain run"):
            if run := find_open(run_id):
                runs.fail(run, error, input=readable(told.get("inputs", run.put_off_input)))

    on_tool_error = on_retriever_error = on_chain_error

    def on_agent_action(self, action: Any, *, run_id: UUID, **told: Any) -> None:
        _note(run_id, "agent action", action=action)

    def on_agent_finish(self, finish: Any, *, run_id: UUID, **told: Any) -> None:
        _note(run_id, "agent finish", finish=finish)

    # Model calls.

    def on_chat_model_start(self, serialized: Told, messages: list[list[Any]], **told: Any) -> None:
        with contain("the start of a LangChain chat model call"):
            _start_call("chat", [message(item) for batch in messages for item in batch], serialized, told)

    def on_llm_start(self, serialized: Told, prompts: list[str], **told: Any) -> None:
        with contain("the start of a LangChain model call"):
            prompt = [genai.message("user", [genai.text(prompt)]) for prompt in prompts]
            _start_call("text_completion", prompt, serialized, told)

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, run_id: UUID, **told: Any) -> None:
        with contain("a token of a LangChain model call"):
            if (run := find_open(run_id)) and not run.has_answered:
                runs.answers(run, is_content=calls.has_content(token, chunk))

    def on_stream_event(self, event: Any, *, run_id: UUID, **told: Any) -> None:
        with contain("an event of a LangChain model call"):
            if (run := find_open(run_id)) and not run.has_answered:
                runs.answers(run, is_content=event["event"] == "content-block-delta")

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **told: Any) -> None:
        with contain("the end of a LangChain model call"):
            if run := find_open(run_id):
                runs.end(run, **calls.response_columns(response))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **told: Any) -> None:
        with contain("the error of a LangChain model call"):
            if run := find_open(run_id):
                partial = told.get("response")
                answered = calls.response_columns(partial) if isinstance(partial, LLMResult) else {}
                runs.fail(run, error, **(answered | calls.failure_columns(error)))

    # Tools.

    def on_tool_start(self, serialized: Told | None, input_str: str, **told: Any) -> None:
        with contain("the start of a LangChain tool"):
            tool = serialized or {}
            inputs = told.get("inputs")
            facts = {
                "gen_ai.tool.name": tool.get("name"),
                "gen_ai.tool.description": tool.get("description"),
                "gen_ai.tool.call.id": told.get("tool_call_id"),
            }
            runs.start(
                told,
                told.get("name") or f"execute_tool {tool.get('name') or 'tool'}",
                kind="tool",
                operation="execute_tool",
                input=input_str if inputs is None else readable(inputs),
                **facts,
            )

    def on_tool_end(self, output: Any, *, run_id: UUID, **told: Any) -> None:
        with contain("the end of a LangChain tool"):
            if run := find_open(run_id):
                if not isinstance(output, ToolMessage):
                    runs.end(run, output=readable(output))
                    return
                run.span.attribute("gen_ai.tool.call.id", output.tool_call_id or None)
                run.span.attribute("langchain.tool.artifact", readable(output.artifact))
                if output.status == "error":  # the tool caught its error and answers with it, but it has failed
                    run.span.set(status=rows.ERROR, status_message=output.text)
                runs.end(run, output=readable(output.content))

    # Retrievers.

    def on_retriever_start(self, serialized: Told | None, query: str, **told: Any) -> None:
        with contain("the start of a LangChain retriever"):
            name = told.get("name") or _class_name(serialized) or "retriever"
            facts = retrieval.request_facts(told.get("metadata") or {})
            runs.start(told, f"retrieval {name}", kind="retriever", operation="retrieval", input=query, **facts)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **told: Any) -> None:
        with contain("the end of a LangChain retriever"):
            if run := find_open(run_id):
                runs.end(run, output=retrieval.found(documents, run.scored or ()))

    # What happens within a run of any kind.

    def on_retry(self, retry_state: Any, *, run_id: UUID, **told: Any) -> None:
        with contain("a retry of LangChain"):
            if run := find_open(run_id):
                run.span.set(retries=retry_state.attempt_number)

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **told: Any) -> None:
        _note(run_id, name, data=data)

    def on_text(self, text: str, *, run_id: UUID, **told: Any) -> None:
        _note(run_id, "text", text=text)


def _is_put_off(inputs: Any) -> bool:
    """Whether this is `{"input": ""}`: what a streaming chain says at its start, to tell its real input at its end."""
    return (
        isinstance(inputs, dict) and len(inputs) == 1 and isinstance(inputs.get("input"), str) and not inputs["input"]
    )


def _start_call(operation: str, sent: list[genai.Message], serialized: Told | None, told: Told) -> None:
    columns = calls.request_columns(operation, told.get("invocation_params") or {}, told.get("metadata") or {})
    name = f"{operation} {columns['request_model'] or _class_name(serialized) or ''}".rstrip()
    run = runs.start(told, told.get("name") or name, kind="llm", input=sent, **columns)
    if run:
        run.call = model_calls.announce(run.span, sent)


def _note(run_id: UUID, event: str, **facts: Any) -> None:
    with contain("an event of LangChain"):
        if run := find_open(run_id):
            run.span.event(event, **{name: readable(fact) for name, fact in facts.items()})


def _class_name(serialized: Told | None) -> str | None:
    """Return the name of what runs, as `{"name": …}` or `{"id": ["module", "Class"]}` tell it."""
    told = serialized or {}
    name = told.get("name") or next(reversed(told.get("id") or ()), None)
    return str(name) if name else None
