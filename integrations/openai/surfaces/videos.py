"""Videos: what is asked for, and the job that will make it. The video itself is fetched later, and not recorded.

Source: https://platform.openai.com/docs/api-reference/videos
"""

from __future__ import annotations

from tracer.integrations import genai
from tracer.integrations.openai.body import Body, Fields, error_fields, parameters
from tracer.integrations.openai.surface import Surface
from tracer.integrations.openai.surfaces.media import file_parts, missed

_MODALITIES = {"input_reference": "image", "video": "video"}


def request_fields(body: Body) -> Fields:
    prompt = body.get("prompt")
    said = [genai.text(prompt)] if isinstance(prompt, str) else []
    given = [
        part
        for field, modality in _MODALITIES.items()
        for part in file_parts(body.get(field), field, modality=modality)
    ]
    return {
        "input": [genai.message("user", [*said, *given])],
        "request_parameters": parameters(body, told=("prompt", *(part["field"] for part in given))),
        "tracer.missed": missed(*(body.get(field) for field in _MODALITIES)),
    }


def response_fields(body: Body) -> Fields:
    """`output` is the job. Why one failed that was made at once is told by its error."""
    return {
        "response_id": body.get("id"),
        "response_model": body.get("model"),
        "output": dict(body) or None,
        "gen_ai.response.status": body.get("status"),
        **error_fields(body.get("error")),
    }


def _surface(name: str) -> Surface:
    return Surface(
        operation="video_generation",
        kind="llm",
        name=name,
        request_fields=request_fields,
        response_fields=response_fields,
    )


CREATE = _surface("videos.create")
EDIT = _surface("videos.edit")
EXTEND = _surface("videos.extend")
REMIX = _surface("videos.remix")
