"""The loop that closes: signals, success criteria, deviations, joint sessions, windows, packages, figures and their pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.trains.emergency import CRITERION, emergency_change

from .conftest import DAY, HOUR, START, World

ROOT = "/o/northwind/"
API = "/api/v1/orgs/northwind/"
MINUTE = timedelta(minutes=1)


def _signal(world: World, problem: Any, **said: Any) -> Any:
    from problems.actions.signals import add_signal

    given = {"kind": "log", "name": "deadlock detected", "threshold": 3, "minutes": 60, **said}
    return add_signal(world.as_["problem_manager"], problem, **given)


def _post(world: World, signal: Any, count: float, starts: Any, ends: Any = None) -> Any:
    from problems.actions.signals import post_count

    return post_count(
        world.as_["service_account"], signal, count=count, starts=starts, ends=ends, source="loki"
    )


# -- signals: what comes back is seen, rolled back, re-opened, told -------------------------------------------------


def test_a_count_in_the_logs_breaches_the_observation_and_rolls_the_fix_back(world: World) -> None:
    problem = world.problem()
    world.deploy("5.1.0", started_at=START - DAY, finished_at=START - DAY)
    signal = _signal(world, problem, rolls_back=True)
    world.fixed(problem)
    world.later(2 * HOUR)
    _post(world, signal, 2, START + HOUR, START + HOUR + 10 * MINUTE)
    problem.refresh_from_db()
    assert problem.state == "observing", "two of three are no recurrence"
    _post(world, signal, 2, START + HOUR + 10 * MINUTE, START + HOUR + 20 * MINUTE)
    problem.refresh_from_db()
    window = problem.windows.get()
    assert (problem.state, window.state) == ("investigating", "breached")
    assert window.breach.startswith("deadlock detected was 2")
    rollback = window.deployment.rolled_back_by.get()
    assert (rollback.kind, rollback.version, rollback.state) == ("rollback", "5.1.0", "running")


def test_a_count_is_posted_once_and_does_not_contradict_itself(world: World, refused: Any) -> None:
    signal = _signal(world, world.problem())
    world.later(HOUR)
    first = _post(world, signal, 1, START, START + HOUR)
    assert _post(world, signal, 1, START, START + HOUR).pk == first.pk
    with refused("signal.disagrees"):
        _post(world, signal, 2, START, START + HOUR)
    for count, starts, ends in ((-1, START, None), (1, START + HOUR, START), (1, START, START + DAY)):
        with refused("signal.count" if count < 0 else "signal.period"):
            _post(world, signal, count, starts, ends)


def test_the_database_passes_no_window_with_a_crossed_signal(world: World) -> None:
    from django.db import IntegrityError, transaction

    from problems.models import SignalReading

    problem = world.problem()
    signal = _signal(world, problem)
    world.fixed(problem)
    window = problem.windows.get()
    SignalReading.objects.create(
        signal=signal, window=window, starts=START, ends=START + HOUR, value=9, crossed=True
    )
    world.later(15 * DAY)
    window.state, window.settled_at = "passed", world.now
    with pytest.raises(IntegrityError, match="crossed its threshold"), transaction.atomic():
        window.save()


def test_a_metric_beyond_its_threshold_for_long_enough_re_opens_the_problem(world: World) -> None:
    from problems.actions.signals import read_all
    from releasetrain.kernel.actor import Actor
    from trains.actions.series import post_values

    problem = world.problem()
    _signal(world, problem, kind="metric", name="error_rate", threshold=0.02, minutes=10)
    world.fixed(problem)
    system = Actor.system(world.train.organization_id, "test")
    world.later(HOUR)
    assert read_all(system) == 0, "silence says nothing"
    problem.refresh_from_db()
    assert problem.state == "observing"

    def post(values: list[float]) -> None:
        points = [
            [(world.now - (len(values) - n) * 5 * MINUTE).isoformat(), value]
            for n, value in enumerate(values)
        ]
        row = {"name": "error_rate", "service": "ledger", "environment": "production", "points": points}
        post_values(world.as_["service_account"], series=[row])

    post([0.05, 0.01, 0.05, 0.01])
    assert read_all(system) == 0, "not on end for ten minutes"
    world.later(HOUR)
    post([0.05, 0.06, 0.05, 0.04])
    assert read_all(system) == 1
    problem.refresh_from_db()
    assert (problem.state, problem.windows.get().state) == ("investigating", "breached")
    assert "error_rate was 0.06" in problem.windows.get().breach


def test_an_incident_while_observed_rolls_the_fix_back_where_that_was_agreed(world: World) -> None:
    from problems.actions.problems import edit_problem

    problem = world.problem()
    edit_problem(world.as_["problem_manager"], problem, rolls_back=True)
    world.deploy("5.1.0", started_at=START - DAY, finished_at=START - DAY)
    world.fixed(problem)
    world.later(HOUR)
    world.incident(fingerprint="ledger-deadlock")
    problem.refresh_from_db()
    assert problem.state == "investigating"
    assert problem.windows.get().deployment.rolled_back_by.get().restores.version == "5.1.0"


def test_a_rollback_that_is_not_possible_is_put_on_record_and_the_problem_still_opens(world: World) -> None:
    from problems.actions.problems import edit_problem
    from releasetrain.audit.models import LedgerEntry

    problem = world.problem()
    edit_problem(world.as_["problem_manager"], problem, rolls_back=True)
    world.fixed(problem)
    world.later(HOUR)
    world.incident(fingerprint="ledger-deadlock")
    problem.refresh_from_db()
    assert problem.state == "investigating"
    entry = LedgerEntry.objects.get(verb="observation_window.no_rollback")
    assert "No earlier successful deployment" in entry.body


def test_everybody_concerned_is_told_that_it_came_back(world: World) -> None:
    from problems.notices import came_back
    from releasetrain.audit.models import LedgerEntry

    problem = world.problem()
    world.fixed(problem)
    world.later(HOUR)
    world.incident(fingerprint="ledger-deadlock")
    told = came_back(LedgerEntry.objects.get(verb="problem.reopen"))
    people = {world.as_[r].user_id for r in ("problem_manager", "developer")}
    assert told is not None
    assert people <= set(told.to)
    assert told.urgent


# -- success criteria: measured, and asked for at closure -----------------------------------------------------------


def test_a_problem_is_closed_only_when_its_criteria_are_met(world: World, refused: Any) -> None:
    from django.db import IntegrityError, transaction

    from problems.actions.observation import settle_due
    from problems.actions.problems import close_problem
    from problems.actions.success import add_criterion, withdraw_criterion
    from releasetrain.kernel.actor import Actor

    problem = world.problem()
    manager, officer = world.as_["problem_manager"], world.as_["compliance_officer"]
    for n in range(4):
        world.incident(
            f"Declined {n}",
            detected_at=START - (2 * n + 1) * DAY,
            resolved_at=START - (2 * n + 1) * DAY + HOUR,
            fingerprint="ledger-deadlock",
        )
    fewer = add_criterion(manager, problem, measure="incidents", target=90)
    quicker = add_criterion(manager, problem, measure="restore", target=50)
    world.validated(problem)
    world.fixed(problem)
    world.later(15 * DAY)
    settle_due(Actor.system(world.train.organization_id, "test"))
    fewer.refresh_from_db()
    quicker.refresh_from_db()
    assert (fewer.met, fewer.baseline, fewer.measured) == (True, 1.0, 0.0)
    assert quicker.met is None, "nothing had to be restored, so nothing can be told"
    problem.refresh_from_db()
    with refused("problem.criterion"):
        close_problem(officer, problem, note="Quiet for two weeks.")
    problem.state, problem.closed_at, problem.closed_by_id = "closed", world.now, officer.user_id
    with pytest.raises(IntegrityError, match="success criteria"), transaction.atomic():
        problem.save()
    problem.refresh_from_db()
    withdraw_criterion(officer, quicker, reason="There was nothing to restore any more.")
    problem.workaround = "Restart the job."
    problem.save()
    close_problem(officer, problem, note="Quiet for two weeks.")
    problem.refresh_from_db()
    assert (problem.state, problem.workaround_retired_at) == ("closed", world.now)


# -- deviations ------------------------------------------------------------------------------------------------------


def test_what_is_left_out_for_a_severe_fix_puts_itself_on_record(world: World, refused: Any) -> None:
    from problems.actions.deviations import accept_deviation, catch_up_deviation
    from problems.actions.problems import fix_problem
    from problems.models import Deviation

    problem, release = world.problem(), world.release(scope_freeze_at=START - HOUR)
    manager = world.as_["release_manager"]
    fix_problem(
        manager,
        release,
        problem=problem,
        resolver=world.as_.user("developer"),
        cause="Payments are declined every night.",
        emergency_change=emergency_change(world.as_, world.ledger),
        rollback_criterion=CRITERION,
    )
    made = Deviation.objects.get(step="scope_freeze")
    assert (made.problem, made.release, made.recorded_by_id) == (problem, release, manager.user_id)
    assert made.reason == "Payments are declined every night."
    from problems.notices import deviation_recorded
    from releasetrain.audit.models import LedgerEntry

    told = deviation_recorded(LedgerEntry.objects.get(verb="deviation.note"))
    assert told is not None
    assert world.as_["compliance_officer"].user_id in told.to
    assert manager.user_id not in told.to
    assert made.catch_up_by == (world.now + 5 * DAY).date()
    officer = world.as_["compliance_officer"]
    with refused("deviation.not_accepted"):
        catch_up_deviation(manager, made, evidence="https://tests.example/1")
    accept_deviation(officer, made)
    catch_up_deviation(manager, made, evidence="https://tests.example/1")
    made.refresh_from_db()
    assert made.standing == "caught up"


def test_whoever_records_a_deviation_does_not_accept_it(world: World, refused: Any) -> None:
    from django.db import IntegrityError, transaction

    from problems.actions.deviations import accept_deviation, record_deviation

    problem = world.problem()
    manager = world.as_["problem_manager"]
    said = {
        "step": "testing",
        "what": "No load test.",
        "reason": "Customers cannot pay.",
        "catch_up": "Load test on staging.",
    }
    made = record_deviation(manager, problem=problem, **said)
    with refused("deviation.own"):
        accept_deviation(manager, made)
    made.accepted_by_id, made.accepted_at = manager.user_id, world.now
    with pytest.raises(IntegrityError, match="deviation_second_person"), transaction.atomic():
        made.save()
    made.refresh_from_db()
    with pytest.raises(IntegrityError, match="not put off"), transaction.atomic():
        made.catch_up_by = made.catch_up_by + DAY
        made.save()
    mild = world.problem("Slow reports", severity=3, fingerprint="")
    with refused("deviation.not_severe"):
        record_deviation(manager, problem=mild, **said)


# -- who decides and who releases --------------------------------------------------------------------------------------


def test_an_emergency_for_a_systemic_problem_needs_the_problem_managers_signature(world: World) -> None:
    from django.db import IntegrityError, transaction

    from governance.actions import boardroom, changes
    from governance.models import ChangeRequest, Vote
    from problems.actions.problems import mark_known_error

    problem, release = world.problem(severity=3), world.release()
    mark_known_error(world.as_["problem_manager"], problem, workaround="Restart the job.")
    world.link(problem, release)
    key = emergency_change(world.as_, None, approved=False, release=release)
    change = changes.submit(world.as_["release_manager"], ChangeRequest.objects.get(key=key))
    assert change.joint
    changes.vote(world.as_["cab_member"], change, choice=Vote.Choice.APPROVE, rationale="It cannot wait.")
    change.refresh_from_db()
    assert change.state == "awaiting_approval"
    change.joint, change.state = False, "approved"
    change.approved_revision, change.approved_digest = change.revision, change.content_digest
    with pytest.raises(IntegrityError, match="signs this fix"), transaction.atomic():
        change.save()
    change.refresh_from_db()
    boardroom.sign(world.as_["problem_manager"], change, agrees=True, rationale="It is the cause.")
    change.refresh_from_db()
    assert change.state == "approved"


def test_whoever_resolved_it_does_not_alone_release_it(world: World) -> None:
    from django.db import IntegrityError, transaction

    from trains.models import Deployment

    problem, release = world.problem(), world.release()
    world.link(problem, release)
    row = {
        "service": world.ledger,
        "environment": world.production,
        "release": release,
        "started_at": world.now,
        "version": "5.2.0",
    }
    with pytest.raises(IntegrityError, match="does not alone release"), transaction.atomic():
        Deployment.objects.create(deployed_by_id=world.as_["developer"].user_id, **row)
    Deployment.objects.create(deployed_by_id=world.as_["release_manager"].user_id, **row)


def test_whoever_resolved_it_deploys_under_a_change_only_with_a_second_person() -> None:
    from governance.rules.duties import STANDARD, TIERS, Act, level

    assert {level(STANDARD, tier, Act.RESOLVED, Act.DEPLOYED) for tier in TIERS} == {"second_person"}
    assert {level({}, tier, Act.RESOLVED, Act.APPROVED) for tier in TIERS} == {"forbidden"}


# -- negotiated windows ------------------------------------------------------------------------------------------------


def test_a_window_is_set_once_everybody_agrees(world: World, refused: Any) -> None:
    from django.db import IntegrityError, transaction

    from problems.actions.windows import agree, amend, object_to, propose_window

    problem = world.problem()
    people = [world.as_.user("product_manager"), world.as_.user("release_manager")]
    first = propose_window(
        world.as_["problem_manager"],
        problem,
        name="Ledger upkeep",
        first_day=world.now.date(),
        at="02:00",
        minutes=90,
        rrule="FREQ=DAILY;INTERVAL=28",
        reason="It stalls every few weeks.",
        stakeholders=people,
    )
    with refused("proposal.not_asked"):
        agree(world.as_["auditor"], first)
    object_to(world.as_["product_manager"], first, reason="Month end closes on Sundays.")
    agree(world.as_["release_manager"], first)
    first.refresh_from_db()
    assert (first.state, first.standing) == ("proposed", "1 of 2 agree, 1 objects")
    first.state = "agreed"
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save()
    first.refresh_from_db()
    second = amend(world.as_["problem_manager"], first, rrule="FREQ=DAILY;INTERVAL=35")
    assert [p["stance"] for p in second.positions] == ["open", "open"]
    agree(world.as_["product_manager"], second)
    agree(world.as_["release_manager"], second)
    second.refresh_from_db()
    assert (second.state, second.window.service, second.window.rrule) == (
        "agreed",
        world.ledger,
        "FREQ=DAILY;INTERVAL=35",
    )


# -- root causes -------------------------------------------------------------------------------------------------------


def test_a_validated_root_cause_leaves_a_document_that_travels(world: World, refused: Any) -> None:
    from governance.files import read
    from problems.actions.root_causes import edit_root_cause, propose_root_cause, validate_root_cause
    from problems.evidence import documents, of_problem

    problem = world.problem()
    said = {
        "statement": "Two jobs lock the same rows.",
        "method": "five_whys",
        "category": "code_defect",
        "evidence": ["https://logs.example/1"],
    }
    with refused("root_cause.analysis"):
        propose_root_cause(world.as_["problem_manager"], problem, analysis="Because.", **said)
    steps = "Why declined? The job waited.\nWhy did it wait? A lock.\nWhy a lock? Two orders of locks."
    cause = propose_root_cause(world.as_["problem_manager"], problem, analysis=steps, **said)
    validate_root_cause(world.as_["compliance_officer"], cause, note="Reproduced twice.")
    cause.refresh_from_db()
    text = read(cause.document).decode()
    assert "3. Why a lock? Two orders of locks." in text
    assert "Reproduced twice." in text
    assert [f.pk for f in documents(of_problem(problem))] == [cause.document_id]
    edit_root_cause(world.as_["problem_manager"], cause, statement="Another.")
    cause.refresh_from_db()
    assert (cause.state, cause.document) == ("proposed", None)


# -- packages and depth of review ----------------------------------------------------------------------------------------


def test_the_package_of_a_fix_names_its_problems_and_carries_what_is_affected(world: World) -> None:
    from problems.queries.fix_packaging import package_of
    from trains.actions.windows import create_member

    old = world.release("5.1.0")
    old.state, old.released_at = "released", world.now
    old.save()
    problem = world.problem()
    release = world.release("5.2.0", classification="problem_fix")
    world.link(problem, release)
    create_member(world.as_["release_manager"], release=release, service=world.ledger)
    create_member(world.as_["release_manager"], release=release, service=world.web)
    found = package_of(release)
    assert found is not None
    assert found.tag == f"v5.2.0+{problem.key}"
    assert found.version_fault == "5.2.0 is no patch of 5.1.0; the next patch is 5.1.1."
    assert [s.name for s in found.strangers] == ["web"]
    verdict = _judge(world, "fix-packaging", release)
    assert verdict.verdict == "fail"
    assert _judge(world, "fix-packaging", release, patch=False, affected_only=False).verdict == "pass"


def test_a_fix_that_rests_on_shaky_ground_waits(world: World) -> None:
    from trains.models import Contract

    old = world.release("5.1.0")
    old.state, old.released_at = "released", world.now
    old.save()
    problem, release = world.problem(), world.release("5.1.1", classification="problem_fix")
    world.link(problem, release)
    from trains.actions.windows import create_member

    create_member(world.as_["release_manager"], release=release, service=world.ledger)
    assert _judge(world, "fix-packaging", release).verdict == "pass"
    Contract.objects.create(consumer=world.ledger, provider=world.web, name="Sessions")
    unknown = _judge(world, "fix-packaging", release)
    assert (unknown.verdict, unknown.reason) == ("fail", "Nothing of web is known to run in production.")
    world.deploy("1.0.0", service=world.web, started_at=START - DAY, finished_at=START - DAY)
    assert _judge(world, "fix-packaging", release).verdict == "pass"
    world.deploy(
        "1.1.0", service=world.web, status="failed", started_at=START - HOUR, finished_at=START - HOUR
    )
    assert "The last deployment of web, 1.1.0, is failed." in _judge(world, "fix-packaging", release).reason


def test_the_risk_class_asks_for_documents(world: World) -> None:
    problem = world.problem()
    release = world.release("5.1.1", classification="problem_fix")
    assert _judge(world, "fix-review-depth", release).verdict == "pass"
    world.link(problem, release)
    verdict = _judge(world, "fix-review-depth", release)
    assert verdict.verdict == "fail"
    assert verdict.facts["class"] == "high"
    assert "root_cause" in verdict.facts["missing"]


def _judge(world: World, kind: str, release: Any, **parameters: Any) -> Any:
    from .test_problems import _asked

    return _asked(world, kind, release, **parameters)


# -- figures and pages ---------------------------------------------------------------------------------------------------


def test_recurring_incidents_are_grouped_costed_and_ended(world: World) -> None:
    from problems.actions.policy import publish
    from problems.queries.groups import recurrence

    publish(
        world.as_["problem_manager"],
        reason="Costs of 2026.",
        currency="EUR",
        incident_costs={"1": 1000},
        hour_costs={"1": 100},
    )
    for n in range(3):
        at = START - (n + 1) * DAY
        world.incident(detected_at=at, resolved_at=at + 2 * HOUR, fingerprint="ledger-deadlock")
    world.incident("Once only", detected_at=START - DAY, fingerprint="disk")
    problem = world.problem()
    found = recurrence(START - 30 * DAY, START + 30 * DAY)
    (group,) = found.groups
    assert (group.count, group.cost, group.answer, found.single) == (3, 3600.0, "nothing yet", 1)
    world.fixed(problem)
    release = problem.fixes.get().release
    release.released_at = world.now
    release.save()
    found = recurrence(START - 30 * DAY, START + 30 * DAY)
    assert (found.resolved_share, found.groups[0].answer) == (1.0, "systemic fix")


def test_every_page_and_endpoint_of_the_loop_answers(world: World, web: Any) -> None:
    problem = world.problem()
    world.deploy("5.1.0", started_at=START - DAY, finished_at=START - DAY)
    world.incident(fingerprint="ledger-deadlock", detected_at=START - HOUR)
    incident = world.incident("Again", fingerprint="ledger-deadlock")
    _signal(world, problem)
    world.validated(problem)
    world.later(HOUR)
    release = world.fixed(problem)
    reader = web("problem_manager")
    cause = problem.root_causes.get()
    pages = [
        "incidents/",
        "problems/",
        "recurrence/",
        "recurrence/export.csv",
        "fix-analysis/",
        "fix-analysis/rows?figure=all",
        "fix-analysis/export.csv",
        "known-errors/?q=deadlock",
        f"known-errors/?incident={incident.key}",
        f"problems/{problem.key}/decision-aid/",
        "environments/production/problems/",
        f"environments/{world.production.pk}/problems/?release={release.key}&severity=2",
        f"problems/{problem.key}/",
        f"incidents/{incident.key}/",
        f"root-causes/{cause.pk}/",
        f"releases/{release.key}/",
    ]
    endpoints = [
        "recurrence?from=2026-01-01",
        "fix-analysis",
        "known-errors?q=deadlock",
        f"problems/{problem.key}/decision-aid",
        f"incidents/{incident.key}/timeline",
        f"environments/{world.production.pk}/problems",
        f"releases/{release.key}/fix-package",
        f"deployments/{problem.windows.get().deployment_id}/problems",
    ]
    wrong = {p: code for p in pages if (code := reader.get(ROOT + p).status_code) != 200}
    wrong |= {p: code for p in endpoints if (code := reader.get(API + p).status_code) != 200}
    assert not wrong
    carried = reader.get(f"{API}deployments/{problem.windows.get().deployment_id}/problems").json()
    assert [p["key"] for p in carried["fixes"]] == [problem.key]
    moments = reader.get(f"{API}incidents/{incident.key}/timeline").json()["results"]
    assert any(f"it carries fixes of {problem.key}" in m["sentence"] for m in moments)
    for bad in ("recurrence?from=x", "fix-analysis?train=NONE", "known-errors?incident=INC-999"):
        assert reader.get(API + bad).status_code == 422, bad
    problem.refresh_from_db()
    assert [o["state"] for o in problem.outcomes] == ["succeeded"]
    from releasetrain.audit.models import LedgerEntry

    entry = LedgerEntry.objects.get(verb="deployment.carry_fixes")
    assert entry.subject_kind == "deployment"
    assert problem.key in entry.body


def test_before_a_start_the_open_problems_of_the_environment_are_listed(world: World) -> None:
    from problems.queries.preflight import problems_on

    problem = world.problem()
    mild = world.problem("Slow reports", severity=4, fingerprint="")
    world.deploy("5.1.0", started_at=START - DAY, finished_at=START - DAY)
    (line,) = problems_on(world.production)
    assert (line.service, line.version, [p.pk for p in line.open]) == (
        world.ledger,
        "5.1.0",
        [problem.pk, mild.pk],
    )
    assert [p.pk for line in problems_on(world.production, worst=2) for p in line.open] == [problem.pk]
    assert problems_on(world.staging) == []


def test_releases_that_leave_open_problems_fail_their_control(world: World) -> None:
    from governance.activities import activities
    from problems.models import Problem
    from trains.models import Release, ReleaseArtifact
    from trains.models.artifact import Artifact

    took = activities()["releases-took-problems"]

    def came_to() -> dict[str, str]:
        rows = took.population(START - DAY, START + 30 * DAY)
        return {r.version: r.came_to for r in rows}

    def out(version: str) -> Release:
        release = world.release(version)
        artifact = Artifact.objects.create(
            service=world.ledger, digest=f"sha256:{version:0>64}", version=version
        )
        ReleaseArtifact.objects.create(release=release, artifact=artifact, service=world.ledger)
        release.state, release.released_at = "released", world.now
        release.save()
        return release

    out("5.0.0")
    assert came_to() == {}, "nothing was open, so nothing is counted"
    problem = world.problem()
    world.later(HOUR)
    out("5.1.0")
    assert came_to() == {"5.1.0": "failed"}
    Problem.objects.get(pk=problem.pk)
    problem.workaround = "Restart the job."
    problem.save()
    assert came_to() == {"5.1.0": "waived"}
    fixing = world.release("5.1.1")
    world.link(problem, fixing)
    fixing.state, fixing.released_at = "released", world.now
    fixing.save()
    assert came_to() == {"5.1.0": "waived", "5.1.1": "passed"}


def test_artefacts_of_critical_fixes_are_kept_whatever_policies_say(world: World) -> None:
    from governance.ports import kept_until

    problem, mild = world.problem(), world.problem("Slow reports", severity=4, fingerprint="")
    release, other = world.release("5.1.1"), world.release("5.1.2")
    world.link(problem, release)
    world.link(mild, other)
    ((until, why),) = kept_until(frozenset([release.pk, other.pk]))
    assert until == release.created_at + 2555 * DAY
    assert problem.key in why


def test_reminders_of_deviations_come_once_before_and_once_after(world: World) -> None:
    from problems.actions.deviations import record_deviation
    from problems.notices import remind_of_deviations

    record_deviation(
        world.as_["problem_manager"],
        problem=world.problem(),
        step="testing",
        what="No load test.",
        reason="Customers cannot pay.",
        catch_up="Load test.",
    )
    assert remind_of_deviations() == 0
    world.later(4 * DAY)
    assert remind_of_deviations() == 1
    assert remind_of_deviations() == 0
    world.later(3 * DAY)
    assert remind_of_deviations() >= 1
    assert remind_of_deviations() == 0


def test_figures_take_as_many_queries_for_few_rows_as_for_many(world: World) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from problems.queries.fix_analysis import analysis
    from problems.queries.groups import recurrence
    from problems.queries.preflight import problems_on

    def counted() -> list[int]:
        found = []
        for ask in (
            lambda: recurrence(START - 90 * DAY, START + 30 * DAY),
            lambda: analysis(START - 90 * DAY, START + 30 * DAY),
            lambda: problems_on(world.production),
        ):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                ask()
            found.append(len(queries))
        return found

    def story(n: int) -> None:
        for days in (1, 2):
            world.incident(f"{n}", fingerprint=f"mark-{n}", detected_at=START - days * DAY)
        problem = world.problem(f"Problem {n}", fingerprint=f"mark-{n}", severity=3)
        release = world.release(f"6.0.{n}")
        world.link(problem, release)
        world.deploy(f"6.0.{n}", release=release, started_at=START - HOUR, finished_at=START - HOUR)

    story(1)
    few = counted()
    for n in range(2, 6):
        story(n)
    assert counted() == few
    assert max(few) <= 20
