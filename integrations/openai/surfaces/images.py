"""Images: generated, edited, varied. The prompt and the given pictures are a message, and so are those that come.

Source: https://platform.openai.com/docs/api-reference/images
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer.integrations import genai
from tracer.integrations.genai import Part
from tracer.integrations.openai.body import Body, Fields, error_fields, mappings, parameters, usage_fields
from tracer.integrations.openai.surface import Stream, Surface
from tracer.integrations.openai.surfaces.media import file_parts, media, missed

_FILES = ("image", "mask")


def request_fields(body: Body) -> Fields:
    prompt = body.get("prompt")
    said = [genai.text(prompt)] if isinstance(prompt, str) else []
    given = [part for field in _FILES for part in file_parts(body.get(field), field, modality="image")]
    return {
        "input": [genai.message("user", [*said, *given])],
        "request_parameters": parameters(body, told=("prompt", *(part["field"] for part in given))),
        "gen_ai.output.type": "image",
        "tracer.missed": missed(*(body.get(field) for field in _FILES)),
    }


def response_fields(body: Body) -> Fields:
    """Of a stream that was broken off, `output` is the last partial picture, marked so."""
    made = [_picture(told, body.get("output_format")) for told in mappings(body.get("data"))]
    return {
        "output": [genai.message("assistant", made)] if made else None,
        "openai.images.svg_usage": body.get("svg_usage"),
        **usage_fields(body.get("usage")),
        **error_fields(body.get("error")),
    }


def join(events: Iterable[Body]) -> Body:
    """Fold the events of a stream into the answer: its pictures, or else the last partial one that had come."""
    whole: list[Body] = []
    partial: list[Body] = []
    last: Body = {}
    error: Any = None
    for event in events:
        if event.get("type") == "error" or event.get("error"):
            error = event.get("error") or event
        elif is_content(event):
            last = event
            if str(event.get("type")).endswith(".completed"):
                whole.append(event)
            else:
                partial = [{**event, "partial": True}]
    facts = {name: last.get(name) for name in ("output_format", "usage")}
    return {**facts, "data": whole or partial, "error": error}


def is_content(event: Body) -> bool:
    return bool(event.get("b64_json"))


def _picture(told: Body, output_format: Any) -> Part:
    if isinstance(url := told.get("url"), str):
        part = genai.uri(url, modality="image")
    else:
        data = told.get("b64_json")
        form = f"image/{output_format}" if isinstance(output_format, str) else None
        part = media(data if isinstance(data, str) else None, modality="image", mime_type=form)
    facts = {name: told[name] for name in ("revised_prompt", "partial") if told.get(name)}
    return {**part, **facts}


def _surface(name: str) -> Surface:
    return Surface(
        operation="image_generation",
        kind="llm",
        name=name,
        request_fields=request_fields,
        response_fields=response_fields,
        stream=Stream(join=join, is_content=is_content),
    )


GENERATE = _surface("images.generate")
EDIT = _surface("images.edit")
CREATE_VARIATION = _surface("images.create_variation")
