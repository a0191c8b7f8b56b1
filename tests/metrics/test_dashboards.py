"""Every dashboard in every form: the same figures on page, as JSON, CSV, PDF and PNG, each with its definition and rows."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import pytest

from metrics.dashboards import dashboards, found_dashboard
from metrics.dashboards.registry import dashboard
from tests.metrics.test_pages import busy  # noqa: F401 - a fixture

API = "/api/v1/orgs/northwind/metrics"
PAGE = "/o/northwind/metrics"


@pytest.mark.django_db
def test_a_dashboard_says_the_same_in_every_form(busy: Any, api: Any, web: Any) -> None:  # noqa: F811
    told = api("executive").get(f"{API}/delivery").json()
    figures = {each["name"]: each for each in told["figures"]}
    assert all(each["definition"]["version"] >= 1 and each["definition"]["text"] for each in figures.values())
    sheet = web("executive").get(f"{PAGE}/delivery.csv")
    rows = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert {row["name"]: row["value"] for row in rows} == {
        name: str(each["value"]) for name, each in figures.items()
    }
    chart = told["charts"][0]
    part = web("executive").get(f"{PAGE}/delivery.csv?part=deployments-per-week").content.decode("utf-8-sig")
    assert len(part.splitlines()) == len(chart["rows"]) + 1
    assert web("executive").get(f"{PAGE}/delivery.pdf").content.startswith(b"%PDF-")
    picture = api("executive").get(f"{API}/delivery?as=png")
    assert picture.content.startswith(b"\x89PNG")
    assert picture["Content-Type"] == "image/png"


@pytest.mark.django_db
def test_a_figure_opens_its_rows_over_rest(busy: Any, api: Any) -> None:  # noqa: F811
    told = api("executive").get(f"{API}/delivery/change_fail_rate").json()
    assert told["behind"]["total"] == told["rows"] > 0
    assert all(row[0]["url"].startswith("/o/northwind/") for row in told["behind"]["rows"])
    assert api("executive").get(f"{API}/delivery/vanity").status_code == 404


@pytest.mark.django_db
def test_the_report_year_is_chosen_and_named(busy: Any, api: Any) -> None:  # noqa: F811
    def bands(year: int) -> dict[str, str]:
        told = api("executive").get(f"{API}/delivery?year={year}").json()
        return {each["name"]: each["band"] for each in told["figures"]}

    assert bands(2019)["change_lead_time"].endswith("2019 report")
    assert set(bands(2025).values()) == {""}, "no tiers were published that year"
    answer = api("executive").get(f"{API}/delivery?year=1999")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].endswith("year")


@pytest.mark.django_db
@pytest.mark.parametrize("question", ["as=docx", "as=csv&part=nothing", "from=never"])
def test_a_form_that_does_not_exist_is_refused(api: Any, question: str) -> None:
    assert api("executive").get(f"{API}/delivery?{question}").status_code == 422


@pytest.mark.django_db
def test_every_dashboard_answers_without_any_data(api: Any, web: Any) -> None:
    listed = api("executive").get(API).json()["dashboards"]
    assert [each["name"] for each in listed] == [each.name for each in dashboards()]
    for each in dashboards():
        assert each.definitions, f"{each.name} says nothing about what it shows"
        assert api("executive").get(f"{API}/{each.name}").status_code == 200
        assert web("executive").get(f"{PAGE}/{each.name}/").status_code == 200


def test_two_dashboards_of_one_name_are_a_mistake() -> None:
    assert found_dashboard("delivery")
    with pytest.raises(ValueError, match="name of its own"):
        dashboard("delivery", title="Again", about="", definitions=())


def test_a_group_of_fewer_than_five_is_never_a_line_of_its_own() -> None:
    from governance.queries.governance_report import Figure as Counted
    from governance.queries.governance_report import Group
    from governance.queries.governance_report import Table as Section
    from metrics.dashboards.governance import OTHERS, _table

    def group(name: str, size: int, good: int) -> Group:
        ids = [uuid.uuid4() for _ in range(size)]
        return Group(name, [Counted("all", "All", "x", ids), Counted("good", "Good", "x", ids[:good])])

    def lines(*groups: Group) -> list[Any]:
        return [tuple(row) for row in _table(Section("k", "By team", "", ["All", "Good"], list(groups))).rows]

    assert lines(group("A", 9, 7), group("B", 3, 3), group("C", 2, 0)) == [("A", 9, 7), (OTHERS, 5, 3)]
    assert lines(group("A", 9, 7), group("B", 4, 4)) == [("A", 9, 7), (OTHERS, "–", "–")]
    assert lines() == []
