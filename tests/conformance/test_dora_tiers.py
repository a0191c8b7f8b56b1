"""Tiers against the public report tables, the Quick Check, and cuts of other implementations."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from metrics.rules import quick_check
from metrics.rules.definitions import DIFFERENCES, Metric
from metrics.rules.tiers import (
    TIERS,
    WITHOUT_TIERS,
    YEARS,
    fail_rate_answer,
    questionnaire_answer,
    tier,
)

VECTORS = Path(os.environ.get("RELEASETRAIN_VECTORS", ""))
pytestmark = pytest.mark.skipif(
    not os.environ.get("RELEASETRAIN_VECTORS") or not VECTORS.is_dir(),
    reason="RELEASETRAIN_VECTORS does not name the folder of published vectors",
)
MINUTE = 60.0
COLUMNS = {
    Metric.DEPLOYMENT_FREQUENCY: ("deployment_frequency",),
    Metric.CHANGE_LEAD_TIME: ("lead_time",),
    Metric.CHANGE_FAIL_RATE: ("change_failure_rate",),
    Metric.RECOVERY_TIME: ("time_to_restore", "failed_deployment_recovery_time"),
}


def load(*parts: str):
    return json.loads(VECTORS.joinpath(*parts).read_text(encoding="utf-8"))


def devlake() -> dict:
    return load("01_dora_devlake", "metric_definitions.json")["numeric_thresholds"]


@pytest.mark.parametrize("year", [2019, 2021, 2022, 2023, 2024])
def test_the_table_of_the_year_is_the_published_one(year):
    published = load("08_misc", "dora", "dora_report_tables.json")[str(year)]
    for metric, names in COLUMNS.items():
        column = next(published[name] for name in names if name in published)
        assert {name: band.text for name, band in YEARS[year].table[metric].items()} == column
    assert YEARS[year].verified == ("VERIFY" not in published["provenance"])


def test_years_without_clusters_have_no_table():
    tables = load("08_misc", "dora", "dora_report_tables.json")
    for year in (2020, 2025):
        assert "lead_time" not in tables[str(year)]
        assert year not in YEARS
        assert year in WITHOUT_TIERS


@pytest.mark.parametrize("year", [2021, 2023])
def test_lead_and_recovery_thresholds_match_devlake(year):
    cuts = devlake()[str(year)]
    month = 730 * 60 / (30 * 24 * 60)
    for metric, key in (
        (Metric.CHANGE_LEAD_TIME, "lead_time_minutes_lt"),
        (Metric.RECOVERY_TIME, "recovery_minutes_lt"),
    ):
        for name, minutes in cuts[key].items():
            ours = minutes * (month if minutes >= 43_200 else 1)
            assert tier(metric, ours * MINUTE - 1, year).tier == name
            following = TIERS[TIERS.index(name) + 1]
            assert tier(metric, ours * MINUTE, year).tier == following
    assert any(each.topic == "month" for each in DIFFERENCES)


def test_fail_rate_thresholds_match_devlake_but_for_the_documented_difference():
    for name, share in devlake()["2023"]["cfr_le"].items():
        assert tier(Metric.CHANGE_FAIL_RATE, share, 2023).tier == name
        assert tier(Metric.CHANGE_FAIL_RATE, share + 1e-9, 2023).tier != name
    assert tier(Metric.CHANGE_FAIL_RATE, 0.15, 2021).tier == "elite"
    assert tier(Metric.CHANGE_FAIL_RATE, 0.30, 2021).tier == "high"
    assert devlake()["2021"]["cfr_le"]["high"] == 0.20
    assert any(each.topic == "fail rate tiers of 2021" for each in DIFFERENCES)


def test_class_edges_match_four_keys():
    keys = load("02_dora_fourkeys", "fourkeys_definitions.json")
    words = {
        "One day": "Less than one day",
        "One week": "One day to one week",
        "One month": "One week to one month",
        "Six months": "One to six months",
    }
    for metric, column, unit in (
        (Metric.CHANGE_LEAD_TIME, "lead_time_minutes", MINUTE),
        (Metric.RECOVERY_TIME, "time_to_restore_hours", 60 * MINUTE),
    ):
        for each in keys[column]:
            if "lt" in each:
                edge = each["lt"] * unit
                below, on = questionnaire_answer(metric, edge - 1), questionnaire_answer(metric, edge)
                assert below.text == words[each["label"]]
                assert on.score == below.score - 1
    assert fail_rate_answer(keys["change_failure_rate"][0]["le"]) == "0-15%"
    assert fail_rate_answer(0.45) == "31-45%"
    assert fail_rate_answer(0.455) == "46-60%"
    assert any(each.topic == "fail rate classes" for each in DIFFERENCES)


def test_the_scale_is_the_quick_checks():
    answers = load("08_misc", "dora", "quickcheck_data", "metrics_question_responses.json")
    for metric, name in (
        (Metric.CHANGE_LEAD_TIME, "leadtime"),
        (Metric.RECOVERY_TIME, "failurerecovery"),
        (Metric.DEPLOYMENT_FREQUENCY, "deployfreq"),
    ):
        values = (1e-9, 0.01, 0.1, 0.5, 3.0, 1e3) if name == "deployfreq" else (1e9, 5e6, 1e6, 3e5, 5e3, 60.0)
        found = {str(a.score): a.text for a in (questionnaire_answer(metric, value) for value in values)}
        assert found == answers[name]


def test_quick_check_scores():
    for case in load("08_misc", "dora", "dora_quickcheck.json")["cases"]:
        if case["fn"] == "score":
            assert quick_check.score(case["type"], case["in"]) == case["out"]
        elif case["fn"] == "performance_average":
            assert quick_check.performance_average(case["in"], case["version"]) == case["out"]
        else:
            found = quick_check.benchmark()
            assert {name: found[name] for name in case["out"]} == case["out"]
    assert quick_check.performance_average({"leadtime": -1}, "2025") == 0
    published = load("08_misc", "dora", "quickcheck_data", "editions", "2025", "industry_metrics.json")["all"]
    for name, value in quick_check.ALL_INDUSTRIES_2025.items():
        assert published[name]["mean"] == value
