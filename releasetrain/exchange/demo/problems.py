"""Problems in the demo: a policy with costs, a fix that is observed, signals, criteria, a deviation, a negotiated window."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.actions import boardroom
from governance.models import ChangeRequest
from problems.actions import deviations, policy, problems, root_causes, signals, success, windows
from problems.actions.incidents import record_incident
from problems.actions.observation import start_observation
from problems.models import Category, Deviation, Problem, RecurrenceSignal, RootCause, SuccessCriterion
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from trains.models import Deployment, Release

MARK = "settlement-file-late"
STEPS = """Why was the settlement file late? The posting job had not closed the day.
Why was the day not closed? It waited for card postings that came in twice.
Why did they come in twice? The acquirer repeats a batch that it gets no receipt for.
Why did it get no receipt? Receipts are sent after posting, and posting takes minutes at month end."""


def publish_policy(bank: Any) -> None:
    """What recurrence costs the bank, and how deep fixes are reviewed."""
    policy.publish(
        bank.cast.one(Role.PROBLEM_MANAGER), reason="Costs agreed with finance for this year.", currency="EUR",
        incident_costs={"1": 42_000, "2": 12_000, "3": 2_500, "4": 300},
        hour_costs={"1": 30_000, "2": 6_000, "3": 800, "4": 50},
        catch_up_days={"1": 5, "2": 10},
    )  # fmt: skip


def late_files(bank: Any) -> Problem:
    """A problem that came four times and is understood; the finished release brings its fix."""
    expert = bank.cast.one(Role.PROBLEM_MANAGER)
    moment = now()
    for days, hours in ((33, 3), (26, 2), (12, 4), (5, 3)):
        began = moment - timedelta(days=days, hours=4)
        record_incident(
            bank.pipeline, title="Settlement file late", service=bank.services["acq-settle"], severity=2,
            detected_at=began, resolved_at=began + timedelta(hours=hours), fingerprint=MARK,
            impact="Merchants were paid a day late.", source="alertmanager", external_id=f"late/{days}",
        )  # fmt: skip
    problem: Problem = problems.create_problem(
        expert, title="Settlement files are late when receipts wait for posting", severity=2, fingerprint=MARK,
        service=bank.services["acq-settle"], category=Category.DEPENDENCY_FAILURE,
        description="The acquirer repeats batches it gets no receipt for; posting them twice keeps the day open.",
        owner=bank.cast.user(Role.PROBLEM_MANAGER),
    )  # fmt: skip
    problems.edit_problem(expert, problem, observation_days=21, rolls_back=True)
    success.add_criterion(expert, problem, measure=SuccessCriterion.Measure.INCIDENTS, target=90)
    signals.add_signal(
        expert, problem, kind=RecurrenceSignal.Kind.LOG, name="batch received twice", threshold=20, minutes=60,
        baseline=64, rolls_back=True,
    )  # fmt: skip
    cause = root_causes.propose_root_cause(
        expert, problem, statement="Receipts are sent only after posting, so the acquirer repeats batches under load.",
        method=RootCause.Method.FIVE_WHYS, category=Category.DEPENDENCY_FAILURE, analysis=STEPS,
        evidence=["https://git.northwind.example/acq-settle/receipts"],
    )  # fmt: skip
    root_causes.validate_root_cause(
        bank.cast.one(Role.COMPLIANCE_OFFICER), cause, note="The acquirer's log shows each repeat."
    )
    return Problem.objects.get(pk=problem.pk)


def carry_fix(bank: Any, release: Release, problem: Problem) -> None:
    """The release carries the fix; somebody of the team resolves it."""
    problems.link_fix(
        bank.cast.one(Role.PROBLEM_MANAGER), problem, release=release,
        resolver=bank.cast.user(Role.TEAM_MEMBER, -1), rollback_criterion="error rate at most 0.2 % within 60 minutes",
    )  # fmt: skip


def sign_fix(bank: Any, change: ChangeRequest) -> None:
    """The problem manager signs a fix of weight before the board has voted."""
    if change.joint:
        boardroom.sign(
            bank.cast.one(Role.PROBLEM_MANAGER),
            change,
            agrees=True,
            rationale="It ends the repeats at their source.",
        )


def conduct(bank: Any, problem: Problem) -> None:
    """After the fix went out: observed, a deviation to catch up, a window under negotiation for another problem."""
    expert = bank.cast.one(Role.PROBLEM_MANAGER)
    problem = Problem.objects.get(pk=problem.pk)
    deployed = Deployment.objects.filter(
        release=bank.done, service=bank.services["acq-settle"], environment__kind="production"
    ).first()
    if deployed is not None and problem.state == Problem.State.FIX_IN_RELEASE:
        start_observation(expert, problem, deployment=deployed)
    made: Deviation = deviations.record_deviation(
        bank.manager, problem=problem, release=bank.done, step=Deviation.Step.TESTING,
        what="The load test with a whole month of batches was left out.", reason="Merchants were paid late for a fortnight.",
        catch_up="Load test with the batches of November.",
    )  # fmt: skip
    deviations.accept_deviation(bank.cast.one(Role.COMPLIANCE_OFFICER), made)
    slow = Problem.objects.filter(
        service=bank.services["ledger-core"], state=Problem.State.KNOWN_ERROR
    ).first()
    if slow is not None:
        proposal = windows.propose_window(
            expert, slow, name="Ledger index upkeep", first_day=bank.today + timedelta(days=7), at="02:00", minutes=90,
            rrule="FREQ=WEEKLY;INTERVAL=4", reason="Rebuilding the posting index keeps month-end queues short until the fix is out.",
            stakeholders=[bank.cast.user(Role.PRODUCT_MANAGER), bank.cast.user(Role.RTE), bank.cast.user(Role.RELEASE_MANAGER)],
        )  # fmt: skip
        windows.agree(bank.manager, proposal, remark="Outside our release windows.")
        windows.object_to(
            bank.cast.one(Role.PRODUCT_MANAGER),
            proposal,
            reason="The weekend of month end is the busiest; a week later is fine.",
        )
