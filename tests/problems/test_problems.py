"""Problems: root causes validated by a second person, fixes in releases, observation, independent closure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.trains.emergency import CRITERION, emergency_change

from .conftest import DAY, HOUR, START, World


def test_a_problem_gathers_the_incidents_of_its_fingerprint(world: World) -> None:
    first = world.incident(fingerprint="ledger-deadlock")
    problem = world.problem()
    second = world.incident(fingerprint="ledger-deadlock")
    world.incident(fingerprint="something else")
    assert {p.incident_id for p in problem.incidents.all()} == {first.pk, second.pk}


def test_one_incident_raises_one_problem(world: World, refused: Any) -> None:
    from problems.actions.problems import raise_problem

    incident = world.incident(category="capacity")
    problem = raise_problem(world.as_["problem_manager"], incident)
    assert (problem.title, problem.severity, problem.category) == (incident.title, 1, "capacity")
    with refused("problem.raised"):
        raise_problem(world.as_["problem_manager"], incident)


def test_a_known_error_has_a_workaround(world: World, refused: Any) -> None:
    from problems.actions.problems import mark_known_error

    problem = world.problem()
    with refused("problem.workaround"):
        mark_known_error(world.as_["problem_manager"], problem, workaround=" ")
    mark_known_error(world.as_["problem_manager"], problem, workaround="Restart the night job.")
    problem.refresh_from_db()
    assert problem.state == "known_error"


def test_nobody_validates_their_own_root_cause(world: World, refused: Any) -> None:
    from problems.actions.root_causes import validate_root_cause

    cause = world.cause(world.problem())
    with refused("root_cause.own"):
        validate_root_cause(world.as_["problem_manager"], cause)
    validate_root_cause(world.as_["compliance_officer"], cause)
    cause.refresh_from_db()
    assert (cause.state, cause.validator_id) == ("validated", world.as_["compliance_officer"].user_id)


def test_the_database_refuses_the_author_as_validator(world: World) -> None:
    from django.db import IntegrityError, transaction

    cause = world.cause(world.problem())
    cause.state, cause.validator_id, cause.validated_at = "validated", cause.author_id, world.now
    with pytest.raises(IntegrityError, match="root_cause_second_person"), transaction.atomic():
        cause.save()


def test_the_database_refuses_edited_content_under_an_old_validation(world: World) -> None:
    from django.db import IntegrityError, transaction

    cause = world.validated(world.problem())
    cause.refresh_from_db()
    cause.statement = "Something else."
    with pytest.raises(IntegrityError, match="validated again"), transaction.atomic():
        cause.save()
    cause.refresh_from_db()
    cause.author_id = world.as_["rte"].user_id
    with pytest.raises(IntegrityError, match="author"), transaction.atomic():
        cause.save()


def test_a_root_cause_without_evidence_is_not_validated(world: World, refused: Any) -> None:
    from problems.actions.root_causes import validate_root_cause

    cause = world.cause(world.problem(), evidence=[])
    with refused("root_cause.no_evidence"):
        validate_root_cause(world.as_["compliance_officer"], cause)


def test_evidence_leads_somewhere(world: World, refused: Any) -> None:
    problem = world.problem()
    with refused("root_cause.evidence"):
        world.cause(problem, evidence=["INC-99"])
    incident = world.incident()
    assert world.cause(problem, evidence=[incident.key, incident.key]).evidence == [incident.key]


def test_an_edited_root_cause_has_to_be_validated_again(world: World, refused: Any) -> None:
    from problems.actions.root_causes import edit_root_cause
    from releasetrain.kernel.actor import Actor

    cause = world.validated(world.problem())
    with refused("permission.missing"):
        edit_root_cause(world.as_["compliance_officer"], cause, statement="I know better.")
    with refused("root_cause.not_yours"):
        edit_root_cause(Actor.system(cause.organization_id, "test"), cause, statement="I know better.")
    edit_root_cause(
        world.as_["problem_manager"], cause, statement="The jobs lock in a different order at month end."
    )
    cause.refresh_from_db()
    assert (cause.state, cause.validator_id, cause.validated_at) == ("proposed", None, None)


def test_a_fix_becomes_an_item_of_the_release(world: World) -> None:
    from problems.actions.problems import link_fix

    problem, release = world.problem(), world.release()
    link_fix(world.as_["problem_manager"], problem, release=release, resolver=world.as_.user("developer"))
    item = release.items.get()
    assert (item.source_kind, item.source_key, item.classification) == ("problem", problem.key, "problem_fix")
    problem.refresh_from_db()
    assert problem.state == "fix_in_release"


def test_after_the_scope_freeze_the_release_manager_brings_it_in_with_a_cause(
    world: World, refused: Any
) -> None:
    from problems.actions.problems import fix_problem, link_fix

    problem, release = world.problem(), world.release(scope_freeze_at=START - HOUR)
    resolver = world.as_.user("developer")
    with refused("release.frozen"):
        link_fix(world.as_["problem_manager"], problem, release=release, resolver=resolver)
    manager, way = world.as_["release_manager"], {"problem": problem, "resolver": resolver}
    with refused("release.no_emergency_change"):
        fix_problem(manager, release, **way, cause="Month end is near.")
    way["emergency_change"] = emergency_change(world.as_, world.ledger)
    with refused("release.cause"):
        fix_problem(manager, release, **way)
    way["cause"] = "Month end is near."
    with refused("release.no_criteria"):
        fix_problem(manager, release, **way)
    fix_problem(manager, release, **way, rollback_criterion=CRITERION)
    assert release.items.get().cause == "Month end is near."


def test_a_fix_taken_out_of_the_release_falls_back(world: World) -> None:
    from problems.actions.problems import link_fix
    from trains.actions.scope import remove_item

    problem, release = world.problem(), world.release()
    link_fix(world.as_["problem_manager"], problem, release=release, resolver=world.as_.user("developer"))
    remove_item(world.as_["release_manager"], release, item=release.items.get())
    problem.refresh_from_db()
    assert problem.state == "investigating"
    assert problem.fixes.get().withdrawn_at is not None


def test_whoever_resolves_a_problem_does_not_vote_on_its_change(world: World) -> None:
    from governance.actions.boards import create_board
    from governance.models import ChangeContributor, ChangeRequest
    from problems.actions.problems import link_fix
    from trains.actions.releases import freeze_release, scope_release

    create_board(world.as_["change_manager"], name="CAB", quorum=1)
    problem, release = world.problem(), world.release()
    developer = world.as_.user("developer")
    link_fix(
        world.as_["problem_manager"],
        problem,
        release=release,
        resolver=developer,
        rollback_criterion=CRITERION,
    )
    scope_release(world.as_["release_manager"], release)
    freeze_release(world.as_["release_manager"], release)
    change = ChangeRequest.objects.get(release=release)
    assert change.contributors.filter(user=developer, act=ChangeContributor.Act.RESOLVED).exists()


def test_observation_starts_with_the_production_deployment_of_the_fix(world: World) -> None:
    problem = world.problem()
    world.fixed(problem)
    window = problem.windows.get()
    assert problem.state == "observing"
    assert (window.state, window.starts, window.ends) == ("running", START, START + 14 * DAY)
    world.follow(window.deployment)
    assert problem.windows.count() == 1


def test_it_is_not_closed_before_the_observation_passed(world: World, refused: Any) -> None:
    from problems.actions.problems import close_problem

    problem = world.problem()
    world.validated(problem)
    world.fixed(problem)
    world.later(13 * DAY)
    with refused("problem.observing"):
        close_problem(world.as_["problem_manager"], problem, note="No deadlock in the logs.")
    world.later(1 * DAY)
    close_problem(world.as_["problem_manager"], problem, note="No deadlock in 14 days of logs.")
    problem.refresh_from_db()
    assert (problem.state, problem.windows.get().state) == ("closed", "passed")


def test_quiet_without_use_does_not_pass(world: World, refused: Any) -> None:
    from problems.actions.observation import report_exposure, settle
    from problems.actions.problems import close_problem, edit_problem

    problem = world.problem()
    edit_problem(world.as_["problem_manager"], problem, min_exposure=20, exposure_unit="night jobs")
    world.validated(problem)
    world.fixed(problem)
    world.later(20 * DAY)
    with refused("problem.observing"):
        close_problem(world.as_["problem_manager"], problem, note="Quiet.")
    window = problem.windows.get()
    report_exposure(world.as_["service_account"], window, exposure=19)
    with refused("observation.running"):
        settle(world.as_["problem_manager"], window)
    with refused("observation.less"):
        report_exposure(world.as_["service_account"], window, exposure=5)
    report_exposure(world.as_["service_account"], window, exposure=20)
    settle(world.as_["problem_manager"], window)
    assert problem.windows.get().state == "passed"


def test_when_it_comes_back_it_is_open_again(world: World, refused: Any) -> None:
    from problems.actions.problems import close_problem
    from releasetrain.audit.models import LedgerEntry

    problem = world.problem()
    world.validated(problem)
    world.fixed(problem)
    world.later(3 * DAY)
    incident = world.incident(fingerprint="ledger-deadlock")
    problem.refresh_from_db()
    window = problem.windows.get()
    assert (problem.state, problem.reopened_count) == ("investigating", 1)
    assert (window.state, window.breached_by) == ("breached", incident)
    assert LedgerEntry.objects.filter(verb="problem.reopen", subject_id=str(problem.pk)).count() == 1
    world.later(60 * DAY)
    with refused("state.illegal"):
        close_problem(world.as_["problem_manager"], problem, note="Surely gone.")


def test_an_incident_of_another_kind_does_not_breach(world: World) -> None:
    problem = world.problem()
    world.fixed(problem)
    world.later(3 * DAY)
    world.incident(fingerprint="certificate expired")
    assert problem.windows.get().state == "running"


def test_a_closed_problem_that_comes_back_is_open_again(world: World) -> None:
    from problems.actions.problems import close_problem

    problem = world.problem()
    world.validated(problem)
    world.fixed(problem)
    world.later(15 * DAY)
    close_problem(world.as_["problem_manager"], problem, note="Gone.")
    world.later(30 * DAY)
    world.incident(fingerprint="ledger-deadlock")
    problem.refresh_from_db()
    assert (problem.state, problem.closed_by_id) == ("investigating", None)


def test_a_rolled_back_fix_proves_nothing(world: World) -> None:
    from trains.actions.deployments import finish_deployment, roll_back_deployment

    world.deploy("5.1.0")
    world.later(HOUR)
    problem = world.problem()
    world.fixed(problem)
    world.later(HOUR)
    window = problem.windows.get()
    rollback = roll_back_deployment(
        world.as_["release_manager"], window.deployment, reason="Latency doubled."
    )
    finish_deployment(world.as_["release_manager"], rollback, status="succeeded")
    world.follow(rollback, "deployment.finish")
    problem.refresh_from_db()
    assert (problem.windows.get().state, problem.state) == ("void", "investigating")


@pytest.mark.parametrize("role", ["problem_manager", "compliance_officer"])
def test_whoever_had_a_hand_in_the_fix_does_not_close_it(world: World, refused: Any, role: str) -> None:
    from django.db import IntegrityError, transaction

    from problems.actions.problems import close_problem, link_fix

    problem, release = world.problem(), world.release()
    world.validated(problem)
    hand = world.as_[role]
    link_fix(world.as_["problem_manager"], problem, release=release, resolver=world.as_.user(role))
    world.follow(world.deploy("5.2.0", release=release))
    world.later(15 * DAY)
    with refused("problem.own_fix"):
        close_problem(hand, problem, note="Gone.")
    from problems.actions.observation import settle_due
    from releasetrain.kernel.actor import Actor

    assert settle_due(Actor.system(hand.organization_id, "test")) == 1
    problem.refresh_from_db()
    problem.state, problem.closed_at, problem.closed_by_id = "closed", world.now, hand.user_id
    with pytest.raises(IntegrityError, match="hand in the fix"), transaction.atomic():
        problem.save()


def test_the_rules_and_the_database_name_the_same_people(world: World) -> None:
    """Each kind of hand in a fix is refused by both."""
    from django.db import IntegrityError, transaction

    from governance.actions.boards import create_board
    from governance.models import ChangeRequest
    from problems.actions.observation import settle_due
    from problems.actions.problems import link_fix
    from problems.queries.people import hands_in_fix
    from releasetrain.kernel.actor import Actor
    from trains.actions.releases import freeze_release, scope_release

    create_board(world.as_["change_manager"], name="CAB", quorum=1)
    problem, release = world.problem(), world.release()
    link_fix(
        world.as_["problem_manager"],
        problem,
        release=release,
        resolver=world.as_.user("developer"),
        rollback_criterion=CRITERION,
    )
    scope_release(world.as_["release_manager"], release)
    freeze_release(world.as_["release_manager"], release)
    assert ChangeRequest.objects.filter(release=release).exists()
    world.follow(world.deploy("5.2.0", release=release, started_at=START, finished_at=START))
    world.later(15 * DAY)
    settle_due(Actor.system(world.as_["rte"].organization_id, "test"))
    hands = hands_in_fix(problem)
    expected = {world.as_[r].user_id for r in ("developer", "release_manager", "service_account")}
    assert set(hands) == expected
    problem.refresh_from_db()
    for role in ("developer", "release_manager", "service_account"):
        problem.state, problem.closed_at, problem.closed_by_id = "closed", world.now, world.as_[role].user_id
        with pytest.raises(IntegrityError, match="hand in the fix"), transaction.atomic():
            problem.save()
    problem.closed_by_id = world.as_["problem_manager"].user_id
    problem.save()


def test_the_database_refuses_to_close_without_a_passed_observation(world: World) -> None:
    from django.db import IntegrityError, transaction

    problem = world.problem()
    problem.state, problem.closed_at, problem.closed_by_id = "closed", world.now, world.as_["rte"].user_id
    with pytest.raises(IntegrityError, match="observation passed"), transaction.atomic():
        problem.save()


def test_the_database_refuses_to_pass_a_window_with_recurrences(world: World) -> None:
    from django.db import IntegrityError, connection, transaction

    problem = world.problem(fingerprint="")
    world.fixed(problem)
    world.later(15 * DAY)
    window = problem.windows.get()
    # An incident that got in without the followers, as forgetful code would write it.
    from problems.models import Incident, IncidentService

    incident = Incident.objects.create(title="Again", detected_at=START + DAY)
    IncidentService.objects.create(incident=incident, service=world.ledger)
    window.state, window.settled_at = "passed", world.now
    with pytest.raises(IntegrityError, match="came back"), transaction.atomic():
        window.save()
    assert connection.is_usable()


def test_the_rules_of_an_observation_stand_while_it_runs(world: World, refused: Any) -> None:
    from problems.actions.problems import edit_problem

    problem = world.problem()
    world.fixed(problem)
    with refused("problem.observed"):
        edit_problem(world.as_["problem_manager"], problem, threshold=99)


def _asked(world: World, kind: str, release: Any = None, **parameters: Any) -> Any:
    from governance.checks.context import CheckContext
    from governance.checks.registry import find

    found = find(kind)
    assert found is not None
    context = CheckContext(
        organization_id=world.train.organization_id,
        gate=None,  # type: ignore[arg-type]
        environment=world.production,
        release=release,
        artifacts=(),
        services=(world.ledger,),
        at=world.now,
        max_age=timedelta(hours=1),
    )
    return found.body(context, **found.clean(parameters))


def test_the_gate_counts_open_problems_that_the_release_does_not_fix(world: World) -> None:
    from problems.actions.problems import link_fix

    assert _asked(world, "open-problems").verdict == "pass"
    problem = world.problem()
    world.problem("Slow reports", severity=3, fingerprint="")
    release = world.release()
    verdict = _asked(world, "open-problems", release, severity=2)
    assert (verdict.verdict, [e.id for e in verdict.evidence]) == ("fail", [str(problem.pk)])
    link_fix(world.as_["problem_manager"], problem, release=release, resolver=world.as_.user("developer"))
    assert _asked(world, "open-problems", release, severity=2).verdict == "pass"
    assert _asked(world, "open-problems", release, severity=3).verdict == "fail"


def test_the_gate_waits_for_validated_root_causes(world: World) -> None:
    from problems.actions.problems import link_fix

    release, problem = world.release(), world.problem()
    assert _asked(world, "root-cause-validated", release).verdict == "pass"
    link_fix(world.as_["problem_manager"], problem, release=release, resolver=world.as_.user("developer"))
    assert _asked(world, "root-cause-validated", release).verdict == "fail"
    world.cause(problem)
    assert _asked(world, "root-cause-validated", release).verdict == "pending"
    world.validated(problem)
    assert _asked(world, "root-cause-validated", release).verdict == "pass"


def test_the_pages_tell_why_it_cannot_be_closed(world: World, web: Any) -> None:
    problem = world.problem()
    world.incident(fingerprint="ledger-deadlock")
    world.validated(problem)
    world.later(HOUR)
    release = world.fixed(problem)
    world.later(2 * DAY)
    answer = web("problem_manager").get(f"/o/northwind/problems/{problem.key}/")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "No recurrence in 2 of 14 observation days." in text
    assert "Two jobs lock the same accounts" in text
    assert release.key in text
    assert web("problem_manager").get("/o/northwind/incidents/INC-1/").status_code == 200
    cockpit = web("release_manager").get(f"/o/northwind/releases/{release.key}/").content.decode()
    assert problem.title in cockpit
    assert (
        web("problem_manager", "contoso-health").get(f"/o/northwind/problems/{problem.key}/").status_code
        == 404
    )
