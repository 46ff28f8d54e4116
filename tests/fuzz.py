"""Look for what breaks a property, led by the code that each input reaches: coverage-guided, unlike the tests.

    make fuzz                                   # each property for a minute
    python tests/fuzz.py "streams fold" --seconds 600

What was reached is kept in .fuzz/, so that the next run goes on from there. A failure ends the run with the example
that it needs; make that one an example of a test. Needs `pip install atheris` (Linux and macOS).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

os.environ["TRACER_RAISE"] = "1"
os.environ["TRACER_ABSORB"] = "0"
sys.path.insert(0, str(Path(__file__).parent))

import atheris
from hypothesis import HealthCheck, given, settings

with atheris.instrument_imports(include=["tracer"]):
    from properties import PROPERTIES

FOUND = Path(__file__).parent.parent / ".fuzz"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("property", nargs="?", choices=list(PROPERTIES))
    options.add_argument("--seconds", type=int, default=60)
    given_options = options.parse_args()
    if given_options.property:
        fuzz(given_options.property, given_options.seconds)
    # Each in a process of its own, for the fuzzer ends its process.
    failed = [name for name in PROPERTIES if run(name, given_options.seconds)]
    print("\n".join(f"FAILED: {name}" for name in failed) or f"{len(PROPERTIES)} properties hold.")
    return len(failed)


def run(name: str, seconds: int) -> int:
    print(f"{name} …", flush=True)
    return subprocess.run([sys.executable, __file__, name, "--seconds", str(seconds)], check=False).returncode


def fuzz(name: str, seconds: int) -> None:
    claim = PROPERTIES[name]
    test = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))(
        given(claim.values)(claim.holds)
    )
    folder = FOUND / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=4096", "-max_len=8192"]
    quiet = ["-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={folder}/failed-"]
    atheris.Setup([sys.argv[0], *limits, *quiet, str(folder)], test.hypothesis.fuzz_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
