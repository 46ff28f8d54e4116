"""The statistics: panels over what a filter finds, ours and the user's, and pages of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus
import pytest
from playwright.sync_api import Page, expect
from serving import Viewer
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from tracer.errors import QueryError, TracerError, UsageError
from tracer.store import Store
from tracer.viewer import launch, panels, project
from tracer.viewer.api import refuse, routes
from tracer.viewer.api.panels import bucket
from tracer.viewer.app import PAGES

EXAMPLES = Path(__file__).parents[2] / "examples" / "panels"
SECOND = 10**9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def api(store: Store, folder: Path) -> TestClient:
    corpus.failing_agent(ago_s=300)
    corpus.agent(ago_s=200, tags=["beta"])
    corpus.agent(ago_s=100)
    return TestClient(Starlette(routes=routes(store, [folder]), exception_handlers={TracerError: refuse}))


def rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    names = [column["name"] for column in answer["columns"]]
    return [dict(zip(names, row, strict=True)) for row in zip(*answer["values"], strict=True)]


def test_every_panel_of_ours_answers(api: TestClient) -> None:
    told = api.get("/api/panels").json()
    assert told["problems"] == []
    answers = {panel["name"]: api.get(f"/api/panel/{panel['name']}?bucket={SECOND}") for panel in told["panels"]}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 200)
    [overview] = rows(answers["overview"].json())
    assert (overview["traces"], overview["with errors"], overview["tokens in"]) == (3, pytest.approx(1 / 3), 4800)
    [model] = rows(answers["models"].json())
    assert (model["model"], model["calls"], model["cached"], model["errors"]) == ("gpt-4o-2024-08-06", 4, 1200, 0)
    [error, _] = rows(answers["errors"].json())
    assert error["times"] == 1
    assert [row["tag"] for row in rows(answers["tags"].json())] == ["beta"]


def test_a_call_that_two_recorded_counts_once(store: Store, api: TestClient) -> None:
    clock = corpus.Clock(50)
    with_agent = clock.span("answer", "chain", None, 0, 900)
    ours = clock.model_call(with_agent, 1, 800, response_id="r1")
    clock.model_call(ours, 2, 799, response_id="r1", request_model="inner")
    clock.model_call(with_agent, 3, 801, response_id="r1")
    clock.model_call(with_agent, 850, 890, response_id="r2")
    [model] = rows(api.get("/api/panel/models").json())
    [sums] = store.sql("select sum(model_call_count) as calls, sum(input_tokens) as tokens_in from traces")
    assert (model["calls"], model["tokens in"]) == (sums["calls"], sums["tokens_in"]) == (6, 7200)


def test_panels_are_of_the_traces_that_the_filter_finds(api: TestClient) -> None:
    [overview] = rows(api.get("/api/panel/overview?q=tag:beta").json())
    assert (overview["traces"], overview["tokens in"]) == (1, 2400)
    [nothing] = rows(api.get("/api/panel/overview?q=name:nobody").json())
    assert (nothing["traces"], nothing["tokens in"]) == (0, None)
    assert (
        api.get("/api/panels?q=nmae:x").json()["message"].startswith("there is no field 'nmae'; did you mean 'name'?")
    )


def test_the_sql_that_is_shown_gives_the_same_rows(api: TestClient, store: Store) -> None:
    answer = api.get(f"/api/panel/cost?bucket={60 * SECOND}").json()
    assert [list(row.values()) for row in store.sql(answer["sql"])] == [list(row.values()) for row in rows(answer)]


def test_a_file_of_the_user_is_a_panel_from_the_moment_it_is_saved(api: TestClient, folder: Path) -> None:
    (folder / "long_ones.sql").write_text(
        '-- Long ones\n-- chart: bars\n-- unit: ns\nselect name, 1 as "n:count" from traces'
    )
    assert api.get("/api/panels").json()["panels"][-1]["title"] == "Long ones"
    answer = api.get("/api/panel/my-long_ones").json()
    assert answer["columns"] == [{"name": "name", "unit": "ns"}, {"name": "n", "unit": "count"}]
    (folder / "long_ones.sql").unlink()
    assert api.get("/api/panel/my-long_ones").status_code == 400


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-- chart: pie\nselect 1", "chart is one of table"),
        ("-- unit: apples\nselect 1", "unit is one of"),
        ("-- color: red\nselect 1", "not color"),
        ("\xff", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_and_the_others_stay(
    api: TestClient, folder: Path, text: str, problem: str
) -> None:
    (folder / "wrong.sql").write_bytes(text.encode("latin-1"))
    told = api.get("/api/panels").json()
    assert len(told["problems"]) == 1
    assert told["problems"][0].startswith("wrong.sql")
    assert problem in told["problems"][0]
    assert len(told["panels"]) == len(list(panels.OURS.glob("*.sql")))


def test_sql_that_does_more_than_read_is_refused(api: TestClient, folder: Path) -> None:
    (folder / "evil.sql").write_text("copy traces to 'out.csv'")
    assert api.get("/api/panel/my-evil").json()["message"].startswith("only one statement at a time")
    assert not list(folder.glob("*.csv"))


@pytest.mark.parametrize(
    ("extent", "width"),
    [(None, 1), (0, 1), (48, 1), (49, 5), (3600, 300), (86_400, 1800), (30 * 86_400, 86_400), (10**9, 30 * 86_400)],
)
def test_the_time_shown_is_parted_into_few_round_steps(extent: int | None, width: int) -> None:
    last = None if extent is None else extent * SECOND
    assert bucket(None if extent is None else 0, last) == width * SECOND


# ── the user's own folder


@pytest.fixture
def own_folder(folder: Path) -> Iterator[Path]:
    project.use([folder])
    yield folder
    project.use([])


def test_a_python_file_of_the_user_is_a_page(own_folder: Path, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setenv("TRACER_STORE", str(store.path))
    (own_folder / "my_page.py").write_text("import streamlit as st\nst.title('Mine')")
    (own_folder / "_helper.py").write_text("raise RuntimeError('no page')")
    app = AppTest.from_file(PAGES, default_timeout=30).run()
    assert not app.exception
    assert [page.name for page in project.pages()] == ["my_page.py"]
    assert AppTest.from_file(own_folder / "my_page.py", default_timeout=30).run().title[0].value == "Mine"


def test_the_examples_run(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setenv("TRACER_STORE", str(store.path))
    page = EXAMPLES / "tools.py"
    assert AppTest.from_file(page, default_timeout=30).run().info[0].value.startswith("No tool was called yet")
    corpus.agent(ago_s=100)
    app = AppTest.from_file(page, default_timeout=30).run()
    assert not app.exception
    assert app.dataframe[0].value["name"].tolist() == ["execute_tool get_order"]
    for file in EXAMPLES.glob("*.sql"):
        assert len(store.sql(panels.read(file).sql)) > 0


def test_panels_come_from_the_project_and_never_from_beside_a_store(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "src").mkdir()
    assert project.folder_of(tmp_path / "src") == tmp_path / ".tracer" / "panels"


def test_a_folder_of_pages_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        launch(tmp_path / "traces.duckdb", pages=tmp_path / "none", port=None, open_browser=False)


def test_a_head_that_names_no_title_leaves_the_name_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "12-slow_calls.sql"
    file.write_text("select 1")
    assert panels.read(file).title == "Slow calls"
    with pytest.raises(QueryError, match="cannot be read"):
        panels.read(tmp_path / "none.sql")


# ── in the browser


@pytest.mark.browser
def test_the_page_shows_figures_and_their_sql_and_leads_back_to_the_traces(page: Page, viewer: Viewer) -> None:
    page.goto(viewer.url)
    page.get_by_role("link", name="Stats").click()
    assert page.url == f"{viewer.url}/?view=stats"
    names = page.locator("[data-panel=names]")
    expect(page.locator("[data-panel=overview]")).to_contain_text("156traces")
    expect(page.locator("[data-panel=traces] rect[fill]").first).to_be_visible()
    names.get_by_role("button", name="SQL").click()
    expect(names.locator("pre")).to_contain_text("group by name")
    names.get_by_role("link", name="support_agent").click()
    expect(page.locator("[role=row][data-trace-id]")).to_have_count(2)
    assert page.url == f"{viewer.url}/?q=name%3Asupport_agent"


@pytest.mark.browser
def test_a_filter_and_a_time_narrow_all_panels_and_live_in_the_address(page: Page, viewer: Viewer) -> None:
    page.goto(f"{viewer.url}/?view=stats&q=error")
    expect(page.locator("[data-panel=overview]")).to_contain_text("2traces")
    page.get_by_role("button", name="24 hours").click()
    assert page.url == f"{viewer.url}/?view=stats&q=since%3A24h+error"
    page.keyboard.press("/")
    page.keyboard.type("nmae:x")
    expect(page.get_by_role("alert")).to_contain_text("did you mean 'name'?")
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.locator("[data-panel=overview]")).to_contain_text("156traces")
