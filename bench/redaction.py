"""What redaction costs beside what no durable tracer can do without: `orjson.dumps` and one `write` of the same line.

Every ended span pays it on the caller's thread. The texts are English, code, JSON with base64, and prose about
addresses and about secrets that holds none; then text with secrets, and texts made to be slow. The latter are measured
at two sizes: where time is in proportion to size, the ratio is that of the sizes.

    python bench/redaction.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import base64
import inspect
import json
import os
import pydoc_data.topics
import random
import statistics
import tempfile
import urllib.request
from collections.abc import Callable
from http import client, cookies, server
from pathlib import Path

import measuring
import orjson

from tracer.capture.redaction import Redactor

SIZES = {"200 B": 200, "4 KB": 4_000, "100 KB": 100_000, "8 MB": 8_000_000}
REPEAT = {"200 B": 2_000, "4 KB": 500, "100 KB": 40, "8 MB": 1}

TARGETS = {"4 KB": measuring.Target(1), "100 KB": measuring.Target(1), "8 MB": measuring.Target(1)}
"""For texts with no marker in them, since recording a span is to take at most twice its limit, redaction included."""

WITHOUT_MARKERS = ("English", "JSON")

MB = 1_000_000


def texts() -> dict[str, Callable[[int], str]]:
    chance = random.Random(7)
    english = "\n".join(pydoc_data.topics.topics.values())
    code = "".join(map(inspect.getsource, (urllib.request, client, cookies, server)))
    items = [
        {
            "id": number,
            "url": f"https://example.org/images/{number}.png",
            "usage": {"max_tokens": 100, "input_tokens": 3},
            "logprobs": [{"token": " the", "logprob": -0.5, "bytes": [32, 116, 104, 101]}],
            "data": base64.b64encode(chance.randbytes(600)).decode(),
        }
        for number in range(300)
    ]
    about = (
        "Keep the secret out of the log. A token is no password: a Bearer of news, the Basic idea of an authorization, "
        "and credentials that a cookie holds. Ask the task-force, whose risk-score is high, at https://example.org/. "
    )
    addresses = "Write to reader@example.org, or see https://example.org/wiki/Waterwheel, which tells much more of it. "
    secrets = (
        "sk-proj-abcdefghijklmnop1234 and password=hunter2 and Bearer abcdefghijklmnopqrstuvwx, then a page of text. "
        + english[:2_000]
    )
    return {
        "English": repeated(english),
        "code": repeated(code),
        "JSON": repeated(json.dumps(items)),
        "mails and URLs": repeated(addresses),
        "about secrets": repeated(about),
        "secrets": repeated(secrets),
    }


SLOW = {
    "sk-sk-sk-…": "sk-",
    "sk- sk- sk-…": "sk- ",
    "eyJa.eyJa.…": "eyJaaaaaaaaa.",
    "://://://…@": "://@",
    "PEM after PEM": "-----BEGIN PRIVATE KEY-----",
    "password password": "password ",
    "{'password': {'password'": "{'password': ",
    "backslashes": '\\"password\\":\\',
    "@@@@": "@",
    "a@a@a@": "a@",
}


def repeated(text: str) -> Callable[[int], str]:
    return lambda size: (text * (size // len(text) + 1))[:size]


def limit(value: str, descriptor: int) -> Callable[[], float]:
    return measuring.timed(lambda: os.write(descriptor, orjson.dumps({"input": value}) + b"\n"))


def many(run: Callable[[], float], times: int) -> Callable[[], float]:
    return lambda: sum(run() for _ in range(times)) / times


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=9)
    rounds = options.parse_args().rounds
    redactor = Redactor()
    with tempfile.TemporaryDirectory() as folder:
        descriptor = os.open(Path(folder) / "lines", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        table = measuring.Table(
            "redaction, µs a line", ["what", "redaction", "orjson.dumps + write", "ratio", "target", ""]
        )
        for name, text in texts().items():
            for size, length in SIZES.items():
                value = text(length)
                line = orjson.dumps({"input": value})
                runs = {
                    "redaction": many(measuring.timed(lambda line=line: redactor.redact(line)), REPEAT[size]),
                    "limit": many(limit(value, descriptor), REPEAT[size]),
                }
                figures = measuring.interleaved(runs, rounds)
                ratio = measuring.ratios(figures["redaction"], figures["limit"])
                shown = [measuring.with_spread(figures[what], "µs", 1e6) for what in ("redaction", "limit")]
                target = TARGETS.get(size) if name in WITHOUT_MARKERS else None
                judged = (target, target.verdict(statistics.median(ratio))) if target else ("", "")
                table.add(f"{name}, {size}", *shown, measuring.with_spread(ratio), *judged, **figures, ratio=ratio)
                os.ftruncate(descriptor, 0)
        slow = measuring.Table("made to be slow", ["what", "1 MB", "8 MB", "ratio"])
        for name, text in SLOW.items():
            lines = {size: orjson.dumps({"input": repeated(text)(size * MB)}) for size in (1, 8)}
            figures = measuring.interleaved(
                {str(size): measuring.timed(lambda line=line: redactor.redact(line)) for size, line in lines.items()}, 3
            )
            ratio = measuring.ratios(figures["8"], figures["1"])
            cells = (measuring.with_spread(figures[size], "ms", 1e3) for size in ("1", "8"))
            slow.add(name, *cells, measuring.with_spread(ratio), **{f"{size} MB": figures[size] for size in ("1", "8")})
        os.close(descriptor)
    measuring.report("redaction", [table, slow])


if __name__ == "__main__":
    main()
