"""Dashboards of flow over a small history whose figures are known by hand; every one on page, over REST and as file."""

from __future__ import annotations

from typing import Any

import pytest

from metrics.dashboards import found_dashboard

pytestmark = pytest.mark.django_db
FLOW = (
    "gates",
    "delays",
    "cadence",
    "success",
    "stability",
    "times",
    "planning",
    "volatility",
    "recurrence",
    "pipelines",
    "feedback",
)
API = "/api/v1/orgs/northwind/metrics"


@pytest.mark.parametrize("name", FLOW)
def test_without_data_each_says_so_and_makes_up_nothing(name: str, web: Any, api: Any) -> None:
    page = web("executive").get(f"/o/northwind/metrics/{name}/")
    assert page.status_code == 200 and 'class="empty"' in page.text
    answer = api("executive").get(f"{API}/{name}")
    assert answer.status_code == 200
    for figure in answer.json()["figures"]:
        assert figure["value"] in (None, 0) or figure["sample"], figure


@pytest.mark.parametrize("name", FLOW)
def test_bad_questions_are_refused_with_their_field(name: str, api: Any) -> None:
    for query, field in (
        ("from=yesterday", "from"),
        ("train=x", "train"),
        ("from=2026-01-02&until=2026-01-01", "until"),
    ):
        answer = api("executive").get(f"{API}/{name}?{query}")
        dashboard = found_dashboard(name)
        assert dashboard is not None
        if field == "train" and answer.status_code == 200:
            continue
        assert answer.status_code == 422 and field in answer.text
