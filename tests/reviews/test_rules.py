"""Pure rules: which rule opens a review, what does not fit together, names in causes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.rules.contradictions import Approval, Harm, Ran, Verdict, gaps
from reviews.rules.names import names_in
from reviews.rules.triggers import (
    DETAILED,
    FAILED,
    INCIDENT,
    LIGHTWEIGHT,
    ROLLED_BACK,
    STANDARD,
    SUCCEEDED,
    Conditions,
    Happened,
    fits,
    outcome_of,
    strictest,
    strictness,
)

OUTCOMES = (SUCCEEDED, FAILED, ROLLED_BACK, INCIDENT)
CLASSES = ("feature", "problem_fix", "infrastructure", "hotfix", "")
RULES = [rule for _, rule, _ in STANDARD]


def expected(outcome: str, tier: int, classification: str, emergency: bool) -> str | None:
    """The standard rules said once more, as a person would."""
    if emergency or (outcome != SUCCEEDED and tier <= 2):
        return DETAILED
    if outcome != SUCCEEDED or classification in ("problem_fix", "hotfix") or tier == 1:
        return LIGHTWEIGHT
    return None


@pytest.mark.parametrize(
    ("outcome", "tier", "classification", "emergency"),
    list(itertools.product(OUTCOMES, (1, 2, 3, 4), CLASSES, (False, True))),
)
def test_the_standard_rules_over_the_whole_matrix(
    outcome: str, tier: int, classification: str, emergency: bool
) -> None:
    found = strictest(RULES, Happened(outcome, tier, classification, emergency))
    assert (found.depth if found else None) == expected(outcome, tier, classification, emergency)


conditions = st.builds(
    Conditions,
    id=st.integers(0, 1000),
    depth=st.sampled_from([DETAILED, LIGHTWEIGHT]),
    least_critical_tier=st.integers(1, 4),
    outcomes=st.frozensets(st.sampled_from(OUTCOMES)),
    classifications=st.frozensets(st.sampled_from(CLASSES[:-1])),
    emergency_only=st.booleans(),
    mandatory=st.booleans(),
    due_days=st.integers(1, 30),
    severity=st.sampled_from([None, 1, 3]),
    harm_minutes=st.sampled_from([None, 30]),
    budget_percent=st.sampled_from([None, 10]),
)
happenings = st.builds(
    Happened,
    outcome=st.sampled_from(OUTCOMES),
    tier=st.integers(1, 4),
    classification=st.sampled_from(CLASSES),
    emergency=st.booleans(),
    severity=st.sampled_from([None, 1, 2, 4]),
    harm_minutes=st.sampled_from([None, 10, 30, 90]),
    budget_percent=st.sampled_from([None, 5.0, 50.0]),
)


@given(st.lists(conditions, max_size=6, unique_by=lambda r: r.id), happenings)
def test_the_strictest_fitting_rule_wins_in_any_order(rules: list[Conditions], happened: Happened) -> None:
    found = strictest(rules, happened)
    fitting = [r for r in rules if fits(r, happened)]
    assert (found is None) == (not fitting)
    assert strictest(reversed(rules), happened) == found
    assert all(strictness(found) <= strictness(r) for r in fitting if found)


@given(conditions, happenings)
def test_more_critical_or_emergency_never_loses_a_review(rule: Conditions, happened: Happened) -> None:
    if fits(rule, happened):
        worse = replace(happened, tier=max(1, happened.tier - 1), emergency=True)
        assert fits(rule, worse)


@pytest.mark.parametrize(
    ("state", "incident", "outcome"),
    [
        ("running", False, None),
        ("cancelled", False, None),
        ("succeeded", False, SUCCEEDED),
        ("succeeded", True, INCIDENT),
        ("failed", False, FAILED),
        ("rolled_back", True, ROLLED_BACK),
    ],
)
def test_how_a_deployment_turned_out(state: str, incident: bool, outcome: str | None) -> None:
    assert outcome_of(state, incident) == outcome


T0 = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = Ran("d1", "ledger 5.2.0 to production", T0, T0 + HOUR, True)
APPROVED = Approval("c1", "CHG-1", T0 - HOUR, (T0 - HOUR, T0 + HOUR))
PASSED = Verdict("e1", "GATE-1", "pass", T0 - HOUR)


def found(**changed: object) -> list[str]:
    given = {
        "approvals": [APPROVED],
        "ran": [GOOD],
        "verdicts": [PASSED],
        "harms": [],
        "at": T0 + 50 * HOUR,
        "gated": True,
    }
    return [g.sentence for g in gaps(**{**given, **changed})]  # type: ignore[arg-type]


def test_what_fits_together_has_no_gaps() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ran": [Ran("d1", "ledger", T0, None, True)]}, "never reported as ended"),
        (
            {"ran": [Ran("d1", "ledger", T0, T0, False, "No change covers it.")]},
            "not authorised: No change covers it.",
        ),
        ({"approvals": [Approval("c1", "CHG-1", T0 + HOUR)]}, "began before CHG-1 was approved"),
        (
            {"approvals": [Approval("c1", "CHG-1", T0 - HOUR, (T0 + HOUR, T0 + 2 * HOUR))]},
            "outside the window of CHG-1",
        ),
        ({"verdicts": []}, "No gate was asked"),
        ({"verdicts": [Verdict("e1", "GATE-1", "pass", T0 + HOUR)]}, "No gate was asked"),
        ({"verdicts": [PASSED, Verdict("e2", "GATE-1", "fail", T0 - HOUR / 2)]}, "although GATE-1 said fail"),
        ({"harms": [Harm("i1", "INC-1", T0 - HOUR, "d1")]}, "INC-1 began before ledger 5.2.0"),
    ],
)
def test_each_contradiction_is_named(changed: dict[str, object], words: str) -> None:
    sentences = found(**changed)
    assert len(sentences) == 1
    assert words in sentences[0]


def test_without_gates_nobody_had_to_ask_one() -> None:
    assert found(verdicts=[], gated=False) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Dana Smith forgot to run the migration", ["Dana Smith"]),
        ("dana  smith forgot it, says dana@bank.example", ["Dana Smith", "dana@bank.example"]),
        ("The blacksmith's Danaides", []),
        ("The release manager on duty skipped a step", []),
    ],
)
def test_persons_are_found_in_causes(text: str, names: list[str]) -> None:
    assert names_in(text, ["Dana Smith", "dana@bank.example"]) == names
