"""The surfaces of the OpenAI SDK: what is asked of each, what the API answers, and what a span has to say of it."""

from __future__ import annotations

from surfaces import chat, models, others, responses

CASES = [*chat.CASES, *responses.CASES, *models.CASES, *others.CASES]
