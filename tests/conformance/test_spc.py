"""Control charts against the NIST/SEMATECH handbook to the printed digits, and published run rule cases."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from releasetrain.interface.charts.limits import p_chart, xmr
from releasetrain.interface.charts.run_rules import RULES, fires

VECTORS = Path(os.environ.get("RELEASETRAIN_VECTORS", "")) / "07_spc"
pytestmark = pytest.mark.skipif(
    not os.environ.get("RELEASETRAIN_VECTORS") or not VECTORS.is_dir(),
    reason="RELEASETRAIN_VECTORS does not name the folder of published vectors",
)


def load(name: str) -> dict:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def cases() -> list[dict]:
    return load("run_rule_cases.json")["cases"] if VECTORS.is_dir() else []


def test_individuals_and_moving_range():
    case = load("nist_handbook_examples.json")["individuals_moving_range"]
    chart = xmr(case["data_flowrate"])
    expected = case["expected"]
    assert chart.center[0] == pytest.approx(expected["mean"], abs=5e-5)
    assert chart.upper[0] == pytest.approx(expected["UCL"], abs=5e-5)
    assert chart.lower[0] == pytest.approx(expected["LCL"], abs=5e-5)
    assert list(chart.outside) == case["points_out"]


def test_p_chart():
    case = load("nist_handbook_examples.json")["p_chart"]
    chart = p_chart(case["defective"], case["n"])
    expected = case["expected"]
    assert chart.center[0] == pytest.approx(expected["pbar"], abs=case["tolerance"])
    assert chart.upper[0] == pytest.approx(expected["UCL"], abs=case["tolerance"])
    assert chart.lower[0] == pytest.approx(expected["LCL"], abs=case["tolerance"])
    assert [at + 1 for at in chart.outside] == expected["out_of_control_samples_1based"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case['standard']}-{case['rule']}")
def test_run_rules(case):
    found = fires(case["points"], case["rule"], case["standard"])
    assert any(found) is case["fires"]
    rule = next(each for each in RULES[case["standard"]] if each.number == case["rule"])
    if case["fires"] and rule.length > 1:
        assert found.index(True) == rule.length - 1, "the run is complete at its last point"


def test_every_published_rule_is_there():
    for standard, rules in load("run_rule_cases.json")["rule_definitions"].items():
        assert {str(rule.number) for rule in RULES[standard]} == set(rules)
