"""Secrets that are told by their own form: keys with a prefix, tokens, private keys.

Source: the documentation of those who issue them.
"""

from __future__ import annotations

from tracer.capture.expressions import compiled
from tracer.capture.secrets.secret import Form, Secret, end_of_text, mark, matching

_WORD = rb"[A-Za-z0-9_\-]"

_NOT_INSIDE_A_WORD = rb"(?:(?<![A-Za-z0-9_\-])|(?<=\\[bfnrt])|(?<=\\uHHHH)|(?<=\\xHH)|(?<=%HH))".replace(
    b"H", b"[0-9A-Fa-f]"
)
"""Before a key stands no letter or digit, but that of an escape: `\\n`, `\\u00e9`, `%20`."""


def _key(expression: bytes) -> Form:
    return matching("api-key", _NOT_INSIDE_A_WORD + expression.replace(b"W", _WORD))


def _azure_key(line: bytes, place: int) -> Secret | None:
    """84 characters with a signature in their midst."""
    start = place - 52
    match = compiled(_AZURE_KEY).match(line, start) if start >= 0 else None
    return Secret(*match.span(), "api-key", mark("api-key").encode()) if match else None


_AZURE_KEY = rb"[A-Za-z0-9+/]{52}JQQJ99[A-Za-z0-9+/]{26}"


def _private_key(line: bytes, place: int) -> Secret | None:
    """A key to its end, or where that is missing to the end of the text; or one whose lines are items of a list."""
    header = compiled(_PRIVATE_KEY).match(line, place)
    if header is None:
        return None
    listed = compiled(_LISTED_KEY).match(line, header.end())
    if listed is not None:
        end = listed.end()
    else:
        end = end_of_text(line, header.end())
        footer = line.find(b"-----END ", header.end(), end)
        closing = line.find(b"-----", footer + 9, end) if footer >= 0 else -1
        end = closing + 5 if closing >= 0 else end
    return Secret(place, end, "private-key", mark("private-key").encode())


_PRIVATE_KEY = rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
_LISTED_KEY = rb'(?:\\[nr])*","(?:[A-Za-z0-9+/=:,. \-]{0,200}(?:\\[nr])*",")*-----END [A-Z0-9 ]{0,40}-----'


def _is_basic(credentials: bytes) -> bool:
    """Return whether these are a user's name and password as HTTP's Basic scheme writes them."""
    decoded = from_base64(credentials)
    return decoded is not None and b":" in decoded and decoded.isascii()


def from_base64(encoded: bytes) -> bytes | None:
    import binascii

    try:
        return binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))
    except binascii.Error:
        return None


FORMS: dict[bytes, Form] = {
    b"-----BEGIN ": _private_key,
    b"AGE-SECRET-KEY-1": matching("private-key", rb"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    b"eyJ": matching("jwt", _NOT_INSIDE_A_WORD + rb"eyJW{8,}\.W{4,}\.W{10,}(?:\.W{2,}){0,2}".replace(b"W", _WORD)),
    b"earer ": matching("bearer-token", rb"earer (?P<secret>[A-Za-z0-9_\-.~+/]{16,}=*)"),
    b"asic ": matching("basic-auth", rb"asic (?P<secret>[A-Za-z0-9+/]{6,}={0,2})", judge=_is_basic),
    # OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse …: what has no known second word has a digit.
    b"sk-": _key(rb"sk-(?:(?:proj|ant|svcacct|admin|or|lf)-W{12,}|(?=[A-Za-z_\-]{0,60}[0-9])W{16,})"),
    b"sk_": _key(rb"sk_(?:(?:live|test|prod)_W{10,}|[0-9a-f]{32,})"),  # Stripe, ElevenLabs
    b"rk_": _key(rb"rk_(?:live|test)_W{10,}"),
    b"whsec_": _key(rb"whsec_[A-Za-z0-9+/=]{24,}"),
    b"AIza": _key(rb"AIzaW{30,}"),  # Google
    b"AQ.A": _key(rb"AQ\.AW{30,}"),
    b"ya29.": _key(rb"ya29\.[A-Za-z0-9_\-.]{20,}"),
    b"GOCSPX-": _key(rb"GOCSPX-W{20,}"),
    b"AKIA": _key(rb"AKIA[A-Z0-9]{16}(?![A-Za-z0-9])"),  # AWS, and its Bedrock
    b"ASIA": _key(rb"ASIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    b"ABSK": _key(rb"ABSK[A-Za-z0-9+/]{40,}=*"),
    b"bedrock-api-key-": _key(rb"bedrock-api-key-[A-Za-z0-9+/]{40,}=*"),
    b"JQQJ99": _azure_key,
    b"ghp_": _key(rb"ghp_W{30,}"),  # GitHub
    b"gho_": _key(rb"gho_W{30,}"),
    b"ghu_": _key(rb"ghu_W{30,}"),
    b"ghs_": _key(rb"ghs_W{30,}"),
    b"ghr_": _key(rb"ghr_W{30,}"),
    b"github_pat_": _key(rb"github_pat_W{30,}"),
    b"glpat-": _key(rb"glpat-[A-Za-z0-9_\-.]{18,}"),  # GitLab
    b"gldt-": _key(rb"gldt-W{18,}"),
    b"glrt-": _key(rb"glrt-[A-Za-z0-9_\-.]{18,}"),
    b"xox": _key(rb"xox[a-z](?:\.xox[a-z])?-W{10,}"),  # Slack
    b"xapp-": _key(rb"xapp-W{10,}"),
    b"hooks.slack": matching("api-key", rb"hooks\.slack\.com/[a-z]{1,20}/(?P<secret>[A-Za-z0-9/_]{20,})"),
    b"hf_": _key(rb"hf_W{30,}"),  # Hugging Face
    b"gsk_": _key(rb"gsk_W{30,}"),  # Groq
    b"xai-": _key(rb"xai-W{30,}"),
    b"pplx-": _key(rb"pplx-W{30,}"),  # Perplexity
    b"nvapi-": _key(rb"nvapi-W{30,}"),
    b"r8_": _key(rb"r8_W{30,}"),  # Replicate
    b"tgp_v1_": _key(rb"tgp_v1_W{30,}"),  # Together
    b"lsv2_": _key(rb"lsv2_W{20,}"),  # LangSmith
    b"pcsk_": _key(rb"pcsk_W{30,}"),  # Pinecone
    b"tvly-": _key(rb"tvly-W{16,}"),  # Tavily
    b"npm_": _key(rb"npm_W{30,}"),
    b"pypi-": _key(rb"pypi-W{40,}"),
    b"dckr_pat_": _key(rb"dckr_pat_W{20,}"),
    b"SG.": _key(rb"SG\.W{16,}\.W{16,}"),  # SendGrid
}
"""The forms by their markers. A word's first letter is left out where it may be a capital."""

IN_URL = matching("url-password", rb"""://[^\s/@:"'\\<>]{0,256}:(?P<secret>[^\s/"'\\<>]{1,256})@""")
