"""Risk, approval policies and change models: what is computed, what is approved without people, and what never is."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.actions import assessing, boards, change_models, changes, policies
from governance.models import ApprovalPolicy, ChangeModel, ChangeRequest, PolicyDecision
from governance.queries.policies import standing_of
from governance.rules import policies as rules
from governance.rules import risk
from governance.rules.differences import differences
from governance.rules.quorum import RoleVotes, Tally
from governance.rules.standing import standing
from governance.tasks.changes import sweep
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.test_changes import PLANS, approve, board_of, window

QUESTION = st.builds(
    lambda points, weight: [points, weight],
    st.lists(st.integers(0, 10), min_size=2, max_size=4).filter(any),
    st.integers(1, 10),
)


def asked(parts: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "key": f"q{n}",
            "text": "Text",
            "weight": weight,
            "answers": [{"value": str(i), "label": "L", "points": p} for i, p in enumerate(points)],
        }
        for n, (points, weight) in enumerate(parts)
    ]


BANDS = (
    st.tuples(st.integers(1, 99), st.integers(1, 99))
    .filter(lambda b: b[0] != b[1])
    .map(lambda b: {"medium": min(b), "high": max(b)})
)


@settings(max_examples=150, deadline=None)
@given(st.lists(QUESTION, min_size=1, max_size=4), BANDS)
def test_what_can_be_reached_is_what_some_way_of_answering_leads_to(
    parts: Any, bands: dict[str, int]
) -> None:
    questions = asked(parts)
    ways = itertools.product(*[[a["value"] for a in q["answers"]] for q in questions])
    said = {risk.score(questions, bands, {f"q{n}": v for n, v in enumerate(way)}).risk for way in ways}
    assert risk.reachable(questions, bands) == said
    assert bool(risk.faults(questions, bands)) == (said != set(risk.RISKS))


@settings(max_examples=150, deadline=None)
@given(st.lists(QUESTION, min_size=1, max_size=5), BANDS, st.data())
def test_more_points_are_never_less_risk_and_an_unanswered_question_counts_as_the_worst(
    parts: Any, bands: dict[str, int], data: Any
) -> None:
    questions = asked(parts)
    answers = {q["key"]: data.draw(st.sampled_from([a["value"] for a in q["answers"]])) for q in questions}
    before = risk.score(questions, bands, answers)
    one = data.draw(st.sampled_from(questions))
    worst = max(one["answers"], key=lambda a: a["points"])
    raised = risk.score(questions, bands, {**answers, one["key"]: worst["value"]})
    missing = risk.score(questions, bands, {k: v for k, v in answers.items() if k != one["key"]})
    assert risk.RISKS.index(raised.risk) >= risk.RISKS.index(before.risk)
    assert (missing.points, missing.risk, missing.unanswered) == (raised.points, raised.risk, (one["key"],))


def test_the_standard_questionnaire_reaches_every_band() -> None:
    assert not risk.faults(risk.STANDARD_QUESTIONS, risk.STANDARD_BANDS)


FACTS = st.builds(
    rules.Facts,
    type=st.sampled_from([None, *rules.TYPES]),
    risk=st.sampled_from([None, *rules.RISKS]),
    tier=st.sampled_from([None, 1, 4]),
    freeze=st.sampled_from([None, True, False]),
    failures=st.sampled_from([None, 0, 5]),
    collisions=st.sampled_from([None, True, False]),
    problem_fix=st.sampled_from([None, True, False]),
    pre_approved=st.sampled_from([None, True, False]),
    gate=st.sampled_from([None, *rules.VERDICTS]),
)
WHEN = st.fixed_dictionaries(
    {},
    optional={
        "types": st.lists(st.sampled_from(rules.TYPES), min_size=1),
        "risks": st.lists(st.sampled_from(rules.RISKS), min_size=1),
        "tiers": st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1),
        "freeze": st.booleans(),
        "failures_at_least": st.integers(0, 9),
        "collides": st.booleans(),
        "gate": st.lists(st.sampled_from(rules.VERDICTS), min_size=1),
    },
)
RULES = st.lists(
    st.fixed_dictionaries({"when": WHEN, "route": st.sampled_from(rules.ROUTES)}), max_size=5
).map(lambda found: [{"name": f"rule {n}", **rule} for n, rule in enumerate(found)])


@settings(max_examples=300, deadline=None)
@given(RULES, FACTS)
def test_no_rules_whatever_approve_what_people_must_decide(given_rules: Any, facts: rules.Facts) -> None:
    assert not rules.faults(given_rules, [])
    found = rules.route(given_rules, facts)
    if found.route == rules.POLICY:
        assert facts.type in ("standard", "normal")
        assert facts.pre_approved is True or (facts.risk == "low" and facts.gate == "pass")
    fitting = [r["name"] for r in given_rules if rules.meets(r, facts)[0]]
    assert found.rule == (fitting[0] if fitting else rules.NO_RULE), "the first that fits decides"
    names = [r["name"] for r in given_rules]
    assert [name for name, _ in found.passed_over] == names[: names.index(fitting[0]) if fitting else None]


@settings(max_examples=200, deadline=None)
@given(WHEN.filter(bool), FACTS)
def test_what_is_unknown_never_spares_people(when: dict[str, Any], facts: rules.Facts) -> None:
    unknown = any(getattr(facts, rules.CONDITIONS[name].fact) is None for name in when)
    if unknown:
        assert not rules.meets({"name": "x", "when": when, "route": rules.POLICY}, facts)[0]


def test_samples_are_drawn_as_often_as_said_and_can_be_drawn_again() -> None:
    drawn = [rules.sampled("seed", f"sha256:{n}", 20) for n in range(4_000)]
    assert 0.17 < sum(drawn) / len(drawn) < 0.23
    assert drawn == [rules.sampled("seed", f"sha256:{n}", 20) for n in range(4_000)]
    assert not any(rules.sampled("seed", str(n), 0) for n in range(200))
    assert all(rules.sampled("seed", str(n), 100) for n in range(200))


TALLIES = st.builds(
    Tally,
    approvals=st.integers(0, 8),
    rejections=st.integers(0, 8),
    abstentions=st.integers(0, 8),
    quorum=st.integers(1, 9),
    eligible=st.integers(0, 16),
    unanimous=st.booleans(),
    share=st.integers(0, 100),
    roles=st.lists(st.builds(RoleVotes, st.just("r"), st.integers(1, 3), st.integers(0, 3), st.integers(0, 3)), max_size=2).map(tuple),
    signed=st.sampled_from([None, True, False]),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(TALLIES)
def test_only_a_quorum_with_more_approvals_its_roles_and_signature_approves(tally: Tally) -> None:
    approved = tally.outcome == "approved"
    asked_for = (
        tally.cast >= tally.needed >= tally.quorum
        and tally.approvals > tally.rejections
        and not (tally.unanimous and tally.rejections)
        and all(r.met for r in tally.roles)
        and tally.signed is not False
    )
    if approved:
        assert asked_for
    elif asked_for:
        assert tally.rejections, "only rejections that can no longer be outvoted settle it otherwise"
    if tally.outcome == "tied":
        assert tally.approvals == tally.rejections and not tally.left


@settings(max_examples=200, deadline=None)
@given(st.lists(st.booleans(), max_size=80))
def test_a_model_never_earns_and_loses_at_once_and_silence_earns_nothing(failed: list[bool]) -> None:
    record = standing(failed, 0.1, 0.2)
    assert not (record.earns and record.loses)
    assert record.n <= 50
    if not failed:
        assert not record.earns and not record.loses
    if failed and all(failed):
        assert record.loses


def test_sixteen_runs_without_a_failure_show_a_failure_rate_below_a_fifth() -> None:
    assert not standing([False] * 15, 0.1, 0.2).earns
    assert standing([False] * 16, 0.1, 0.2).earns
    assert standing([False] * 10, 0.1, 0.2).runs_missing() == 6


def test_differences_name_fields_lines_items_and_builds() -> None:
    old = {
        "title": "A",
        "window": ["2026-01-01T10:00:00+00:00", "2026-01-01T11:00:00+00:00"],
        "test_plan": "one\ntwo",
        "risk_answers": {"impact": "nobody"},
        "release": {
            "items": [{"id": "1", "title": "Old", "tier": 2, "after_freeze": False}],
            "artifacts": [{"service": "s", "version": "1", "digest": "sha256:" + "a" * 64}],
        },
    }
    new = {
        **old,
        "window": ["2026-01-01T12:00:00+00:00", "2026-01-01T13:00:00+00:00"],
        "test_plan": "one\nthree",
        "risk_answers": {"impact": "customers"},
        "release": {
            "items": [{"id": "2", "title": "New", "tier": 1, "after_freeze": True}],
            "artifacts": [{"service": "s", "version": "2", "digest": "sha256:" + "b" * 64}],
        },
    }
    found = {d.field: (d.before, d.after) for d in differences(old, new)}
    assert found["Window"] == (
        "01 Jan 2026 10:00 to 01 Jan 2026 11:00 UTC",
        "01 Jan 2026 12:00 to 01 Jan 2026 13:00 UTC",
    )
    assert found["Test plan"] == ("two", "three")
    assert found["Risk answers: impact"] == ("nobody", "customers")
    assert found["Build of s"][1].startswith("2 (sha256:bbbb")
    assert [(d.before, d.after) for d in differences(old, new) if d.field == "Scope"] == [
        ("Old (tier 2)", "nothing"),
        ("nothing", "New (tier 1, after the freeze)"),
    ]
    assert differences(old, old) == []


# -- on the database --

CALM = {"impact": "nobody", "backout": "rehearsed", "reach": "one", "data": "no", "tested": "like_production", "known": "often"}  # fmt: skip
WILD = {
    "impact": "everyone",
    "backout": "never",
    "reach": "many",
    "data": "changes",
    "tested": "not",
    "known": "never",
}


@pytest.fixture
def shop(cast: Any, in_northwind: Any) -> dict[str, Any]:
    from datetime import date

    from trains.actions import environments, services, trains
    from trains.models import Environment

    train = trains.create_train(cast["owner"], key="SHOP", name="Shop", cadence_start=date(2026, 1, 5))
    return {
        "train": train,
        "service": services.create_service(cast["owner"], name="basket", train=train, tier=3),
        "production": environments.create_environment(
            cast["owner"], name="production", kind=Environment.Kind.PRODUCTION
        ),
        "board": board_of(cast),
    }


def written(cast: Any, shop: dict[str, Any], **said: Any) -> ChangeRequest:
    given = {
        "title": "Clear a cache",
        "board": shop["board"],
        "service": shop["service"],
        **window(),
        **PLANS,
        **said,
    }
    return changes.create_change(cast["release_manager"], **given)


def assessed(cast: Any, shop: dict[str, Any], answers: Any = CALM, **said: Any) -> ChangeRequest:
    return assessing.assess(cast["release_manager"], written(cast, shop, **said), answers=answers)


def publish(cast: Any, given_rules: Any = None) -> ApprovalPolicy:
    return policies.publish_policy(cast["change_manager"], note="First", rules=given_rules)


@pytest.mark.django_db
def test_the_risk_is_computed_from_answers_and_carried_with_its_reasons(cast: Any, shop: Any) -> None:
    change = assessed(cast, shop)
    assert (change.state, change.risk, change.assessment["percent"]) == ("assessed", "low", 0)
    assert change.content["risk_answers"] == CALM
    change = assessing.assess(cast["release_manager"], change, answers=WILD)
    assert change.risk == "high"
    with pytest.raises(Refused) as refused:
        assessing.assess(cast["release_manager"], change, answers=CALM)
    assert refused.value.code == "change.risk_lower"
    change = assessing.assess(
        cast["release_manager"], change, answers=CALM, reason="It is only the cache after all."
    )
    assert change.risk == "low"
    with pytest.raises(Refused) as refused:
        changes.edit_change(cast["release_manager"], change, risk=ChangeRequest.Risk.HIGH)
    assert refused.value.code == "change.risk_computed"
    change = assessing.raise_risk(
        cast["release_manager"], change, risk=ChangeRequest.Risk.HIGH, reason="Black Friday."
    )
    assert (change.risk, change.risk_raised_because) == ("high", "Black Friday.")
    with pytest.raises(Refused):
        assessing.raise_risk(cast["release_manager"], change, risk=ChangeRequest.Risk.LOW, reason="No.")


@pytest.mark.django_db
def test_answers_are_complete_and_known(cast: Any, shop: Any) -> None:
    with pytest.raises(Refused) as refused:
        assessing.assess(
            cast["release_manager"], written(cast, shop), answers={"impact": "aliens", "colour": "red"}
        )
    assert {r.field for r in refused.value.refusals} == {"answers", *(f"answers/{key}" for key in CALM)}
    assert all(r.status == 422 for r in refused.value.refusals)


def finished(cast: Any, shop: Any, outcome: str, **said: Any) -> ChangeRequest:
    """A change that was approved by whoever decides, and ended so."""
    change = said.pop("change", None) or written(cast, shop, **said)
    if change.state in ("draft", "assessed"):
        change = changes.submit(cast["release_manager"], change)
    for role in ("cab_member", "second_cab_member"):
        if change.state == "awaiting_approval":
            change = approve(cast, change, role)
    ChangeRequest.objects.get(pk=change.pk)
    change = changes.start(cast["release_manager"], change)
    return changes.complete(cast["release_manager"], change, outcome=ChangeRequest.Outcome(outcome))


OPEN_NOW = {"window_starts": None, "window_ends": None}


def now_open() -> dict[str, Any]:
    return {"window_starts": now() - timedelta(minutes=1), "window_ends": now() + timedelta(hours=1)}


@pytest.mark.django_db
def test_similar_changes_that_failed_raise_the_risk(cast: Any, shop: Any) -> None:
    for n in range(6):
        finished(cast, shop, "backed_out" if n < 4 else "successful", **now_open())
    change = assessed(cast, shop)
    assert (change.assessment["by_answers"], change.assessment["by_past"], change.risk) == (
        "low",
        "high",
        "high",
    )
    assert change.assessment["past"]["sentence"].startswith("4 of 6 similar changes had issues")


@pytest.mark.django_db
def test_a_policy_says_what_is_wrong_with_it(cast: Any, shop: Any) -> None:
    bad = [
        {"name": "x", "route": "board", "board": "Nobody"},
        {"name": "y", "route": "policy", "when": {"moon": True}},
    ]
    with pytest.raises(Refused) as refused:
        publish(cast, bad)
    assert [r.sentence for r in refused.value.refusals] == [
        "x: there is no board Nobody.",
        "y: there is no condition moon.",
    ]
    with pytest.raises(Refused) as refused:
        policies.publish_policy(cast["change_manager"], note="n", bands={"medium": 99, "high": 100})
    assert "No way of answering leads to medium risk." in str(refused.value)


@pytest.mark.django_db
def test_with_a_policy_nothing_is_submitted_without_its_risk_known(cast: Any, shop: Any) -> None:
    publish(cast)
    with pytest.raises(Refused) as refused:
        changes.submit(cast["release_manager"], written(cast, shop))
    assert refused.value.code == "change.not_assessed"


@pytest.mark.django_db
def test_a_rule_sends_a_change_to_the_board_it_names(cast: Any, shop: Any) -> None:
    executive = boards.create_board(cast["change_manager"], name="Executive board", quorum=1)
    boards.add_member(cast["change_manager"], executive, email=cast.user("compliance_officer").email)
    publish(
        cast, [{"name": "Risky", "when": {"risks": ["high"]}, "route": "board", "board": "Executive board"}]
    )
    change = changes.submit(cast["release_manager"], assessed(cast, shop, WILD))
    assert change.board == executive
    decision = change.policy_decisions.get()
    assert (decision.outcome, decision.rule, decision.reasons[0]) == ("routed", "Risky", "risk is high")


LOW_RISK = [{"name": "Calm", "when": {"risks": ["low"], "gate": ["pass"]}, "route": "policy", "sample": 100}]


@pytest.fixture
def gated(cast: Any, in_northwind: Any, gateway: Any) -> dict[str, Any]:
    """A service behind a gate, with a build that may be judged."""
    return {"service": gateway.service, "train": gateway.train, "board": board_of(cast), "gateway": gateway}


def judged(cast: Any, gated: dict[str, Any], passing: bool) -> None:
    from governance.evaluating import work_off
    from governance.models import Evaluation
    from tests.governance.gateway import junit

    gated["gateway"].post(junit(passed=3, failed=0 if passing else 1))
    for row in Evaluation.objects.filter(state=Evaluation.State.QUEUED):
        work_off(cast.organization.pk, row.pk)


@pytest.mark.django_db
def test_a_low_risk_with_a_passing_gate_is_approved_by_policy_and_looked_at_by_a_person(
    cast: Any, gated: Any
) -> None:
    publish(cast, LOW_RISK)
    gated["gateway"].artifact()
    change = changes.submit(cast["release_manager"], assessed(cast, gated))
    assert change.state == "awaiting_approval", "no gate has spoken yet"
    judged(cast, gated, passing=True)
    sweep(cast.organization)
    change.refresh_from_db()
    assert (change.state, change.approved_by, change.votes.count()) == ("approved", "policy", 0)
    decision = change.policy_decisions.get(outcome="approved")
    assert (decision.rule, decision.sampled, decision.facts["gate"]) == ("Calm", True, "pass")
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        PolicyDecision.objects.filter(pk=decision.pk).update(rule="Another")
    with pytest.raises(Refused):
        policies.review_decision(cast["release_manager"], decision, agree=True, note="Mine.")
    policies.review_decision(cast["cab_member"], decision, agree=False, note="The window is too short.")
    change.refresh_from_db()
    assert change.state == "awaiting_approval"
    sweep(cast.organization)
    change.refresh_from_db()
    assert change.state == "awaiting_approval", "what a person objected to is decided by people"


@pytest.mark.django_db
def test_a_failing_gate_leaves_it_to_the_board(cast: Any, gated: Any) -> None:
    publish(cast, LOW_RISK)
    gated["gateway"].artifact()
    change = changes.submit(cast["release_manager"], assessed(cast, gated))
    judged(cast, gated, passing=False)
    sweep(cast.organization)
    change.refresh_from_db()
    assert change.state == "awaiting_approval"
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    assert (change.state, change.approved_by) == ("approved", "board")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "why"), [({"type": "emergency"}, "decided by people"), ({"risk": "medium"}, "only a low risk")]
)
def test_the_database_refuses_an_approval_by_policy_of_what_people_decide(
    cast: Any, shop: Any, said: Any, why: str
) -> None:
    change = changes.submit(cast["release_manager"], written(cast, shop, **said))
    with pytest.raises(DatabaseError, match=why), transaction.atomic():
        PolicyDecision.objects.create(
            change=change, revision=1, content_digest=change.content_digest, rule="Forged", outcome="approved"
        )


def model_of(cast: Any, shop: Any, **said: Any) -> ChangeModel:
    given = {
        "name": "Clear the cache",
        "answers": CALM,
        "steps": [{"title": "Clear", "owner": "SRE", "minutes": 5}],
    }
    return change_models.create_model(
        cast["release_manager"], service=shop["service"], **given, **PLANS, **said
    )


def run(cast: Any, shop: Any, model: ChangeModel, outcome: str = "successful") -> ChangeRequest:
    change = change_models.create_from_model(
        cast["release_manager"], model=ChangeModel.objects.get(pk=model.pk), board=shop["board"], **now_open()
    )
    return finished(cast, shop, outcome, change=change)


def pre_approved(cast: Any, shop: Any) -> ChangeModel:
    """A model that has earned it, in fewer runs than usual."""
    from decimal import Decimal

    model = model_of(cast, shop, threshold=Decimal("0.3"), proof=Decimal("0.7"))
    for _ in range(2):
        run(cast, shop, model)
    model = change_models.propose(cast["release_manager"], model, reason="It never failed.")
    return change_models.pre_approve(cast["change_manager"], model, reason="Agreed.")


@pytest.mark.django_db
def test_a_model_earns_its_pre_approval_by_numbers_and_a_second_person(cast: Any, shop: Any) -> None:
    model = model_of(cast, shop)
    with pytest.raises(Refused) as refused:
        change_models.propose(cast["release_manager"], model)
    assert "16 more runs" in refused.value.refusals[0].remedy
    with pytest.raises(DatabaseError, match="pre_approved_by_somebody"), transaction.atomic():
        ChangeModel.objects.filter(pk=model.pk).update(state="pre_approved")


@pytest.mark.django_db
def test_a_pre_approved_model_spares_the_board_and_loses_that_by_its_failures(cast: Any, shop: Any) -> None:
    model = pre_approved(cast, shop)
    assert model.proposal["n"] == 2 and model.proposal["high"] > 0.6
    waiting = change_models.create_from_model(
        cast["release_manager"], model=model, board=shop["board"], **window()
    )
    waiting = changes.submit(cast["release_manager"], waiting)
    assert (waiting.state, waiting.approved_by, waiting.policy_decisions.get().model) == (
        "approved",
        "policy",
        model,
    )
    ended = run(cast, shop, model, "backed_out")
    assert ended.approved_by == "policy"
    assert ChangeModel.objects.get(pk=model.pk).state == "pre_approved", (
        "one of three is within 30 %… not yet surely above"
    )
    ended = run(cast, shop, model, "backed_out")
    for _ in range(3):
        if ChangeModel.objects.get(pk=model.pk).state != "lost":
            ended = run(cast, shop, model, "with_issues")
    lost = ChangeModel.objects.get(pk=model.pk)
    assert lost.state == "lost"
    assert f"the last run was {ended.key}" in lost.standing
    from releasetrain.audit.models import LedgerEntry

    assert LedgerEntry.objects.filter(verb="change_model.demote").count() == 1
    waiting.refresh_from_db()
    assert (waiting.state, waiting.fell_because) == (
        "awaiting_approval",
        f"Approval fell: {model.key} lost its pre-approval.",
    )
    assert standing_of(lost).n == 0, "the record begins anew"


@pytest.mark.django_db
def test_a_run_that_departs_from_its_model_needs_the_board(cast: Any, shop: Any) -> None:
    model = pre_approved(cast, shop)
    change = change_models.create_from_model(
        cast["release_manager"], model=model, board=shop["board"], **window()
    )
    change = changes.edit_change(cast["release_manager"], change, backout_plan="None.")
    assert changes.submit(cast["release_manager"], change).state == "awaiting_approval"


@pytest.mark.django_db
def test_a_changed_model_goes_on_trial_again_and_its_proposer_never_accepts(cast: Any, shop: Any) -> None:
    model = pre_approved(cast, shop)
    model = change_models.edit_model(cast["release_manager"], model, backout_plan="Restore the backup.")
    assert (model.state, model.version) == ("trial", 2)
    model = change_models.propose(cast["change_manager"], model)
    with pytest.raises(Refused) as refused:
        change_models.pre_approve(cast["change_manager"], model, reason="Mine.")
    assert refused.value.code == "segregation.proposer"


@pytest.mark.django_db
def test_collisions_over_the_graph_are_found_at_submission_with_a_free_window(cast: Any, shop: Any) -> None:
    from trains.actions.configuration import create_item, relate_items
    from trains.actions.services import create_service
    from trains.models import ConfigurationItem, ConfigurationRelation

    other = create_service(cast["owner"], name="ledger", train=shop["train"])
    owner = cast["owner"]
    database = create_item(owner, name="shop-db", kind=ConfigurationItem.Kind.DATABASE)
    for service in (shop["service"], other):
        item = create_item(
            owner, name=f"{service.name} app", kind=ConfigurationItem.Kind.APPLICATION, service=service
        )
        relate_items(owner, item, kind=ConfigurationRelation.Kind.DEPENDS_ON, target=database)
    first = changes.submit(cast["release_manager"], written(cast, shop, affected=[database]))
    assert first.collisions == []
    second = changes.submit(cast["release_manager"], written(cast, {**shop, "service": other}))
    (met,) = second.collisions
    assert met["sentence"] == f"Overlaps {first.key}"
    assert "shop-db" in met["why"]
    assert (
        met["free"][0] >= first.window_ends.isoformat() or met["free"][1] <= first.window_starts.isoformat()
    )
    apart = create_service(owner, name="newsletter", train=shop["train"])
    assert changes.submit(cast["release_manager"], written(cast, {**shop, "service": apart})).collisions == []


@pytest.mark.django_db
def test_the_what_if_box_says_which_board_and_why(cast: Any, shop: Any, web: Any) -> None:
    publish(cast)

    def page_of(role: str, address: str) -> str:
        return web(role).get(f"/o/northwind/{address}").content.decode()

    shown = page_of("release_manager", "what-would-decide/?type=normal&risk=high&freeze=no")
    assert "High risk" in shown and "risk is high" in shown
    assert "did not fit: inside a freeze is no" in shown
    change = assessed(cast, shop, WILD)
    assert f"{change.board} decides" in page_of("release_manager", f"what-would-decide/?change={change.key}")
    assert "Who notices if it goes wrong?" in page_of("release_manager", f"changes/{change.key}/risk/")


def form_of(page: str) -> dict[str, Any]:
    """What a browser would send back of a form it has not touched."""
    from html.parser import HTMLParser

    sent: dict[str, list[str]] = {}

    class Reader(HTMLParser):
        select = area = ""

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            given = dict(attrs)
            if tag == "input" and given.get("type") != "checkbox" and given.get("name"):
                sent.setdefault(given["name"], []).append(given.get("value") or "")
            elif tag == "input" and "checked" in given:
                sent.setdefault(given["name"], []).append(given["value"])
            elif tag == "select":
                self.select = given["name"]
            elif tag == "option" and self.select and "selected" in given:
                sent[self.select] = [given["value"]]
            elif tag == "textarea":
                self.area = given["name"]
                sent[self.area] = [""]

        def handle_endtag(self, tag: str) -> None:
            self.select = "" if tag == "select" else self.select
            self.area = "" if tag == "textarea" else self.area

        def handle_data(self, data: str) -> None:
            if self.area:
                sent[self.area][0] += data

    Reader().feed(page)
    sent.pop("csrfmiddlewaretoken", None)
    return sent


FORM = "/o/northwind/approval-policies/new-version/"


@pytest.mark.django_db
def test_a_policy_is_written_in_fields_and_an_untouched_form_changes_nothing(
    cast: Any, shop: Any, web: Any
) -> None:
    before = policies.publish_policy(
        cast["change_manager"],
        note="Begin",
        rules=[
            {"name": "Night", "when": {"tiers": [1, 2], "freeze": False}, "route": "board", "board": "CAB"},
            {"name": "Calm", "when": {"risks": ["low"], "gate": ["pass"]}, "route": "policy", "sample": 20},
        ],
    )
    chair = web("change_manager")
    sent = form_of(chair.get(FORM).content.decode()) | {"note": ["The same"], "publish": ["1"]}
    assert chair.post(FORM, sent).status_code == 303
    after = ApprovalPolicy.objects.first()
    assert after.number == before.number + 1
    assert (after.rules, after.questions, after.bands) == (before.rules, before.questions, before.bands)


@pytest.mark.django_db
def test_a_form_adds_reorders_removes_and_says_what_is_wrong(cast: Any, shop: Any, web: Any) -> None:
    chair = web("change_manager")
    sent = form_of(chair.get(FORM).content.decode())
    assert not ApprovalPolicy.objects.exists()
    added = chair.post(FORM, sent | {"add-rule": ["1"]}).content.decode()
    sent = form_of(added)
    number = len(rules.STANDARD_RULES)
    wrong = chair.post(FORM, sent | {"note": ["More"], "publish": ["1"]})
    assert wrong.status_code == 422 and f"Rule {number + 1} needs a name." in wrong.content.decode()
    changed = sent | {
        f"r{number}-name": ["Regulated in production"],
        f"r{number}-regulated": ["yes"],
        f"r{number}-environments": ["production"],
        f"r{number}-place": ["0"],
        "r0-remove": ["on"],
        "q0-answers": ["0 Nobody outside the team\n4 Everybody"],
        "note": ["More"],
        "publish": ["1"],
    }
    assert chair.post(FORM, changed).status_code == 303
    policy = ApprovalPolicy.objects.get()
    assert policy.rules[0] == {
        "name": "Regulated in production",
        "when": {"environments": ["production"], "regulated": True},
        "route": "board",
    }
    assert rules.STANDARD_RULES[0]["name"] not in [r["name"] for r in policy.rules]
    assert policy.questions[0]["answers"] == [
        {"value": "nobody", "label": "Nobody outside the team", "points": 0},
        {"value": "everybody", "label": "Everybody", "points": 4},
    ]


@pytest.mark.django_db
def test_whoever_may_not_publish_reads_why(cast: Any, shop: Any, web: Any) -> None:
    page = web("rte").get(FORM)
    assert page.status_code == 200
    assert b"disabled" in page.content
    assert web("rte").post(FORM, form_of(page.content.decode()) | {"publish": ["1"]}).status_code == 403
