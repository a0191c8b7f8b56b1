"""Measures and baselines, integrity, handoff, whys, effectiveness, escalation, archive, case studies, report, calibration."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.rules import calibration, risk_bands
from reviews.rules.anonymity import OTHER, K, at_least
from reviews.rules.redaction import Redaction, leaks, proposed, redacted
from reviews.rules.variance import compare
from tests.problems.conftest import DAY, HOUR

from .conftest import Reviewing

MINUTE = timedelta(minutes=1)


def _post(world: Reviewing, name: str, points: list[Any]) -> None:
    from trains.actions.series import post_values

    rows = [[at.isoformat(), value] for at, value in points]
    post_values(world.as_["service_account"], series=[{"name": name, "points": rows}], service=world.ledger)


def _before(live: Any, level: float) -> list[Any]:
    return [(live - n * 10 * MINUTE, level + 0.01 * (n % 7)) for n in range(1, 40)]


def _after(live: Any, level: float) -> list[Any]:
    return [(live + n * 2 * MINUTE, level + 0.01 * (n % 7)) for n in range(1, 25)]


@pytest.fixture
def measured(world: Reviewing) -> Any:
    """A release whose error rate rose; its baseline was set before."""
    from reviews.actions.baselines import set_baselines
    from reviews.actions.reviews import create_review
    from reviews.models import ReviewBaseline
    from trains.actions.artifacts import register_artifact
    from trains.actions.scope import attach_artifact

    release = world.release("5.3.0")
    artifact = register_artifact(
        world.as_["service_account"], service=world.ledger, version="5.3.0", digest="sha256:" + "a" * 64
    )
    attach_artifact(world.as_["release_manager"], release, artifact=artifact)
    live = world.now
    _post(world, "error_rate", _before(live, 0.4))
    set_baselines(world.as_["release_manager"], release)
    assert ReviewBaseline.objects.get().late is False
    world.deploy("5.3.0", release=release, started_at=live, finished_at=live)
    world.later(HOUR)
    _post(world, "error_rate", _after(live, 1.9))
    _post(world, "page_views_total", [(live + MINUTE, 5.0)])
    _post(world, "flag_refunds_exposed", [(live - HOUR, 0.0), (live + HOUR - MINUTE, 40.0)])
    return create_review(world.as_["rte"], service=world.ledger, release=release)


def test_variance_is_judged_against_a_baseline_set_before(
    world: Reviewing, measured: Any, refused: Any
) -> None:
    fact = measured.facts.get(identity__startswith="variance:")
    assert fact.value["word"] == "worse"
    assert fact.value["p_value"] < 0.001
    assert "Mann–Whitney" in fact.value["test"]
    from reviews.actions.baselines import set_baselines

    with refused("release.out"):
        set_baselines(world.as_["release_manager"], measured.release)


def test_adoption_comes_from_flags_and_vanity_stays_out(world: Reviewing, measured: Any) -> None:
    from reviews.queries.measures import vanity
    from reviews.queries.policies import policy_for

    sentences = " ".join(measured.facts.values_list("sentence", flat=True))
    assert "flag_refunds_exposed: 40 by now, 0 before it went live" in sentences
    assert "page_views_total" not in sentences
    left_out = {
        row["pattern"]: row["left_out"] for row in vanity([world.ledger.pk], policy_for(world.ledger))
    }
    assert left_out["page_views*"] == ["page_views_total"]


def test_without_history_the_baseline_says_that_it_was_set_late(world: Reviewing) -> None:
    from reviews.actions.reviews import create_review

    live = world.now
    release = world.release("5.3.0")
    world.deploy("5.3.0", release=release, started_at=live, finished_at=live)
    world.later(HOUR)
    _post(world, "error_rate", [*_before(live, 0.4), *_after(live, 0.4)])
    review = create_review(world.as_["rte"], service=world.ledger, release=release)
    fact = review.facts.get(identity__startswith="variance:")
    assert (fact.value["late"], fact.value["word"]) == (True, "no change that counts")


@pytest.mark.parametrize(
    ("after", "good", "word"),
    [
        ([2.0 + n / 50 for n in range(20)], "at_most", "worse"),
        ([2.0 + n / 50 for n in range(20)], "at_least", "better"),
        ([1.0 + n / 50 for n in range(20)], "at_most", "no change that counts"),
        ([9.0, 9.0], "at_most", "indeterminate"),
        ([], "at_most", "indeterminate"),
    ],
)
def test_too_few_values_are_indeterminate_never_good(after: list[float], good: str, word: str) -> None:
    assert compare([1.0 + n / 50 for n in range(20)], after, good=good, tolerance=5).word == word


def test_what_the_runtime_saw_contradicts_the_pipeline(world: Reviewing) -> None:
    from reviews.actions.reviews import create_review
    from trains.actions.observations import record_observation

    start = world.now
    release = world.release("5.3.0")
    world.deploy("5.3.0", release=release, started_at=start, finished_at=start + 5 * MINUTE)
    world.later(HOUR)
    record_observation(
        world.as_["service_account"], service=world.ledger, environment=world.production, version="5.2.0"
    )
    world.later(MINUTE)
    review = create_review(world.as_["rte"], service=world.ledger, release=release)
    kinds = {f.value.get("kind") for f in review.facts.filter(value__integrity=True)}
    assert kinds & {"missing", "unrecorded"}


def test_what_operations_lacked_is_named(world: Reviewing) -> None:
    from reviews.actions.facts import refresh_facts

    review = world.review()
    world.later(2 * HOUR)
    refresh_facts(world.as_["rte"], review)
    assert {f.value["handoff"] for f in review.facts.filter(value__has_key="handoff")} == {
        "runbook",
        "on_call",
        "monitoring",
    }


def test_several_services_are_reviewed_together(world: Reviewing, refused: Any) -> None:
    from reviews.actions.reviews import add_service
    from reviews.queries.pending import open_reviews

    review = world.review()
    other = world.deploy("7.0.0", service=world.web)
    add_service(world.as_["rte"], review, service=world.web)
    review.refresh_from_db()
    assert review.facts.filter(identity=f"deployment:{other.pk}").exists()
    assert review in open_reviews([world.web.pk])
    with refused("review.has_service"):
        add_service(world.as_["rte"], review, service=world.web)


def test_whys_are_offered_only_where_they_are_worth_it(world: Reviewing, refused: Any) -> None:
    from reviews.rules.analysis import tree

    review = world.with_facts()
    first = world.why(review)
    with refused("review.obvious"):
        world.why(review, statement="Nobody chose its metrics.", because_of=first)
    world.why(review, statement="The budget ended.", process_wide=True)
    second = world.why(review, statement="Nobody chose its metrics.", because_of=first)
    third = world.why(review, statement="No owner was named.", because_of=second)
    roots = tree(list(review.causes.all()))
    assert [w.cause for w in roots[0].answers] == [second]
    assert roots[0].answers[0].answers[0].cause == third


def test_whether_an_action_helped_is_checked_by_somebody_else(world: Reviewing, refused: Any) -> None:
    from reviews.actions.action_items import check_effect, complete_action

    item = world.action(world.with_facts())
    complete_action(world.as_["developer"], item, effect="The canary watches declines.")
    item.refresh_from_db()
    assert item.check_on == (world.now + 30 * DAY).date()
    with refused("action_item.own"):
        check_effect(world.as_["developer"], item, worked=True, finding="It does.")
    check_effect(world.as_["rte"], item, worked=False, finding="Declines were seen an hour later again.")
    item.refresh_from_db()
    assert item.worked is False


def test_overdue_actions_hold_gates_where_the_standard_says_so(world: Reviewing) -> None:
    from reviews.actions.policies import create_policy, edit_policy
    from reviews.queries.pending import overdue_actions_of

    policy = create_policy(world.as_["rte"])
    world.action(world.with_facts())
    world.later(11 * DAY)
    assert overdue_actions_of([world.ledger.pk], world.now) == []
    edit_policy(world.as_["rte"], policy, hold_overdue_actions=True)
    assert len(overdue_actions_of([world.ledger.pk], world.now)) == 1


def test_what_stays_open_becomes_a_problem_by_rule_once(world: Reviewing) -> None:
    from problems.models import Problem
    from releasetrain.kernel.actor import Actor
    from reviews.actions.policies import create_policy
    from reviews.sweeping import sweep

    create_policy(world.as_["rte"])
    item = world.action(world.with_facts())
    system = Actor.system(item.organization_id, "round")
    world.later(20 * DAY)
    sweep(system)
    assert not Problem.objects.exists()
    world.later(10 * DAY)
    sweep(system)
    sweep(system)
    problem = Problem.objects.get()
    item.refresh_from_db()
    assert (problem.title, item.escalated_id) == (item.title, str(problem.pk))


def test_what_comes_back_goes_to_the_architecture_board_with_its_history(world: Reviewing) -> None:
    from governance.actions.boards import add_member, create_board
    from releasetrain.kernel.actor import Actor
    from reviews.actions.facts import accept_facts
    from reviews.actions.policies import create_policy
    from reviews.actions.reviews import create_review
    from reviews.models import ImprovementProposal
    from reviews.sweeping import sweep

    board = create_board(world.as_["change_manager"], name="Architecture board")
    add_member(world.as_["change_manager"], board, email=world.as_.user("team_member").email)
    create_policy(world.as_["rte"], board=board)
    system = Actor.system(board.organization_id, "round")
    for n in range(3):
        assert not ImprovementProposal.objects.exists()
        review = create_review(world.as_["rte"], service=world.ledger, deployment=world.deploy(str(n)))
        accept_facts(world.as_["rte"], review)
        review.refresh_from_db()
        world.why(review, statement=f"Canary blind, time {n}.")
        sweep(system)
        world.later(DAY)
    sweep(system)
    proposal = ImprovementProposal.objects.get()
    assert (proposal.kind, proposal.owner) == ("architecture", world.as_.user("team_member"))
    assert all(f"time {n}" in proposal.reason for n in range(3))


def test_impact_opens_reviews(world: Reviewing) -> None:
    from problems.actions.failure_links import accept_link
    from reviews.models import Review

    world.rule("Long harm", outcomes=["incident"], harm_minutes=60, severity=2)
    release = world.release("5.2.0")
    deployment = world.deploy("5.2.0", release=release)
    incident = world.incident(severity=2)
    accept_link(world.as_["release_manager"], incident.failure_links.get())
    world.heard(deployment)
    assert not Review.objects.exists()
    world.later(2 * HOUR)
    world.heard(incident, "incident.edit")
    assert Review.objects.get().opened_by_rule.name == "Long harm"


def test_a_burnt_budget_opens_a_review(world: Reviewing, monkeypatch: Any) -> None:
    from releasetrain.kernel.actor import Actor
    from reviews import ports
    from reviews.actions.following import budget_was_burnt

    world.rule("Budget", outcomes=[], budget_percent=50)
    deployment = world.deploy("5.2.0")
    system = Actor.system(deployment.organization_id, "watches budgets")
    assert budget_was_burnt(system, world.ledger) is None
    monkeypatch.setattr(ports, "_budgets", [lambda service, since, until: 60.0])
    review = budget_was_burnt(system, world.ledger)
    assert review is not None
    assert review.opened_by_rule.name == "Budget"


@pytest.fixture
def objective(world: Reviewing) -> Any:
    """99 % of the minutes available, of which a deployment spoils half an hour."""
    from metrics.actions.slos import create_slo
    from metrics.models import SloKind

    return create_slo(
        world.as_["owner"],
        name="Available",
        service=world.ledger,
        kind=SloKind.SLICES,
        series="availability",
        at_least=99.0,
        objective=99.0,
        window_days=7,
    )


def test_an_objective_that_burns_opens_a_review(world: Reviewing, objective: Any) -> None:
    from releasetrain.kernel.actor import Actor
    from reviews.models import Review
    from reviews.sweeping import sweep

    world.rule("Budget", outcomes=[], budget_percent=50)
    world.deploy("5.2.0")
    live = world.now
    world.later(HOUR)
    system = Actor.system(objective.organization_id, "round")
    _post(world, "availability", [(live + n * MINUTE, 99.9) for n in range(1, 10)])
    sweep(system)
    assert not Review.objects.exists()
    _post(world, "availability", [(live + n * MINUTE, 10.0) for n in range(10, 40)])
    sweep(system)
    assert Review.objects.get().opened_by_rule.name == "Budget"


def test_a_finding_adjusts_an_objective(world: Reviewing, objective: Any, refused: Any) -> None:
    from reviews.actions.improvements import apply_improvement, propose_slo

    cause = world.why(world.with_facts())
    proposal = propose_slo(
        world.as_["developer"], cause, target=objective.key, parameters={"objective": 98.5}
    )
    assert proposal.permission == "metrics.manage"
    with refused("improvement.not_yours"):
        apply_improvement(world.as_["rte"], proposal)
    apply_improvement(world.as_["owner"], proposal)
    objective.refresh_from_db()
    assert objective.objective == 98.5
    assert objective.history.count() == 2
    with refused("improvement.parameters"):
        propose_slo(world.as_["developer"], cause, target=objective.key, parameters={"objective": "much"})


def test_a_finding_changes_a_canary(world: Reviewing, refused: Any) -> None:
    from reviews.actions.improvements import apply_improvement, propose_canary
    from trains.actions.canary import create_config

    config = create_config(world.as_["release_manager"], name="Ledger", metrics=[{"name": "latency_p95"}])
    cause = world.why(world.with_facts())
    with refused("canary_config.metrics"):
        propose_canary(world.as_["developer"], cause, config=config, metric="declines", settings={"nope": 1})
    proposal = propose_canary(
        world.as_["developer"], cause, config=config, metric="declines_total", settings={"critical": True}
    )
    apply_improvement(world.as_["release_manager"], proposal)
    config.refresh_from_db()
    assert config.metrics[-1] == {"name": "declines_total", "critical": True}


# -- archive


def _record(world: Reviewing, review: Any, text: str, **said: Any) -> Any:
    from reviews.actions.archive import add_record
    from reviews.models import ReviewRecord

    given = {"kind": ReviewRecord.Kind.TRANSCRIPT, "title": "Transcript", "text": text, **said}
    return add_record(world.as_["rte"], review, **given)


def test_search_finds_only_what_the_reader_may_read(world: Reviewing) -> None:
    from releasetrain.accounts.catalogue import Role
    from reviews.actions.participants import invite
    from reviews.models import ReviewRecord
    from reviews.models.participant import Part
    from reviews.queries.archive import search_records

    review = world.review()
    open_ = _record(world, review, "The canaries were silent.", access=ReviewRecord.Access.EVERYBODY)
    own = _record(world, review, "A canary died at nine o'clock.")
    closed = _record(
        world,
        review,
        "The canary was muted by hand.",
        access=ReviewRecord.Access.FACILITATORS,
        roles=[Role.AUDITOR],
    )
    _record(world, review, "Nothing of the sort.", access=ReviewRecord.Access.EVERYBODY)
    invite(world.as_["rte"], review, user=world.as_.user("developer"), part=Part.DEVELOPMENT)

    def found(role: str, words: str = "canary") -> set[Any]:
        return {row.pk for row in search_records(world.as_[role], words)}

    assert found("executive") == {open_.pk}
    assert found("developer") == {open_.pk, own.pk}
    assert found("auditor") == {open_.pk, closed.pk}
    assert found("rte") == {open_.pk, own.pk, closed.pk}
    assert found("rte", "canary -silent") == {own.pk, closed.pk}
    assert "⟦canary⟧" in search_records(world.as_["rte"], '"canary died"')[0].passage


def test_the_archive_by_page_and_by_rest(world: Reviewing, api: Any, web: Any) -> None:
    from reviews.models import ReviewRecord

    _record(world, world.review(), "<b>canary</b> & more", access=ReviewRecord.Access.EVERYBODY)
    answer = api("executive").get("/api/v1/orgs/northwind/review-archive", {"q": "canary"})
    assert len(answer.json()["results"]) == 1
    assert api("executive").get("/api/v1/orgs/northwind/review-archive").status_code in (400, 422)
    html = web("executive").get("/o/northwind/review-archive/?q=canary").content.decode()
    assert "<mark>canary</mark>" in html
    assert "<b>canary" not in html


# -- sharing


def test_a_case_study_is_redacted_and_published_by_somebody_else(
    world: Reviewing, refused: Any, api: Any, web: Any
) -> None:
    from reviews.actions.causes import agree_causes
    from reviews.actions.reviews import close_review
    from reviews.actions.sharing import keep, publish, redact, write_case_study
    from reviews.queries.archive import readable_studies

    review = world.with_facts()
    world.why(review)
    agree_causes(world.as_["rte"], review)
    close_review(world.as_["rte"], review, decision="Go on.", rationale="It held.")
    review.refresh_from_db()
    name = world.as_.user("release_manager").name
    study = write_case_study(
        world.as_["rte"],
        review,
        title="A canary that slept",
        text=f"{name} of Payments called Acme Shoes at +49 30 1234567 about INC-7; the ledger failed. Zoe helped.",
        customers=["Acme Shoes"],
    )
    for word in (name, "Payments", "Acme Shoes", "1234567", "INC-7", "ledger"):
        assert word not in study.body, word
    assert "Zoe" in study.body
    assert not readable_studies(world.as_["executive"]).exists()
    redact(world.as_["rte"], study, text="Zoe", kind="person")
    keep(world.as_["rte"], study, text="Payments", reason="The word means money here.")
    study.refresh_from_db()
    assert "Zoe" not in study.body
    assert "Payments" in study.body
    with refused("case_study.own"):
        publish(world.as_["rte"], study, checked=True)
    path = f"/api/v1/orgs/northwind/case-studies/{study.key}"
    shown = api("rte").get(f"{path}/redactions").json()
    assert any(row["text"] == name and row["made"] for row in shown["redactions"])
    assert name in web("rte").get(f"/o/northwind/case-studies/{study.key}/").content.decode()
    publish(world.as_["release_manager"], study, checked=True)
    assert api("executive").get(f"{path}/redactions").status_code == 404
    page = f"/o/northwind/case-studies/{study.key}/"
    for answer in (
        api("executive").get(path),
        api("executive").get(f"{path}/history"),
        web("executive").get(page),
        web("executive").get(f"{page}history"),
    ):
        assert answer.status_code == 200
        said = answer.content.decode()
        assert "Acme Shoes" not in said
        assert review.key not in said
        assert "Zoe" not in said
    assert readable_studies(world.as_["executive"]).get() == study


names = st.lists(st.from_regex(r"[A-Z][a-z]{2,8}( [A-Z][a-z]{2,8})?", fullmatch=True), min_size=1, max_size=5)


@given(names, st.lists(st.sampled_from(["the", "ran", "and", "fell"]), max_size=6))
def test_nothing_that_is_taken_out_is_left(people: list[str], words: list[str]) -> None:
    text = " ".join(x for pair in zip([*people, *people], [*words, *["x"] * 20], strict=False) for x in pair)
    found = proposed(text, [(name, "person") for name in people])
    assert leaks(redacted(text, found), found) == []


def test_what_is_kept_stays_even_inside_longer_words() -> None:
    rows = [
        Redaction("Ann Lee", "person", "[Person A]"),
        Redaction("Lee", "person", "[Person A]", made=False),
    ]
    assert redacted("Ann Lee met Lee; Leeds is a town.", rows) == "[Person A] met Lee; Leeds is a town."


# -- the quarterly report


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(0, 30), max_size=8))
def test_no_group_of_fewer_than_five_can_be_told(counts: dict[str, int]) -> None:
    shown = at_least(counts)
    total = sum(counts.values())
    assert all(n >= K for n in shown.groups.values())
    if shown.withheld:
        assert 0 < total < K
        return
    assert sum(shown.groups.values()) == total
    small = [name for name, n in counts.items() if 0 < n < K]
    if small:
        assert not set(small) & set(shown.groups)
        # What stands under "other" is never one group alone.
        assert shown.merged >= 2 or shown.groups == {OTHER: total}


def test_the_report_of_a_quiet_quarter_says_nothing_of_single_reviews(
    world: Reviewing, api: Any, web: Any
) -> None:
    from reviews.actions.causes import agree_causes
    from reviews.actions.reviews import close_review
    from reviews.queries.health import quarter_of

    review = world.with_facts()
    world.why(review)
    agree_causes(world.as_["rte"], review)
    close_review(world.as_["rte"], review, decision="Go on.", rationale="It held.")
    quarter = quarter_of(world.now.date())
    said = api("executive").get("/api/v1/orgs/northwind/review-health", {"quarter": str(quarter)}).json()
    assert (said["reviews"], said["in_time"], said["kinds_of_causes"]["groups"]) == (None, None, {})
    assert said["kinds_of_causes"]["withheld"] is True
    assert web("executive").get(f"/o/northwind/review-health/?quarter={quarter}").status_code == 200
    assert api("executive").get("/api/v1/orgs/northwind/review-health", {"quarter": "x"}).status_code in (
        400,
        422,
    )


# -- calibration


def test_the_brier_score_is_that_of_the_book() -> None:
    assert calibration.brier([(0.9, True), (0.1, False), (0.7, False)]) == pytest.approx(
        (0.01 + 0.01 + 0.49) / 3
    )
    assert calibration.brier([]) is None


@given(st.lists(st.tuples(st.sampled_from(calibration.RISKS), st.booleans()), max_size=40))
def test_forecasts_use_only_what_was_known_then(rows: list[tuple[str, bool]]) -> None:
    changes = [calibration.Change(n, risk, failed) for n, (risk, failed) in enumerate(rows)]
    made = calibration.forecasts(changes)
    for n in range(len(changes)):
        assert calibration.forecasts(changes[: n + 1])[-1] == made[n]
    assert all(0 < f.predicted < 1 for f in made)


def test_a_model_that_knows_beats_the_base_rate_and_disorder_is_said() -> None:
    good = [calibration.Change(n, "high" if n % 4 == 0 else "low", n % 4 == 0) for n in range(80)]
    found = calibration.calibrate(good)
    assert found.skill is not None
    assert found.skill > 0.5
    assert found.disorder == []
    wrong = [calibration.Change(n, "low" if n % 4 == 0 else "high", n % 4 == 0) for n in range(80)]
    assert "low risk failed more often" in calibration.calibrate(wrong).disorder[0]


def _scored(number: int, percent: int, failed: bool) -> calibration.Change:
    return calibration.Change(number, "low", failed, percent)


def test_bands_follow_the_record_where_it_confirms_itself() -> None:
    """Everything above 40 % fails more often than not; bands at 70 and 90 call it low."""
    changes = [
        _scored(n, percent, failed=(percent >= 80) or (percent >= 40 and n // 10 % 2 == 0))
        for n, percent in enumerate([10, 20, 30, 40, 50, 80, 90, 10, 60, 20] * 20)
    ]
    found = risk_bands.learn(changes, {"medium": 70, "high": 95})
    assert found.better == {"medium": 40, "high": 70} or found.better == {"medium": 40, "high": 80}
    assert found.score is not None and found.score_in_force is not None and found.gain is not None
    assert found.score < found.score_in_force and found.gain[0] > 0
    assert risk_bands.learn(changes, found.better).better is None


def test_bands_are_not_changed_by_chance_or_by_too_little() -> None:
    draw = Random(3)
    noise = [_scored(n, draw.randrange(101), draw.random() < 0.2) for n in range(400)]
    assert risk_bands.learn(noise, {"medium": 30, "high": 60}).better is None
    few = risk_bands.learn(noise[:40], {"medium": 30, "high": 60})
    assert (few.better, few.scored) == (None, 40) and "from 60 on" in few.sentence


def test_the_chair_takes_the_bands_that_the_record_speaks_for(
    world: Reviewing, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from governance.actions.policies import publish_policy
    from reviews.queries import calibration as queries

    policy = publish_policy(world.as_["change_manager"], note="First.")
    chair = api("change_manager")
    way = f"/api/v1/orgs/northwind/approval-policies/{policy.pk}/follow_record"
    refused = chair.post(way, {"reason": "Quarterly look."})
    assert (refused.status_code, refused.json()["code"]) == (409, "approval_policy.nothing_learned")
    record = [
        _scored(n, percent, failed=(percent >= 80) or (percent >= 40 and n // 10 % 2 == 0))
        for n, percent in enumerate([10, 20, 30, 40, 50, 80, 90, 10, 60, 20] * 20)
    ]
    monkeypatch.setattr(queries, "finished", lambda: record)
    assert api("executive").post(way, {"reason": "Quarterly look."}).status_code == 403
    taken = chair.post(way, {"reason": "Quarterly look."})
    assert taken.status_code in (200, 201), taken.json()
    known = chair.get("/api/v1/orgs/northwind/approval-policies?sort=-number").json()["items"][0]
    assert known["number"] == policy.number + 1
    fresh = type(policy).objects.get(pk=known["id"])
    assert fresh.bands["medium"] == 40 and fresh.rules == policy.rules
    again = chair.post(way, {"reason": "Again."})
    assert again.json()["code"] == "approval_policy.superseded"


def test_the_calibration_by_page_and_by_rest(world: Reviewing, api: Any, web: Any) -> None:
    said = api("executive").get("/api/v1/orgs/northwind/risk-calibration").json()
    assert (said["changes"], said["brier_score"]) == (0, None)
    assert web("executive").get("/o/northwind/risk-calibration/").status_code == 200


def test_the_page_of_a_review_costs_a_bounded_number_of_queries(
    world: Reviewing, web: Any, django_assert_max_num_queries: Any
) -> None:
    from reviews.actions.policies import create_policy

    create_policy(world.as_["rte"])
    review = world.with_facts()
    for n in range(4):
        world.why(review, statement=f"Cause {n}.")
        world.action(review, title=f"Action {n}")
    client = web("rte")
    url = f"/o/northwind/reviews/{review.key}/"
    client.get(url)
    with django_assert_max_num_queries(120):
        html = client.get(url).content.decode()
    for said in ("Who takes part", "Meeting", "Change something because of it", "Left out as vanity"):
        assert said in html
