"""The demo's learning: a standard of reviews, a meeting with its people, findings that change gates and checklists,
an asynchronous review, an archive and a case study."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.actions import boards
from governance.models import Gate, ReadinessChecklist
from problems.models import Category
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from reviews.actions import (
    action_items,
    archive,
    causes,
    facts,
    improvements,
    meeting,
    participants,
    policies,
    sharing,
)
from reviews.actions import reviews as reviews_actions
from reviews.models import Depth, Review, ReviewCause, ReviewRecord
from reviews.models.participant import Part
from trains.actions.series import post_values
from trains.models import Deployment, Environment

_TRANSCRIPT = """Release manager: The window was set on Monday, and support heard of it on Thursday.
Operations: Calls about refunds began twenty minutes after the switch; the runbook says nothing about partial refunds.
Product: We would have waited a day, had we known.
Facilitator: So the fact is that the briefing came after the window was proposed. What would have shown it earlier?
Quality: A question in the readiness checklist, before anybody proposes a window."""
_STORY = """A change of posting rules went live in the evening. Within twenty minutes Marlow Retail called about refunds.
The runbook of ledger-core covered full refunds only. On-call found the setting by asking in the channel.
What helped: the change could be switched off by a flag. What follows: partial refunds are tested in staging."""


def measure(bank: Any) -> None:
    """Two weeks of what runs, so that releases have something to be compared with."""
    at = now().replace(minute=0, second=0, microsecond=0)
    hours = [at - timedelta(hours=6 * n) for n in range(1, 56)]
    rows = [
        {"name": name, "points": [[each.isoformat(), level + step * (n % 5)] for n, each in enumerate(hours)]}
        for name, level, step in (
            ("error_rate", 0.32, 0.03),
            ("latency_p95", 182.0, 4.0),
            ("availability", 99.94, 0.01),
            ("page_views_total", 10_000.0, 400.0),
        )
    ]
    post_values(bank.pipeline, series=rows, service=bank.services["ledger-core"])


def build_learning(bank: Any) -> None:
    """Called once the rest stands: it changes gates and checklists that others made."""
    board = boards.create_board(bank.chair, name="Architecture board", quorum=1)
    boards.add_member(bank.chair, board, email=bank.cast.user(Role.TECHNICAL_LEAD).email)
    policies.create_policy(bank.rte, board=board)
    review = Review.objects.filter(release=bank.done).get()
    _meet(bank, review)
    _change(bank, review)
    _in_writing(bank)
    _share(bank)


def _meet(bank: Any, review: Review) -> None:
    participants.name_owners(bank.rte, review)
    meeting.plan_meeting(bank.rte, review, meeting_link="https://meet.northwind.example/reviews")
    for seat in review.participants.all()[:2]:
        participants.attend(bank.rte, seat)
    participants.answer(
        bank.rte, review, section="handoff", text="The runbook did not cover partial refunds."
    )
    archive.add_record(
        bank.rte,
        review,
        kind=ReviewRecord.Kind.TRANSCRIPT,
        title="Transcript of the first session",
        text=_TRANSCRIPT,
        access=ReviewRecord.Access.EVERYBODY,
    )


def _change(bank: Any, review: Review) -> None:
    """One finding changes the readiness checklist; a gate and the backlog wait for their owners."""
    cause = review.causes.filter(state=ReviewCause.State.SUPPORTED).first()
    checklist = ReadinessChecklist.objects.filter(retired_at__isnull=True).order_by("tier").first()
    if checklist is not None:
        proposal = improvements.propose_checklist(
            bank.lead,
            cause,
            checklist=checklist,
            question="Was support briefed before the window was proposed?",
            area="on_call",
        )
        improvements.apply_improvement(
            bank.cast.one(Role.COMPLIANCE_OFFICER), proposal, decision="Two questions we can live with."
        )
    gate = Gate.objects.filter(mode=Gate.Mode.ACTIVE, versions__isnull=False).order_by("key").first()
    if gate is not None:
        improvements.propose_gate(
            bank.lead,
            cause,
            gate=gate,
            check="pending-reviews",
            parameters={"overdue": True},
            name="reviews-in-time",
        )
    improvements.propose_staging_test(
        bank.lead,
        cause,
        ticket="SUP-4711",
        case="Given a partial refund, when it is posted, then the balance and the notice agree.",
    )


def _in_writing(bank: Any) -> None:
    """A deployment that was rolled back, reviewed in comment rounds across time zones."""
    service = bank.services["card-auth"] if "card-auth" in bank.services else bank.services["acq-settle"]
    failed = (
        Deployment.objects.filter(
            environment__kind=Environment.Kind.PRODUCTION,
            state__in=(Deployment.State.ROLLED_BACK, Deployment.State.FAILED),
            reviews__isnull=True,
        )
        .select_related("service")
        .order_by("-started_at")
        .first()
    )
    if failed is None:
        return
    review = reviews_actions.create_review(
        bank.rte, service=failed.service, deployment=failed, reason="It was taken back within the hour."
    )
    if service.pk != failed.service_id:
        reviews_actions.add_service(bank.rte, review, service=service, reason="It calls the one taken back.")
    meeting.plan_meeting(bank.rte, review, mode=Review.Mode.ASYNC)
    if not review.participants.filter(user=bank.cast.user(Role.TECHNICAL_LEAD)).exists():
        participants.invite(bank.rte, review, user=bank.cast.user(Role.TECHNICAL_LEAD), part=Part.DEVELOPMENT)
    meeting.open_round(bank.rte, review, question="What did you see, and when?", hours=48)
    meeting.comment(bank.lead, review, text="Latency rose ten minutes before the first alert.")
    meeting.comment(bank.manager, review, text="The rollback itself took four minutes, as rehearsed.")


def _share(bank: Any) -> None:
    """A small review that is done, and what others learn from it."""
    quiet = (
        Deployment.objects.filter(
            environment__kind=Environment.Kind.PRODUCTION,
            state=Deployment.State.SUCCEEDED,
            service=bank.services["ledger-core"],
            release__isnull=True,
            reviews__isnull=True,
        )
        .order_by("-started_at")
        .first()
    )
    if quiet is None:
        return
    review = reviews_actions.create_review(
        bank.rte,
        service=quiet.service,
        deployment=quiet,
        depth=Depth.LIGHTWEIGHT,
        reason="Refunds were called about.",
    )
    facts.accept_facts(bank.rte, review)
    first = causes.add_cause(
        bank.rte,
        Review.objects.get(pk=review.pk),
        statement="The runbook covered full refunds only.",
        category=Category.PROCEDURE,
        evidence=review.facts.first(),
        process_wide=True,
        handoff=ReviewCause.Handoff.RUNBOOK,
    )
    causes.add_cause(
        bank.rte,
        Review.objects.get(pk=review.pk),
        statement="Runbooks are written from the design, and nobody looks at them after a change of rules.",
        category=Category.PROCEDURE,
        because_of=first,
    )
    causes.agree_causes(bank.rte, Review.objects.get(pk=review.pk))
    item = action_items.add_action(
        bank.rte,
        Review.objects.get(pk=review.pk),
        title="Partial refunds in the runbook",
        owner=bank.cast.user(Role.TECHNICAL_LEAD),
        due_on=bank.today + timedelta(days=5),
        success_criteria="On-call finds the setting without asking.",
        cause=first,
    )
    action_items.complete_action(bank.lead, item, effect="The section is in force since this morning.")
    reviews_actions.close_review(
        bank.rte,
        Review.objects.get(pk=review.pk),
        decision="The runbook is part of a change of rules from now on.",
        rationale="The change itself was sound; finding the setting cost the time.",
    )
    for seat in review.participants.filter(part=Part.PRODUCT, user=bank.product.user_id):
        participants.acknowledge(
            bank.product, seat, acknowledgement="Rules change together with their runbook from now on."
        )
    study = sharing.write_case_study(
        bank.rte,
        Review.objects.get(pk=review.pk),
        title="A refund that the runbook did not know",
        text=_STORY,
        customers=["Marlow Retail"],
    )
    sharing.publish(bank.manager, study, checked=True)
