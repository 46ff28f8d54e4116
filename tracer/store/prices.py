"""What a model's tokens cost: the bundled price list of genai-prices, asked once per provider and model.

It is asked offline, and imported only when the store's own table `prices` does not know a model yet: that takes a
quarter of a second. An unknown model has no price, never the price 0.

Source: https://github.com/pydantic/genai-prices
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import version

_PROVIDERS = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "aws.bedrock": "aws",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "mistral_ai": "mistral",
    "x_ai": "x-ai",
    "moonshot_ai": "moonshotai",
}
"""The GenAI conventions' names of providers, where genai-prices has another one."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a model's tokens cost, in USD per million; a rate that is None is unknown, or not its own.

    `by_rule` says that no one figure will do (tiers, dates, a fee per request): `cost` knows for each call.
    """

    input_mtok: float | None = None
    cached_mtok: float | None = None
    cache_write_mtok: float | None = None
    audio_input_mtok: float | None = None
    output_mtok: float | None = None
    audio_output_mtok: float | None = None
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one call. The details are subsets of `input_tokens` and `output_tokens`."""

    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    audio_input_tokens: int | None
    audio_output_tokens: int | None


@cache
def source() -> str:
    """Return where prices come from now; those of another source are asked for again."""
    return f"genai-prices {version('genai-prices')}"


def price(provider: str, model: str) -> Price:
    """Return what the tokens of a model cost; without rates and rule where that is unknown."""
    from genai_prices import Usage as AnyUsage
    from genai_prices import calc_price
    from genai_prices.types import ModelPrice, TieredPrices

    try:
        found = calc_price(AnyUsage(input_tokens=0, output_tokens=0), model, provider_id=_provider_id(provider))
    except LookupError:
        return Price()
    rates = found.model_price
    values = [value for value in vars(rates).values() if value is not None]
    if (
        not isinstance(found.model.prices, ModelPrice)
        or any(isinstance(value, TieredPrices) for value in values)
        or rates.requests_kcount is not None
    ):
        return Price(by_rule=True)
    return Price(
        input_mtok=_float(rates.input_mtok),
        cached_mtok=_float(rates.cache_read_mtok),
        cache_write_mtok=_float(rates.cache_write_mtok),
        audio_input_mtok=_float(rates.input_audio_mtok),
        output_mtok=_float(rates.output_mtok),
        audio_output_mtok=_float(rates.output_audio_mtok),
    )


def cost(provider: str, model: str, usage: Usage, start_ns: int) -> tuple[float, float] | None:
    """Return what one call cost for its input and its output in USD; None where its figures contradict each other."""
    from genai_prices import Usage as AnyUsage
    from genai_prices import calc_price

    tokens = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "input_audio_tokens": usage.audio_input_tokens,
        "output_audio_tokens": usage.audio_output_tokens,
    }
    try:
        found = calc_price(
            AnyUsage(**{name: count for name, count in tokens.items() if count is not None}),
            model,
            provider_id=_provider_id(provider),
            genai_request_timestamp=datetime.fromtimestamp(start_ns / 1e9, timezone.utc),
        )
    except ValueError:
        return None
    # A fee per request belongs to neither side; it comes with the input.
    return float(found.total_price - found.output_price), float(found.output_price)


def _provider_id(provider: str) -> str:
    return _PROVIDERS.get(provider, provider)


def _float(rate: object) -> float | None:
    return None if rate is None else float(str(rate))
