"""Judges of folders 01, 02, 07 and 08_misc/dora: deployment chains, stages, tiers, scores, control limits, run rules."""

from metrics.rules import quick_check
from metrics.rules.attribution import previous_successes
from metrics.rules.definitions import DIFFERENCES, Metric
from metrics.rules.stages import stages, whole_minutes
from metrics.rules.tiers import TIERS, YEARS, fail_rate_answer, questionnaire_answer, tier
from releasetrain.interface.charts.limits import moving_range, p_chart, xmr
from releasetrain.interface.charts.run_rules import fires

from .vectors import Tally, folder, judge, load

MINUTE = 60.0
_PUBLISHED = {(each.other, each.topic) for each in DIFFERENCES}


def written(other: str, topic: str) -> str:
    """The difference as the product says it beside its definitions; unknown ones are none."""
    assert (other, topic) in _PUBLISHED
    return f"{other}: {topic}"


@judge("01_dora_devlake/chains")
def chains() -> Tally:
    folder("01_dora_devlake", "dora_e2e")
    from .test_dora_devlake import deployed, rows

    before = rows("prev_success_deployment_commit", "cicd_deployment_commits_before")
    after = rows("prev_success_deployment_commit", "cicd_deployment_commits_after")
    found = previous_successes([deployed(row) for row in before])
    tally = Tally(len(after))
    for row in after:
        expected = row["prev_success_deployment_commit_id"] or None
        tally.case(row["id"], found[row["id"]] == expected, (found[row["id"]], expected))
    return tally


@judge("01_dora_devlake/stages")
def merge_request_stages() -> Tally:
    folder("01_dora_devlake", "dora_e2e")
    from .test_dora_devlake import requests, rows

    measured, found = rows("change_lead_time", "project_pr_metrics"), requests()
    tally = Tally(5 * len(measured))
    for row in measured:
        split = stages(found[row["id"]])
        ours = {
            "pr_coding_time": whole_minutes(split.coding),
            "pr_pickup_time": whole_minutes(split.pickup),
            "pr_review_time": whole_minutes(split.review),
            "pr_deploy_time": whole_minutes(split.deploying),
            "pr_cycle_time": split.cycle_minutes,
        }
        for name, minutes in ours.items():
            expected = int(row[name]) if row[name] else None
            tally.case(f"{row['id']} {name}", minutes == expected, (minutes, expected))
    return tally


@judge("01_dora_devlake/thresholds")
def thresholds() -> Tally:
    """Lead time and recovery cuts: just below is the named tier, the cut itself the next; a month is 730 hours here."""
    cuts = load("01_dora_devlake", "metric_definitions.json")["numeric_thresholds"]
    listed = [
        (year, metric, name, minutes)
        for year in ("2021", "2023")
        for metric, key in (
            (Metric.CHANGE_LEAD_TIME, "lead_time_minutes_lt"),
            (Metric.RECOVERY_TIME, "recovery_minutes_lt"),
        )
        for name, minutes in cuts[year][key].items()
    ]
    rates = [(year, name, share) for year in ("2021", "2023") for name, share in cuts[year]["cfr_le"].items()]
    month = written("DevLake", "month")
    known = {f"{y} {m} {n}": month for y, m, n, minutes in listed if minutes >= 43_200}
    known |= {
        f"2021 fail rate {n}": written("DevLake", "fail rate tiers of 2021") for n in ("high", "medium")
    }
    tally = Tally(len(listed) + len(rates), known)
    for year, metric, name, minutes in listed:
        edge, following = minutes * MINUTE, TIERS[TIERS.index(name) + 1]
        same = (
            tier(metric, edge - 1, int(year)).tier == name and tier(metric, edge, int(year)).tier == following
        )
        tally.case(f"{year} {metric} {name}", same)
    for year, name, share in rates:
        on, above = (tier(Metric.CHANGE_FAIL_RATE, value, int(year)).tier for value in (share, share + 1e-9))
        tally.case(f"{year} fail rate {name}", on == name and above != name, (on, above))
    return tally


@judge("02_dora_fourkeys/classes")
def four_keys() -> Tally:
    """Edges of the classes: the questionnaire's answers below an edge and on it."""
    keys = load("02_dora_fourkeys", "fourkeys_definitions.json")
    words = {
        "One day": "Less than one day",
        "One week": "One day to one week",
        "One month": "One week to one month",
        "Six months": "One to six months",
    }
    listed = [
        (metric, each["label"], each["lt"] * unit)
        for metric, column, unit in (
            (Metric.CHANGE_LEAD_TIME, "lead_time_minutes", MINUTE),
            (Metric.RECOVERY_TIME, "time_to_restore_hours", 60 * MINUTE),
        )
        for each in keys[column]
        if "lt" in each
    ]
    tally = Tally(len(listed) + 2, {"fail rate 45.5 %": written("Four Keys", "fail rate classes")})
    for metric, label, edge in listed:
        below, on = questionnaire_answer(metric, edge - 1), questionnaire_answer(metric, edge)
        tally.case(f"{metric} {label}", below.text == words[label] and on.score == below.score - 1)
    low, middle = keys["change_failure_rate"][:2]
    tally.case("fail rate 15 %", fail_rate_answer(low["le"]) == low["label"].replace("%", "") + "%")
    # Ours splits their middle class at 30 % and ends it at 45 %, theirs below 46 %.
    tally.case("fail rate 45.5 %", fail_rate_answer(0.455) in ("16-30%", "31-45%") or middle["lt"] <= 0.455)
    return tally


@judge("07_spc/nist")
def nist() -> Tally:
    """Centre, limits and points out, to the printed digits."""
    examples = load("07_spc", "nist_handbook_examples.json")
    one, share = examples["individuals_moving_range"], examples["p_chart"]
    chart, ranges = xmr(one["data_flowrate"]), moving_range(one["data_flowrate"])
    expected = one["expected"]
    cases = [
        ("mean", chart.center[0], expected["mean"]),
        ("UCL", chart.upper[0], expected["UCL"]),
        ("LCL", chart.lower[0], expected["LCL"]),
    ]
    cases += [("mean range", ranges.center[0], expected["MRbar"])] if "MRbar" in expected else []
    fitted = p_chart(share["defective"], share["n"])
    shares = [
        ("pbar", fitted.center[0], share["expected"]["pbar"]),
        ("p UCL", fitted.upper[0], share["expected"]["UCL"]),
        ("p LCL", fitted.lower[0], share["expected"]["LCL"]),
    ]
    tally = Tally(len(cases) + len(shares) + 2)
    for name, ours, theirs in cases:
        tally.case(name, abs(ours - theirs) <= 5e-5, (ours, theirs))
    for name, ours, theirs in shares:
        tally.case(name, abs(ours - theirs) <= share["tolerance"], (ours, theirs))
    tally.case("points out", list(chart.outside) == one["points_out"])
    out = [at + 1 for at in fitted.outside]
    tally.case("samples out", out == share["expected"]["out_of_control_samples_1based"], out)
    return tally


@judge("07_spc/run_rules")
def run_rules() -> Tally:
    cases = load("07_spc", "run_rule_cases.json")["cases"]
    tally = Tally(len(cases))
    for number, case in enumerate(cases):
        found = fires(case["points"], case["rule"], case["standard"])
        tally.case(f"{number} {case['standard']} {case['rule']}", any(found) is case["fires"], found)
    return tally


@judge("08_misc/dora/report_tables")
def report_tables() -> Tally:
    """Every cell of every published year's table."""
    published = load("08_misc", "dora", "dora_report_tables.json")
    columns = {
        "deployment_frequency": Metric.DEPLOYMENT_FREQUENCY,
        "lead_time": Metric.CHANGE_LEAD_TIME,
        "change_failure_rate": Metric.CHANGE_FAIL_RATE,
        "time_to_restore": Metric.RECOVERY_TIME,
        "failed_deployment_recovery_time": Metric.RECOVERY_TIME,
    }
    cells = [
        (int(year), column, name, text)
        for year, table in published.items()
        if year.isdigit()
        for column, bands in table.items()
        if column in columns and isinstance(bands, dict)
        for name, text in bands.items()
    ]
    tally = Tally(len(cells))
    for year, column, name, text in cells:
        ours = YEARS[year].table[columns[column]][name].text if year in YEARS else None
        tally.case(f"{year} {column} {name}", ours == text, (ours, text))
    return tally


@judge("08_misc/dora/quick_check")
def quick_check_scores() -> Tally:
    cases = load("08_misc", "dora", "dora_quickcheck.json")["cases"]
    tally = Tally(len(cases))
    for number, case in enumerate(cases):
        if case["fn"] == "score":
            ours: object = quick_check.score(case["type"], case["in"])
        elif case["fn"] == "performance_average":
            ours = quick_check.performance_average(case["in"], case["version"])
        else:
            found = quick_check.benchmark()
            ours = {name: found[name] for name in case["out"]}
        tally.case(f"{number} {case['fn']}", ours == case["out"], (ours, case["out"]))
    return tally
