"""Whose API a client talks to, told by its class or by its host."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import openai

from tracer.integrations.openai.body import Fields

_PROVIDERS = {
    "openai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "amazonaws.com": "aws.bedrock",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.groq.com": "groq",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "openrouter.ai": "openrouter",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
}
"""Hosts, or the domains they lie in, with the names that the conventions give to their providers.

They have none for `openrouter`, but its prices are others than those of the providers behind it.

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""


def where(client: Any, url: str) -> Fields:
    """Return where a request goes. `server.port` is left out where it is the scheme's own."""
    given, base = urlsplit(url), client.base_url
    host, port = (given.hostname, given.port) if given.hostname else (base.host, base.port)
    is_azure = isinstance(client, openai.AzureOpenAI | openai.AsyncAzureOpenAI)
    return {
        "provider": "azure.ai.openai" if is_azure else provider_of(host),
        "server.address": host,
        "server.port": port,
    }


def provider_of(host: str) -> str:
    """Return the provider's name; `openai` for its own hosts and for any server that only speaks its API."""
    for domain, provider in _PROVIDERS.items():
        if host == domain or host.endswith((f".{domain}", f"-{domain}")):
            return provider
    return "openai"
