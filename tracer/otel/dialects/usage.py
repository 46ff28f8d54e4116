"""The counts and the provider of a call, settled: one arithmetic and one name, whoever reported them.

The conventions count cached and written tokens among the input ones, as OpenAI does. Anthropic's API and Bedrock's
leave them out, and some instrumentors pass that on. Where the details exceed their total, that is what happened.
Of the instrumentors that we know, all of today's add them up (see docs/recording.md), so nothing else is guessed.
"""

from __future__ import annotations

from tracer import semconv
from tracer.otel.dialects.dialect import Fields

_INPUT_DETAILS = ("cached_tokens", "cache_write_tokens")
_DETAILS = {
    "input_tokens": (*_INPUT_DETAILS, "audio_input_tokens"),
    "output_tokens": ("reasoning_tokens", "audio_output_tokens"),
}


def settled(fields: Fields) -> Fields:
    """Return the fields with details that are subsets of their totals, and the provider's name in the conventions.

    A detail that exceeds its total all the same is dropped: which of the two is wrong cannot be known.
    """
    fields = dict(fields)
    if (provider := fields.get("provider")) is not None:
        fields["provider"] = semconv.PROVIDER_ALIASES.get(provider.lower(), provider.lower())
    cached = sum(fields.get(name, 0) for name in _INPUT_DETAILS)
    if cached > fields.get("input_tokens", cached):
        fields["input_tokens"] += cached
    for total, details in _DETAILS.items():
        for detail in details:
            if total in fields and fields.get(detail, 0) > fields[total]:
                del fields[detail]
    if "input_tokens" in fields or "output_tokens" in fields:
        fields.setdefault("usage_source", "api")
    return fields
