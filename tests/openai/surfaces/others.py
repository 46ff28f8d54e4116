"""What is no model call: it is recorded lightly, as a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripted import Answer, json_answer

from surfaces.case import ANSWER, QUESTION, Case, wire
from surfaces.responses import response, spoken_item


def light(method: str, request: Mapping[str, Any], answer: Any, sent: Any, told: Any, **beside: Any) -> Case:
    asked = {"name": method, "kind": "http", "operation": None, "input": sent, **beside.pop("asked", {})}
    return Case(method, request, wire(answer), asked, {"output": told, "counts": {}}, **beside)


def page(*items: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "first_id": "a", "last_id": "b", "has_more": False}


FILE = {"id": "file_1", "object": "file", "bytes": 9, "created_at": 1, "filename": "wells.jsonl", "purpose": "batch"}
BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/responses",
    "status": "validating",
    "usage": {"input_tokens": 7, "output_tokens": 9},
}
PLAIN_PAGE = {"object": "list", "data_count": 1, "first_id": "a", "last_id": "b", "has_more": False}
RUN = {"id": "run_1", "object": "thread.run", "status": "queued", "usage": {"prompt_tokens": 7}, "tools": []}

CASES = [
    light(
        "responses.cancel",
        {},
        response(spoken_item(ANSWER), status="cancelled"),
        {"response_id": "resp_1"},
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "model": "gpt-5-2025-08-07",
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools_count": 0,
            "status": "cancelled",
            "output_count": 1,
        },
        args=["resp_1"],
    ),
    light("responses.delete", {}, Answer(b""), {"response_id": "resp_1"}, None, args=["resp_1"]),
    light(
        "responses.input_items.list",
        {"limit": 1},
        page({"type": "message", "id": "msg_1", "role": "user", "content": []}),
        {"response_id": "resp_1", "limit": 1},
        PLAIN_PAGE,
        args=["resp_1"],
    ),
    light(
        "conversations.create",
        {"items": [{"role": "user", "content": QUESTION}]},
        {"id": "conv_1", "object": "conversation", "created_at": 1, "metadata": {}},
        {"items": [{"role": "user", "content": QUESTION}]},
        {"id": "conv_1", "object": "conversation", "created_at": 1},
    ),
    light(
        "files.create",
        {"file": ("wells.jsonl", b"a whole file"), "purpose": "batch"},
        FILE,
        {"purpose": "batch", "file": [{"filename": "wells.jsonl", "bytes": 12}]},
        FILE,
    ),
    light("files.list", {"purpose": "batch"}, page(FILE), {"purpose": "batch"}, PLAIN_PAGE),
    light(
        "files.content",
        {},
        Answer(b"a whole file", "application/octet-stream"),
        {"file_id": "file_1"},
        {"mime_type": "application/octet-stream", "bytes": 12},
        args=["file_1"],
    ),
    light(
        "batches.create",
        {"input_file_id": "file_1", "endpoint": "/v1/responses", "completion_window": "24h"},
        BATCH,
        {"input_file_id": "file_1", "endpoint": "/v1/responses", "completion_window": "24h"},
        {"id": "batch_1", "object": "batch", "endpoint": "/v1/responses", "status": "validating"},
    ),
    light(
        "fine_tuning.jobs.create",
        {"model": "gpt-4o-mini", "training_file": "file_1"},
        {"id": "ftjob-1", "object": "fine_tuning.job", "status": "queued"},
        {"model": "gpt-4o-mini", "training_file": "file_1"},
        {"id": "ftjob-1", "object": "fine_tuning.job", "status": "queued"},
    ),
    light(
        "containers.files.list",
        {},
        page({"id": "cfile_1", "object": "container.file"}),
        {"container_id": "cntr_1"},
        PLAIN_PAGE,
        args=["cntr_1"],
    ),
    light(
        "videos.download_content",
        {},
        Answer(b"a whole video", "video/mp4"),
        {"video_id": "video_1"},
        {"mime_type": "video/mp4", "bytes": 13},
        args=["video_1"],
        since="2.2.0",
    ),
    light(
        "beta.threads.runs.create",
        {"assistant_id": "asst_1"},
        RUN,
        {"thread_id": "thread_1", "assistant_id": "asst_1"},
        {"id": "run_1", "object": "thread.run", "status": "queued", "tools_count": 0},
        args=["thread_1"],
        asked={
            "kind": "agent",
            "operation": "invoke_agent",
            "gen_ai.conversation.id": "thread_1",
            "gen_ai.agent.id": "asst_1",
        },
    ),
    Case(
        "models.list",
        {},
        json_answer({"object": "list", "data": [{"id": "gpt-5", "object": "model"}]}),
        {
            "name": "GET /models",
            "kind": "http",
            "operation": None,
            "input": None,
            "http.request.method": "GET",
            "url.path": "/models",
            "tracer.missed": ["GET /models of OpenAI: only method, path and status are recorded"],
        },
        {"output": None, "counts": {}},
    ),
]
