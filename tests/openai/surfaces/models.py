"""Models of other kinds: completions, embeddings, pictures, sounds, films, flags and search."""

from __future__ import annotations

from typing import Any

from scripted import Answer, json_answer

from surfaces.case import ANSWER, MP3, PIECES, PNG, QUESTION, WAV, Case, assistant, base64_of, blob, text, user
from surfaces.chat import CHAT_STREAM
from surfaces.responses import RESPONSES_COUNTS, RESPONSES_USAGE

COMPLETION = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-3.5-turbo-instruct"}
MADE = {"created": 1, "output_format": "png", "data": [{"b64_json": base64_of(PNG)}]}
IMAGE_USAGE = {
    "input_tokens": 40,
    "output_tokens": 1056,
    "total_tokens": 1096,
    "input_tokens_details": {"image_tokens": 30, "text_tokens": 10},
    "output_tokens_details": {"image_tokens": 1056, "text_tokens": 0},
}
IMAGE_COUNTS = {
    "input_tokens": 40,
    "output_tokens": 1056,
    "gen_ai.usage.image.input_tokens": 30,
    "gen_ai.usage.text.input_tokens": 10,
    "gen_ai.usage.image.output_tokens": 1056,
    "gen_ai.usage.text.output_tokens": 0,
}
PICTURE = {
    "kind": "llm",
    "operation": "image_generation",
    "gen_ai.output.type": "image",
    "request_model": "gpt-image-1",
}
SOUND = {
    "kind": "llm",
    "request_model": "gpt-4o-transcribe",
    "operation": "transcription",
    "gen_ai.output.type": "text",
}
HEARD_USAGE = {
    "type": "tokens",
    "input_tokens": 40,
    "output_tokens": 9,
    "total_tokens": 49,
    "input_token_details": {"audio_tokens": 35, "text_tokens": 5},
}
HEARD_COUNTS = {
    "input_tokens": 40,
    "output_tokens": 9,
    "audio_input_tokens": 35,
    "gen_ai.usage.text.input_tokens": 5,
}
HEARD = blob(WAV, "audio", "audio/x-wav", filename="well.wav", field="file")
SRT = f"1\n00:00:00,000 --> 00:00:02,000\n{ANSWER}\n"
FLAGS = [{"flagged": False, "categories": {"violence": False}, "category_scores": {"violence": 0.01}}]
VIDEO = {
    "id": "video_1",
    "object": "video",
    "created_at": 1,
    "model": "sora-2",
    "status": "queued",
    "progress": 0,
    "seconds": "4",
    "size": "720x1280",
}
DECIDED = [{"type": "predicate", "name": "is_well", "probability": 0.9}]


def image_events(kind: str) -> list[Any]:
    facts = {"created_at": 1, "size": "1024x1024", "quality": "low", "background": "auto", "output_format": "png"}
    begun = {"b64_json": base64_of(PNG[:18]), "partial_image_index": 0}
    return [
        {"type": f"{kind}.partial_image", **facts, **begun},
        {"type": f"{kind}.completed", **facts, "b64_json": base64_of(PNG), "usage": IMAGE_USAGE},
    ]


PARTIAL = assistant(blob(PNG[:18], "image", "image/png", partial=True))

CASES = [
    Case(
        "completions.create",
        {"model": "gpt-3.5-turbo-instruct", "prompt": QUESTION, "max_tokens": 9},
        json_answer(
            {
                **COMPLETION,
                "choices": [{"index": 0, "text": ANSWER, "finish_reason": "stop", "logprobs": None}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21},
            }
        ),
        {
            "name": "text_completion gpt-3.5-turbo-instruct",
            "kind": "llm",
            "operation": "text_completion",
            "input": user(text(QUESTION)),
            "request_parameters": {"max_tokens": 9},
        },
        {
            "output": assistant(text(ANSWER), finish_reason="stop"),
            "finish_reasons": ["stop"],
            "counts": {"input_tokens": 12, "output_tokens": 9},
        },
        streaming=CHAT_STREAM,
        events=[
            *({**COMPLETION, "choices": [{"index": 0, "text": piece, "finish_reason": None}]} for piece in PIECES),
            {**COMPLETION, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
            {**COMPLETION, "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}},
        ],
        done=True,
        broken={"output": assistant(text("From"))},
    ),
    Case(
        "embeddings.create",
        {"model": "text-embedding-3-small", "input": [QUESTION, ANSWER], "dimensions": 2, "encoding_format": "float"},
        json_answer(
            {
                "object": "list",
                "model": "text-embedding-3-small",
                "data": [{"object": "embedding", "index": n, "embedding": [0.1, 0.2]} for n in (0, 1)],
                "usage": {"prompt_tokens": 12, "total_tokens": 12},
            }
        ),
        {
            "name": "embeddings text-embedding-3-small",
            "kind": "embedding",
            "operation": "embeddings",
            "input": [QUESTION, ANSWER],
            "request_parameters": {"dimensions": 2, "encoding_format": "float"},
        },
        {"output": {"count": 2, "dimensions": 2}, "counts": {"input_tokens": 12}},
    ),
    Case(
        "images.generate",
        {"model": "gpt-image-1", "prompt": "A well.", "size": "1024x1024"},
        json_answer({**MADE, "usage": IMAGE_USAGE}),
        {
            **PICTURE,
            "name": "images.generate gpt-image-1",
            "input": user(text("A well.")),
            "request_parameters": {"size": "1024x1024"},
        },
        {"output": assistant(blob(PNG, "image", "image/png")), "counts": IMAGE_COUNTS},
        streaming={"stream": True},
        events=image_events("image_generation"),
        first="partial_image",
        broken={"output": PARTIAL},
    ),
    Case(
        "images.edit",
        {"model": "gpt-image-1", "prompt": "Deeper.", "image": [("well.png", PNG), ("hill.png", PNG)], "mask": PNG},
        json_answer({**MADE, "usage": IMAGE_USAGE}),
        {
            **PICTURE,
            "name": "images.edit gpt-image-1",
            "input": user(
                text("Deeper."),
                blob(PNG, "image", "image/png", filename="well.png", field="image"),
                blob(PNG, "image", "image/png", filename="hill.png", field="image"),
                blob(PNG, "image", "image/png", field="mask"),
            ),
        },
        {"output": assistant(blob(PNG, "image", "image/png")), "counts": IMAGE_COUNTS},
        streaming={"stream": True},
        events=image_events("image_edit"),
        first="partial_image",
        broken={"output": PARTIAL},
    ),
    Case(
        "images.create_variation",
        {"model": "dall-e-2", "image": ("well.png", PNG), "n": 1},
        json_answer({"created": 1, "data": [{"url": "https://example.org/well.png"}]}),
        {
            **PICTURE,
            "name": "images.create_variation dall-e-2",
            "request_model": "dall-e-2",
            "input": user(blob(PNG, "image", "image/png", filename="well.png", field="image")),
            "request_parameters": {"n": 1},
        },
        {
            "output": assistant({"type": "uri", "modality": "image", "uri": "https://example.org/well.png"}),
            "counts": {},
        },
    ),
    Case(
        "audio.speech.create",
        {"model": "gpt-4o-mini-tts", "input": ANSWER, "voice": "alloy", "instructions": "Whisper."},
        Answer(MP3, "audio/mpeg"),
        {
            "name": "audio.speech.create gpt-4o-mini-tts",
            "kind": "llm",
            "operation": "speech",
            "gen_ai.output.type": "speech",
            "input": user(text(ANSWER)),
            "system_instructions": [text("Whisper.")],
            "request_parameters": {"voice": "alloy"},
        },
        {"output": assistant(blob(MP3, "audio", "audio/mpeg")), "counts": {}},
    ),
    Case(
        "audio.speech.create",
        {"model": "gpt-4o-mini-tts", "input": ANSWER, "voice": "alloy"},
        Answer(),
        {"name": "audio.speech.create gpt-4o-mini-tts", "kind": "llm", "operation": "speech", "stream": True},
        {
            "output": assistant(blob(MP3, "audio", "audio/mpeg")),
            "counts": {"input_tokens": 12, "output_tokens": 90},
        },
        streaming={"stream_format": "sse"},
        events=[
            {"type": "speech.audio.delta", "audio": base64_of(MP3[:6])},
            {"type": "speech.audio.delta", "audio": base64_of(MP3[6:])},
            {
                "type": "speech.audio.done",
                "usage": {"input_tokens": 12, "output_tokens": 90, "total_tokens": 102},
            },
        ],
        first="speech.audio.delta",
        broken={"output": assistant(blob(MP3[:6], "audio", "audio/mpeg"))},
        only_ways=("streaming response of events",),
    ),
    Case(
        "audio.transcriptions.create",
        {"model": "gpt-4o-transcribe", "file": ("well.wav", WAV), "language": "en"},
        json_answer({"text": ANSWER, "usage": HEARD_USAGE}),
        {
            **SOUND,
            "name": "audio.transcriptions.create gpt-4o-transcribe",
            "input": user(HEARD),
            "request_parameters": {"language": "en"},
        },
        {"output": assistant(text(ANSWER)), "counts": HEARD_COUNTS},
        streaming={"stream": True},
        events=[
            *({"type": "transcript.text.delta", "delta": piece} for piece in PIECES),
            {"type": "transcript.text.done", "text": ANSWER, "usage": HEARD_USAGE},
        ],
        broken={"output": assistant(text("From"))},
    ),
    Case(
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": ("well.wav", WAV), "response_format": "verbose_json"},
        json_answer(
            {
                "task": "transcribe",
                "text": ANSWER,
                "language": "english",
                "duration": 2.5,
                "segments": [],
                "usage": {"type": "duration", "seconds": 3},
            }
        ),
        {
            **SOUND,
            "name": "audio.transcriptions.create whisper-1",
            "request_model": "whisper-1",
            "input": user(HEARD),
            "request_parameters": {"response_format": "verbose_json"},
        },
        {
            "output": assistant(text(ANSWER, language="english", duration=2.5, segments=[])),
            "openai.usage.seconds": 3,
            "counts": {},
        },
        use="paid by the second",
    ),
    Case(
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": ("well.wav", WAV), "response_format": "srt"},
        Answer(SRT.encode(), "text/plain; charset=utf-8"),
        {
            **SOUND,
            "name": "audio.transcriptions.create whisper-1",
            "request_model": "whisper-1",
            "request_parameters": {"response_format": "srt"},
        },
        {"output": assistant(text(SRT)), "counts": {}},
        use="as subtitles",
    ),
    Case(
        "audio.translations.create",
        {"model": "whisper-1", "file": ("well.wav", WAV)},
        json_answer({"text": ANSWER}),
        {
            **SOUND,
            "name": "audio.translations.create whisper-1",
            "request_model": "whisper-1",
            "operation": "translation",
            "input": user(HEARD),
        },
        {"output": assistant(text(ANSWER)), "counts": {}},
    ),
    Case(
        "moderations.create",
        {"model": "omni-moderation-latest", "input": [QUESTION, ANSWER]},
        json_answer({"id": "modr-1", "model": "omni-moderation-latest", "results": FLAGS}),
        {
            "name": "moderations.create omni-moderation-latest",
            "kind": "guardrail",
            "operation": None,
            "input": [*user(text(QUESTION)), *user(text(ANSWER))],
        },
        {"output": FLAGS, "response_id": "modr-1", "counts": {}},
    ),
    Case(
        "decisions.create",
        {"model": "gpt-6-luna", "input": QUESTION, "questions": [{"type": "predicate", "question": "Of a well?"}]},
        json_answer({"model": "gpt-6-luna", "answers": DECIDED, "usage": RESPONSES_USAGE}),
        {
            "name": "decisions.create gpt-6-luna",
            "kind": "llm",
            "input": user(text(QUESTION)),
            "request_parameters": {"questions": [{"type": "predicate", "question": "Of a well?"}]},
        },
        {"output": DECIDED, "counts": RESPONSES_COUNTS},
        since="3.26.0",
    ),
    Case(
        "videos.create",
        {"model": "sora-2", "prompt": "A well.", "seconds": "4", "input_reference": ("well.png", PNG)},
        json_answer(VIDEO),
        {
            "name": "videos.create sora-2",
            "kind": "llm",
            "operation": "video_generation",
            "input": user(
                text("A well."), blob(PNG, "image", "image/png", filename="well.png", field="input_reference")
            ),
            "request_parameters": {"seconds": "4"},
        },
        {"output": VIDEO, "response_id": "video_1", "gen_ai.response.status": "queued", "counts": {}},
        since="2.2.0",
    ),
    Case(
        "videos.remix",
        {"prompt": "At night."},
        json_answer(VIDEO),
        {
            "name": "videos.remix",
            "kind": "llm",
            "input": user(text("At night.")),
            "request_parameters": {"video_id": "video_0"},
        },
        {"output": VIDEO, "response_model": "sora-2", "counts": {}},
        args=["video_0"],
        since="2.2.0",
    ),
    Case(
        "vector_stores.search",
        {"query": QUESTION, "max_num_results": 3},
        json_answer(
            {
                "object": "vector_store.search_results.page",
                "search_query": [QUESTION],
                "data": [
                    {
                        "file_id": "file_1",
                        "filename": "wells.md",
                        "score": 0.9,
                        "attributes": {"lang": "en"},
                        "content": [{"type": "text", "text": ANSWER}],
                    }
                ],
                "has_more": False,
                "next_page": None,
            }
        ),
        {
            "name": "retrieval vs_1",
            "kind": "retriever",
            "operation": "retrieval",
            "input": QUESTION,
            "request_parameters": {"vector_store_id": "vs_1", "max_num_results": 3},
            "gen_ai.data_source.id": "vs_1",
            "gen_ai.retrieval.query.text": QUESTION,
            "gen_ai.retrieval.top_k": 3,
        },
        {
            "output": [
                {"id": "file_1", "score": 0.9, "content": ANSWER, "name": "wells.md", "metadata": {"lang": "en"}}
            ],
            "counts": {},
        },
        args=["vs_1"],
    ),
]
