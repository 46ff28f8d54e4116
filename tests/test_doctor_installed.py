"""`tracer doctor` tells what is installed and set, and sends a span down the whole road."""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from openai._base_client import SyncAPIClient

import programs
from tracer.cli.doctor import installed, road
from tracer.cli.doctor.settings import in_force
from tracer.integrations import tested
from tracer.store.health import Finding

ROOT = Path(__file__).parent.parent


def levels(findings: list[Finding]) -> set[str]:
    return {finding.level for finding in findings}


def test_the_table_of_tested_versions_is_that_of_this_project() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "tests" / "floors.txt").read_text(), re.M))
    for name, (oldest, newest) in tested.TESTED.items():
        (floor,) = set(re.findall(rf'"{name}>=([\d.]+)', text))
        assert oldest == floor, name
        assert name == "streamlit" or pinned[name] in (floor, f"{floor}.0"), name
        assert installed._numbers(metadata.version(name)) <= installed._numbers(newest), (
            f"{name}: write its version down"
        )


def test_here_all_is_well_and_everything_would_be_recorded() -> None:
    findings = [*installed.versions(), *installed.integrations()]
    assert levels(findings) == {"ok"}
    ready = [finding.facts["integration"] for finding in findings if finding.facts.get("installed")]
    assert ready == ["openai", "langchain"]
    assert any("no provider" in finding.text for finding in findings)


def test_a_version_outside_of_what_is_tested_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tested.TESTED, "openai", ("99.0", "99.1"))
    (old,) = (finding for finding in installed.integrations() if finding.facts.get("distribution") == "openai")
    assert (old.level, old.next) == ("bad", "pip install -U 'openai>=99.0'")
    monkeypatch.setitem(tested.TESTED, "openai", ("1.0", "1.9"))
    (new,) = (finding for finding in installed.integrations() if finding.facts.get("distribution") == "openai")
    assert (new.level, "openai<=1.9" in new.next) == ("note", True)


def test_hooks_that_have_moved_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(SyncAPIClient, "_process_response")
    finding = next(finding for finding in installed.integrations() if finding.topic == "openai")
    assert finding.level == "bad"
    assert "SyncAPIClient._process_response is gone" in finding.text


def test_a_library_that_is_missing_or_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tracer.integrations.openai", None)
    monkeypatch.setattr(installed, "find_spec", lambda name: None if name.startswith("langchain_core") else object())
    by_topic: dict[str, Finding] = {}
    for finding in installed.integrations():
        by_topic.setdefault(finding.topic, finding)
    assert "cannot be imported" in by_topic["openai"].text
    assert by_topic["langchain"].next.endswith("pip install 'llm-tracer[langchain]'")


def test_settings_in_force_are_told_and_those_that_are_misspelt() -> None:
    assert next(in_force({"HOME": "/"})).text.startswith("none by TRACER_")
    told = {
        finding.facts["name"]: (finding.level, finding.text, finding.next)
        for finding in in_force(
            {"TRACER_ENABLED": "0", "TRACER_CAPTURE_CONTENT": "no", "TRACER_ABSORB": "1", "TRACER_STOER": "x\x1b[31m"}
        )
    }
    assert told["TRACER_ENABLED"] == ("note", "TRACER_ENABLED=0: nothing is recorded", "unset TRACER_ENABLED")
    assert told["TRACER_CAPTURE_CONTENT"] == ("ok", "TRACER_CAPTURE_CONTENT=no: texts are not recorded", "")
    assert told["TRACER_ABSORB"] == ("ok", "TRACER_ABSORB=1", "")
    level, text, advice = told["TRACER_STOER"]
    assert (level, "TRACER_STORE" in advice, "\x1b" in text) == ("note", True, False)


def test_a_span_goes_all_the_way_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (finding,) = road.send(tmp_path / "not made yet" / "traces.duckdb")
    assert finding.level == "ok", finding
    assert 0 < finding.facts["recorded_ms"] < finding.facts["all_ms"]
    assert list(tmp_path.iterdir()) == []


def test_a_span_that_does_not_arrive_is_told_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road, "_PROGRAM", "raise SystemExit('the disk is on fire')")
    (finding,) = road.send(tmp_path / "traces.duckdb")
    assert (finding.level, finding.text) == ("bad", "did not get through: the disk is on fire")
    (finding,) = road.send(Path("/dev/null/traces.duckdb"))
    assert (finding.level, "TRACER_STORE" in finding.next) == ("bad", True)
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    findings = json.loads(programs.tracer(path, "doctor", "--json").stdout)
    topics = {finding["topic"] for finding in findings}
    assert topics >= {"store", "python", "versions", "telemetry", "openai", "settings", "test span"}
    assert not [finding for finding in findings if finding["level"] != "ok" and not finding["next"]]
    assert not path.exists()
