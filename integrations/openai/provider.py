"""Whose API a client talks to, told by its host."""

from __future__ import annotations

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
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "openrouter.ai": "openrouter",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
}
"""Hosts, or the domains they lie in, with the conventions' names (and `openrouter`, for which these have none)."""


def provider_of(host: str) -> str:
    """Return the provider's name; `openai` for its own hosts and for any server that only speaks its API."""
    for domain, provider in _PROVIDERS.items():
        if host == domain or host.endswith((f".{domain}", f"-{domain}")):
            return provider
    return "openai"
