"""Which surface a request belongs to: one table. What it does not name is told by method, path and status alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from tracer.integrations.openai.surface import Surface
from tracer.integrations.openai.surfaces import audio, images, videos
from tracer.integrations.openai.surfaces.chat import CHAT
from tracer.integrations.openai.surfaces.completions import COMPLETIONS
from tracer.integrations.openai.surfaces.decisions import DECISIONS
from tracer.integrations.openai.surfaces.embeddings import EMBEDDINGS
from tracer.integrations.openai.surfaces.light import light, unnamed
from tracer.integrations.openai.surfaces.moderations import MODERATIONS
from tracer.integrations.openai.surfaces.responses import COMPACT, FETCH, RESPONSES
from tracer.integrations.openai.surfaces.retrieval import SEARCH

_CALLS: tuple[tuple[str, str, Surface], ...] = (
    ("POST", "/chat/completions", CHAT),
    ("POST", "/responses", RESPONSES),
    ("POST", "/embeddings", EMBEDDINGS),
    ("POST", "/completions", COMPLETIONS),
    ("POST", "/responses/compact", COMPACT),
    ("GET", "/responses/{response_id}", FETCH),
    ("POST", "/moderations", MODERATIONS),
    ("POST", "/decisions", DECISIONS),
    ("POST", "/images/generations", images.GENERATE),
    ("POST", "/images/edits", images.EDIT),
    ("POST", "/images/variations", images.CREATE_VARIATION),
    ("POST", "/audio/speech", audio.SPEECH),
    ("POST", "/audio/transcriptions", audio.TRANSCRIPTIONS),
    ("POST", "/audio/translations", audio.TRANSLATIONS),
    ("POST", "/videos", videos.CREATE),
    ("POST", "/videos/edits", videos.EDIT),
    ("POST", "/videos/extensions", videos.EXTEND),
    ("POST", "/videos/{video_id}/remix", videos.REMIX),
    ("POST", "/vector_stores/{vector_store_id}/search", SEARCH),
)


_RESOURCES = {
    "audio.voice_consents": "/audio/voice_consents/{consent_id}",
    "audio.voices": "/audio/voices/{voice_id}",
    "batches": "/batches/{batch_id}",
    "beta.assistants": "/assistants/{assistant_id}",
    "beta.threads": "/threads/{thread_id}",
    "beta.threads.messages": "/threads/{thread_id}/messages/{message_id}",
    "beta.threads.runs": "/threads/{thread_id}/runs/{run_id}",
    "beta.threads.runs.steps": "/threads/{thread_id}/runs/{run_id}/steps/{step_id}",
    "chat.completions": "/chat/completions/{completion_id}",
    "chat.completions.messages": "/chat/completions/{completion_id}/messages/{message_id}",
    "containers": "/containers/{container_id}",
    "containers.files": "/containers/{container_id}/files/{file_id}",
    "conversations": "/conversations/{conversation_id}",
    "conversations.items": "/conversations/{conversation_id}/items/{item_id}",
    "evals": "/evals/{eval_id}",
    "evals.runs": "/evals/{eval_id}/runs/{run_id}",
    "evals.runs.output_items": "/evals/{eval_id}/runs/{run_id}/output_items/{output_item_id}",
    "files": "/files/{file_id}",
    "fine_tuning.checkpoints.permissions": "/fine_tuning/checkpoints/{checkpoint}/permissions/{permission_id}",
    "fine_tuning.jobs": "/fine_tuning/jobs/{job_id}",
    "fine_tuning.jobs.checkpoints": "/fine_tuning/jobs/{job_id}/checkpoints/{checkpoint_id}",
    "responses": "/responses/{response_id}",
    "responses.input_items": "/responses/{response_id}/input_items/{item_id}",
    "skills": "/skills/{skill_id}",
    "skills.versions": "/skills/{skill_id}/versions/{version}",
    "uploads": "/uploads/{upload_id}",
    "uploads.parts": "/uploads/{upload_id}/parts/{part_id}",
    "vector_stores": "/vector_stores/{vector_store_id}",
    "vector_stores.file_batches": "/vector_stores/{vector_store_id}/file_batches/{batch_id}",
    "vector_stores.files": "/vector_stores/{vector_store_id}/files/{file_id}",
    "videos": "/videos/{video_id}",
}
"""Resources of the SDK, and the path of one of their items. Their five usual methods are called alike."""

_METHODS = (
    ("POST", "/batches/{batch_id}/cancel", "batches.cancel"),
    ("POST", "/threads/runs", "beta.threads.create_and_run"),
    ("POST", "/threads/{thread_id}/runs/{run_id}/cancel", "beta.threads.runs.cancel"),
    ("POST", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", "beta.threads.runs.submit_tool_outputs"),
    ("GET", "/containers/{container_id}/files/{file_id}/content", "containers.files.content.retrieve"),
    ("POST", "/evals/{eval_id}/runs/{run_id}/cancel", "evals.runs.cancel"),
    ("GET", "/files/{file_id}/content", "files.content"),
    ("POST", "/fine_tuning/alpha/graders/run", "fine_tuning.alpha.graders.run"),
    ("POST", "/fine_tuning/alpha/graders/validate", "fine_tuning.alpha.graders.validate"),
    ("POST", "/fine_tuning/jobs/{job_id}/cancel", "fine_tuning.jobs.cancel"),
    ("GET", "/fine_tuning/jobs/{job_id}/events", "fine_tuning.jobs.list_events"),
    ("POST", "/fine_tuning/jobs/{job_id}/pause", "fine_tuning.jobs.pause"),
    ("POST", "/fine_tuning/jobs/{job_id}/resume", "fine_tuning.jobs.resume"),
    ("POST", "/responses/{response_id}/cancel", "responses.cancel"),
    ("POST", "/responses/input_tokens", "responses.input_tokens.count"),
    ("GET", "/skills/{skill_id}/content", "skills.content.retrieve"),
    ("GET", "/skills/{skill_id}/versions/{version}/content", "skills.versions.content.retrieve"),
    ("POST", "/uploads/{upload_id}/cancel", "uploads.cancel"),
    ("POST", "/uploads/{upload_id}/complete", "uploads.complete"),
    ("POST", "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel", "vector_stores.file_batches.cancel"),
    ("GET", "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files", "vector_stores.file_batches.list_files"),
    ("GET", "/vector_stores/{vector_store_id}/files/{file_id}/content", "vector_stores.files.content"),
    ("GET", "/videos/{video_id}/content", "videos.download_content"),
    ("POST", "/videos/characters", "videos.create_character"),
    ("GET", "/videos/characters/{character_id}", "videos.get_character"),
)
"""Their other methods."""

_OPERATIONS = {
    "beta.assistants.create": "create_agent",
    "beta.threads.create_and_run": "invoke_agent",
    "beta.threads.runs.create": "invoke_agent",
}
"""The light calls for which the conventions have a word."""


def classify(method: str, url: str) -> tuple[Surface, Mapping[str, str]]:
    """Return the surface of a request, and the ids in its path. `url` is absolute, or relative to whatever base.

    What a new resource of the API is called is not known here, and what its bodies hold: those may be secrets.
    """
    path = urlsplit(url).path.rstrip("/")
    for verb, pattern, surface in TABLE:
        if method.upper() == verb and (found := pattern.fullmatch(path)):
            return surface, found.groupdict()
    return unnamed(method.upper(), path), {}


def _light_calls() -> Iterator[tuple[str, str, str]]:
    yield from _METHODS
    for name, item in _RESOURCES.items():
        collection = item.rpartition("/")[0]
        yield "POST", collection, f"{name}.create"
        yield "GET", collection, f"{name}.list"
        yield "GET", item, f"{name}.retrieve"
        yield "POST", item, f"{name}.update"
        yield "DELETE", item, f"{name}.delete"


def _pattern(template: str, *, base: str) -> re.Pattern[str]:
    return re.compile(base + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))


# Model calls are known by how their paths end: Azure and others put deployments before that. `/files` is not the end
# of `/containers/…/files`, so the paths of light calls are whole, but for the base that an absolute one begins with.
TABLE = (
    *((verb, _pattern(template, base=".*"), surface) for verb, template, surface in _CALLS),
    *(
        (verb, _pattern(template, base=r"(?:.*/v\d+|/openai)?"), light(name, _OPERATIONS.get(name)))
        for verb, template, name in _light_calls()
    ),
)
