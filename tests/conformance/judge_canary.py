"""Judge of folder 03_canary: Kayenta's classes, scores and intervals; Argo Rollouts' limits."""

from __future__ import annotations

import math
import re
from typing import Any

from trains.rules import mann_whitney, thresholds
from trains.rules.canary import Classification, Config, Direction, Judged, Metric, classify, conclude

from .vectors import Tally, judge, load

CLOSE = 1e-4
KAYENTA = ("03_canary", "kayenta")


@judge("03_canary/kayenta classes")
def classes() -> Tally:
    cases = load(*KAYENTA, "classifier_cases.json")
    tally = Tally(len(cases))
    for case in cases:
        found = classify(_metric(case), case["control"], case["experiment"])
        expected = case["expected"]
        agrees = expected.get("classification", found.classification) == found.classification
        if "critical" in expected:
            agrees = agrees and (str(expected["critical"]).lower() == "true") == found.critical
        if "deviation" in expected and expected["deviation"] == "NaN":
            agrees = agrees and (found.effect is None or math.isnan(found.effect))
        elif isinstance(expected.get("deviation"), int | float):
            agrees = agrees and _near(found.effect, expected["deviation"])
        if expected.get("reason") == "non-empty":
            agrees = agrees and bool(found.reason)
        tally.case(case["name"], agrees, found)
    return tally


def _metric(case: dict[str, Any]) -> Metric:
    params, call = case["params"], case["call"]
    given: dict[str, Any] = {}
    if "effectSizeThresholds" in params:
        given["allowed_decrease"], given["allowed_increase"] = params["effectSizeThresholds"]
    if "criticalThresholds" in params:
        given["critical_decrease"], given["critical_increase"] = params["criticalThresholds"]
    if case["classifier"].startswith("Mean"):
        given["method"] = "mean"
    for theirs, ours in (
        ("tolerance", "tolerance"),
        ("confLevel", "confidence"),
        ("effectSizeMeasure", "effect"),
    ):
        if theirs in params:
            given[ours] = {"meanRatio": "ratio"}.get(params[theirs], params[theirs])
    return Metric(
        "metric",
        direction=Direction(call["direction"].lower()),
        critical=call["isCriticalMetric"],
        required=call["isDataRequired"],
        nan="replace" if call["nanStrategy"].startswith("Replace") else "remove",
        minimum=1,
        **given,
    )


@judge("03_canary/kayenta scores")
def scores() -> Tally:
    cases = load(*KAYENTA, "scorer_cases.json")
    tally = Tally(len(cases))
    for case in cases:
        metrics = [
            Judged(
                m["name"],
                tuple(m["groups"]),
                Classification(m["classification"]),
                critical=m["critical"] and m["classification"] != "Pass",
                critical_metric=m["critical"],
                muted=m.get("muted", False),
            )
            for m in case["metrics"]
        ]
        found = conclude(Config((), case["groupWeights"]), metrics)
        expected = case["expected"]
        agrees = _near(found.score, expected["summaryScore"])
        if "groupScoresSorted" in expected:
            ours = sorted(group.score for group in found.groups)
            agrees = agrees and all(
                _near(one, other) for one, other in zip(ours, expected["groupScoresSorted"], strict=True)
            )
        tally.case(case["name"], agrees, found)
    return tally


@judge("03_canary/kayenta statistics")
def statistics() -> Tally:
    """Every expected value of the Mann-Whitney cases; roots to 1e-4, which is as far as theirs are sought."""
    cases = load(*KAYENTA, "mann_whitney_cases.json")
    tally = Tally(sum(len(case["expected"]) for case in cases))
    for case in cases:
        arrays = case["arrays"]
        first = arrays.get("x") or arrays.get("experiment") or arrays.get("experimentData")
        second = arrays.get("y") or arrays.get("control") or arrays.get("controlData")
        shift = mann_whitney.shift(first, second, case["confidenceLevel"])
        quantile = _quantile(case["confidenceLevel"])
        least, most = min(first) - max(second), max(first) - min(second)
        values = {
            "result.confidenceInterval.head": shift.lower,
            "result.confidenceInterval.last": shift.upper,
            "result.estimate": shift.estimate,
            "estimate": shift.estimate,
            "ciLower": shift.lower,
            "ciUpper": shift.upper,
            "muMin": least,
            "muMax": most,
            "zqLower": quantile,
            "zqUpper": -quantile,
            "fLower1": mann_whitney.statistic(least, quantile, first, second),
            "fUpper1": mann_whitney.statistic(most, quantile, first, second),
            "fLower2": mann_whitney.statistic(least, -quantile, first, second),
            "fUpper2": mann_whitney.statistic(most, -quantile, first, second),
        }
        for each in case["expected"]:
            asked = re.search(r"wilcoxonDiff\(([-\d.]+), ([-\d.]+),", each["subject"])
            value = (
                mann_whitney.statistic(float(asked[1]), float(asked[2]), first, second)
                if asked
                else values[each["subject"]]
            )
            tally.case(f"{case['name']}: {each['subject']}", _near(value, each["equals"]), value)
    return tally


def _quantile(confidence: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(1 - (1 - confidence) / 2))


@judge("03_canary/kayenta effects, outliers, missing values")
def helpers() -> Tally:
    cases = load(*KAYENTA, "statistics_detector_transform_cases.json")
    tally = Tally(len(cases))
    for case in cases:
        tally.case(f"{case['suite']}: {case['name']}", _helper(case), case["expected"])
    return tally


def _helper(case: dict[str, Any]) -> bool:
    arrays, name = case["arrays"], case["name"]
    expected = case["expected"][0]["equals"]
    if case["suite"] == "StatisticSuite":
        return _statistic(arrays, name, case["expected"])
    data = arrays["testData"]
    numbers = [math.nan if value == "NaN" else value for value in data]
    if case["detector"]:
        found = _outliers(case["detector"][0], numbers)
        if case["suite"] == "DetectorSuite":
            return bool(found == arrays["truth"])
        kept = [value for value, out in zip(numbers, found, strict=True) if not out]
        return bool(kept == arrays["truth"])
    strategy = "replace" if "Replace" in name else "remove"
    judged = classify(Metric("metric", nan=strategy, minimum=1), numbers, numbers)
    truth = arrays["truth"] if expected == "arrays.truth" else expected
    mean = sum(truth) / len(truth) if truth else None
    return judged.canary_count == len(truth) and _near(judged.canary_mean, mean)


def _outliers(detector: str, numbers: list[float]) -> list[bool]:
    factor = float(re.search(r"= ([\d.]+)", detector)[1])  # type: ignore[index]
    if detector.startswith("KSigma"):
        return mann_whitney.outliers_by_deviation(numbers, factor)
    return mann_whitney.outliers_by_quartiles(numbers, factor)


def _statistic(arrays: dict[str, Any], name: str, expected: list[dict[str, Any]]) -> bool:
    import numpy as np

    if "experimentData" in arrays:
        measure = mann_whitney.common_language if "CLES" in name else mann_whitney.mean_ratio
        value = measure(arrays["experimentData"], arrays["controlData"])
        wanted = expected[0]["equals"]
        if wanted == "NaN":
            return math.isnan(value)
        return math.isclose(value, wanted, abs_tol=expected[0].get("tolerance", CLOSE))
    numbers = next(iter(arrays.values()))
    for each in expected:
        asked = re.search(r"percentile\(\w+, (\d+)\)", each["subject"])
        if asked:
            if not _near(float(np.percentile(numbers, int(asked[1]))), each["equals"]):
                return False
            continue
        judged = classify(Metric("metric", minimum=1), numbers, numbers)
        summary = {
            "count": judged.canary_count,
            "mean": judged.canary_mean or 0,
            "min": min(numbers, default=0),
            "max": max(numbers, default=0),
            "std": float(np.std(numbers, ddof=1)) if len(numbers) > 1 else 0,
        }
        if any(not _near(summary[key], value) for key, value in each["equals"].items()):
            return False
    return True


@judge("03_canary/argo_rollouts")
def limits() -> Tally:
    data = load("03_canary", "argo_rollouts", "analysis_assessment_cases.json")
    assessed = [
        (case, terminating)
        for case in data["metric_assessment"]
        for terminating in ("not_terminating", "terminating")
        if case["expected"][terminating] is not None
    ]
    known = {
        "no measurements, terminating": "an analysis that ends before it measured says nothing: inconclusive, never successful"
    }
    tally = Tally(len(assessed) + len(data["measurement_evaluation"]) + len(data["next_measurement"]), known)
    for case, when in assessed:
        said = "terminating" if when == "terminating" else "running"
        phase = thresholds.assess(
            _limits(case["metric"]), _counts(case["result"]), terminating=when == "terminating"
        )
        name = f"{case['name']}, {said}"
        tally.case(name, phase == case["expected"][when], phase)
    for case in data["measurement_evaluation"]:
        tally.case(f"{case['successCondition']}, {case['failureCondition']}", _measured(case))
    for number, case in enumerate(data["next_measurement"]):
        tally.case(f"next measurement {number}", _next(case) == case["expected_next"])
    return tally


def _limits(given: dict[str, Any]) -> thresholds.Limits:
    return thresholds.Limits(
        failures=given.get("failureLimit", 0),
        inconclusive=given.get("inconclusiveLimit", 0),
        consecutive_errors=given.get("consecutiveErrorLimit", 4),
        consecutive_successes=given.get("consecutiveSuccessLimit", 0),
        count=given.get("count"),
        interval=_seconds(given["interval"]) if "interval" in given else None,
    )


def _counts(given: dict[str, Any]) -> thresholds.Tally:
    return thresholds.Tally(
        count=given.get("count", 0),
        successful=given.get("successful", 0),
        failed=given.get("failed", 0),
        inconclusive=given.get("inconclusive", 0),
        consecutive_errors=given.get("consecutiveError", 0),
        consecutive_successes=given.get("consecutiveSuccess", 0),
    )


def _measured(case: dict[str, Any]) -> bool:
    """Conditions that were evaluated; one that cannot be is an error before it is weighed."""
    truth = {"true": True, "false": False, "": None}
    success, failure = case["successCondition"], case["failureCondition"]
    if success not in truth or failure not in truth:
        return bool(case["expected"] == thresholds.Phase.ERROR)
    return bool(thresholds.measured(truth[success], truth[failure]) == case["expected"])


def _next(case: dict[str, Any]) -> float | None:
    if "metrics" in case:
        return thresholds.next_at(
            (each["lastFinishedAt"], _seconds(each["interval"])) for each in case["metrics"]
        )
    if case.get("metric_phase"):
        return thresholds.next_at([])
    return thresholds.next_at([(case["lastFinishedAt"], _seconds(case["interval"]))])


def _seconds(text: str) -> float:
    return float(text.rstrip("ms")) * (60 if text.endswith("m") else 1)


def _near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=CLOSE, rel_tol=1e-6)
