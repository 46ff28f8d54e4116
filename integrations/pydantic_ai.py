"""Record Pydantic AI's agents through its own instrumentation, which only has to be told of a provider of ours."""

from __future__ import annotations

from opentelemetry.metrics import NoOpMeterProvider
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings

from tracer.errors import logger
from tracer.otel.provider import TracerProvider

_settings = InstrumentationSettings(tracer_provider=TracerProvider(), meter_provider=NoOpMeterProvider())


def instrument() -> None:
    """Instrument every agent that has no settings of its own. What the program has switched on itself stays."""
    if Agent._instrument_default in (False, _settings):
        Agent.instrument_all(_settings)
    else:
        logger.info("pydantic_ai is instrumented by the program already: left to it")


def uninstrument() -> None:
    if Agent._instrument_default is _settings:
        Agent.instrument_all(False)
