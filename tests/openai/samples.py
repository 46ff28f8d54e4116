"""Bodies as OpenAI's API takes and gives them: whole, and as the events of streams, one of which breaks off."""

CHAT_REQUEST = {
    "model": "gpt-4o",
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/well.jpg"}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1", "filename": "well.pdf"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "I should look it up.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"what": "well"}'}},
                {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "dig 3"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "A hole with water."},
        {"role": "assistant", "refusal": "I cannot say more."},
        {"role": "assistant", "audio": {"id": "audio_1"}},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "look_up", "description": "Look up.", "parameters": {"type": "object"}},
        },
        {"type": "custom", "custom": {"name": "run"}},
    ],
    "temperature": 0.2,
    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
    "stream": True,
}

CHAT_RESPONSE = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-2024-08-06",
    "service_tier": "default",
    "system_fingerprint": "fp_1",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "A well."}, "finish_reason": "stop"},
        {
            "index": 1,
            "message": {
                "role": "assistant",
                "content": None,
                "audio": {"id": "audio_2", "data": "UklGRg==", "transcript": "A well.", "expires_at": 1},
            },
            "finish_reason": "stop",
        },
    ],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 5, "cache_write_tokens": 7},
        "completion_tokens_details": {"reasoning_tokens": 8, "audio_tokens": 3},
    },
}

RESPONSES_REQUEST = {
    "model": "gpt-5",
    "instructions": "Be brief.",
    "conversation": {"id": "conv_1"},
    "input": [
        {"role": "developer", "content": "Use metres."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "How deep is it?"},
                {"type": "input_image", "image_url": "https://example.org/well.jpg"},
                {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "well.pdf"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Measure it."}]},
        {"type": "function_call", "call_id": "call_1", "name": "measure", "arguments": '{"unit": "m"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "12"},
        {"type": "item_reference", "id": "msg_7"},
    ],
    "tools": [{"type": "function", "name": "measure", "parameters": {"type": "object"}}, {"type": "web_search"}],
    "reasoning": {"effort": "low"},
    "previous_response_id": "resp_0",
}

RESPONSES_RESPONSE = {
    "id": "resp_1",
    "model": "gpt-5-2025-08-07",
    "status": "completed",
    "service_tier": "default",
    "error": None,
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Measure."}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "well"}},
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "12 m", "annotations": []},
                {"type": "refusal", "refusal": "No."},
            ],
        },
        {"type": "shell_call", "call_id": "call_2", "action": {"commands": ["ls"]}},
    ],
    "usage": {
        "input_tokens": 50,
        "output_tokens": 30,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 25},
    },
}

CHAT_CHUNKS = [
    {"id": "", "model": "", "choices": [], "prompt_filter_results": []},
    {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
    {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {"reasoning_content": "Hm"}}]},
    {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {"content": "A "}}]},
    {"id": "c1", "model": "m", "choices": [{"index": 1, "delta": {"refusal": "No"}}]},
    {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {"content": "well"}}]},
    {"id": "c1", "model": "m", "choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]},
    {
        "id": "c1",
        "choices": [
            {
                "index": 0,
                "delta": {"tool_calls": [{"index": 0, "id": "t1", "function": {"name": "f", "arguments": ""}}]},
            }
        ],
    },
    {
        "id": "c1",
        "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}}],
    },
    {"id": "c1", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}}]},
    {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    {"id": "c1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
]

RESPONSES_EVENTS = [
    {"type": "response.created", "response": {"id": "r1", "model": "m", "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs", "summary": []}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Mea"},
    {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {"type": "reasoning", "summary": [{"text": "Measure"}]},
    },
    {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "content": []}},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "12 "},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "me"},
    {"type": "response.refusal.delta", "output_index": 1, "content_index": 1, "delta": "N"},
    {
        "type": "response.output_item.added",
        "output_index": 2,
        "item": {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""},
    },
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"unit": '},
]
