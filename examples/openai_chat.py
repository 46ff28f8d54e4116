"""What to pack: plain OpenAI, one tool, a streamed answer.

python examples/openai_chat.py "What should I pack for Oslo?"
"""

import json
import sys

from openai import OpenAI

from tracer import instrument, trace
from tracer.demo import ensure_endpoint

MODEL = "gpt-4o-mini"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather that a city expects; look it up before you say what to pack.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
FORECAST = {
    "Oslo": "sleet and 2 °C today, then dry cold with a wind from the fjord",
    "Lisbon": "sun and 19 °C, and cool evenings by the river",
}


@trace(kind="tool")
def get_weather(city: str) -> str:
    return f"{city} expects {FORECAST.get(city, 'weather that nobody has foretold')}."


@trace
def gather(client: OpenAI, question: str) -> list[dict]:
    """Let the model call its tool, and return the conversation with what the tool said."""
    messages = [{"role": "user", "content": question}]
    message = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS).choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls or []:
        said = get_weather(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": said})
    return messages


@trace
def advise(client: OpenAI, messages: list[dict]) -> str:
    """Stream the answer to the terminal as it comes, and return it whole."""
    answer = ""
    with client.chat.completions.create(
        model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    ) as stream:
        for chunk in stream:
            piece = chunk.choices[0].delta.content if chunk.choices else None
            print(piece or "", end="", flush=True)
            answer += piece or ""
    print()
    return answer


@trace
def packing_list(question: str) -> str:
    client = OpenAI()
    return advise(client, gather(client, question))


if __name__ == "__main__":
    ensure_endpoint()  # only for a run without a key; a program of yours does without
    instrument("openai")
    packing_list(sys.argv[1] if len(sys.argv) > 1 else "What should I pack for Oslo?")
