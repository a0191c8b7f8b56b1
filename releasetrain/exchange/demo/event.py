"""The planning event of the demo's next Program Increment, and how the payments train lives: risks, impediments, health."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from planning.actions import confidence, events, health, impediments, plan_changes, risks
from planning.models import (
    CeremonyAction,
    CeremonyKind,
    EventAttendee,
    Feature,
    Impediment,
    Interruption,
    PlanChange,
    Risk,
    Threat,
)
from planning.rules.agenda import working_day
from planning.rules.health import DIMENSIONS
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from trains.actions import escalations
from trains.models import Channel, ProgramIncrement

if TYPE_CHECKING:
    from .bank import Bank

# Scores by dimension, in the order of DIMENSIONS: a quarter ago and now.
ASSESSED = {
    "LED": ((3, 2, 3, 4, 2, 4, 2, 3), (3, 3, 3, 4, 3, 4, 4, 3)),
    "ACQ": ((4, 3, 3, 3, 3, 4, 3, 2), (4, 3, 4, 3, 4, 3, 3, 4)),
    "MOB": ((2, 3, 4, 3, 4, 5, 3, 3),),
}


def add(bank: Bank) -> None:
    """Each act by the person whose job it is."""
    _policies(bank)
    _risks(bank)
    _threats(bank)
    _impediments(bank)
    _health(bank)
    _change(bank)
    _event(bank)


def _policies(bank: Bank) -> None:
    for name, kind, first, second in (
        ("Impediments of the payments train", "impediment", 24 * 60, 48 * 60),
        ("Endangered dependencies", "featuredependency", 0, 24 * 60),
        ("Promises nobody has made", "featuredependency.proposed", 48 * 60, 72 * 60),
        ("Late sign-offs", "changerequest", 72 * 60, 48 * 60),
        ("Risks past their day", "risk", 0, 48 * 60),
    ):
        policy = escalations.create_policy(bank.rte, name=name, subject_kind=kind, train=bank.payments)
        escalations.add_level(bank.rte, policy, after_minutes=first, role=Role.RTE)
        escalations.add_level(
            bank.rte, policy, after_minutes=second, role=Role.PRODUCT_MANAGER, channel=Channel.EMAIL
        )


def _risks(bank: Bank) -> None:
    def raised(title: str, likelihood: int, impact: int, **more: Any) -> Risk:
        made: Risk = risks.create_risk(
            bank.rte,
            train=bank.payments,
            pi=bank.pi,
            title=title,
            likelihood=likelihood,
            impact=impact,
            **more,
        )
        return made

    features = {each.title: each for each in Feature.objects.filter(train=bank.payments)}
    settlement = features.get("Settlement file v3 for SEPA Instant")
    owned = raised("The scheme moves its date, so that the plan loses three weeks", 2, 5, feature=settlement)
    risks.own_risk(
        bank.rte, owned, owner=bank.cast.user(Role.PRODUCT_MANAGER), due_on=bank.today + timedelta(days=14)
    )
    accepted = raised("The vendor's sandbox is down for a day each month", 4, 2)
    risks.accept_risk(
        bank.rte,
        accepted,
        until=bank.today + timedelta(days=30),
        reason="Tests run against recordings meanwhile.",
    )
    mitigated = raised("Posting batches lock accounts at month end", 4, 4)
    risks.mitigate_risk(
        bank.rte,
        mitigated,
        mitigation="Batches pause above 5 000 waiting postings.",
        residual_likelihood=2,
        residual_impact=3,
    )
    resolved = raised("Nobody knows the old gateway", 3, 3)
    risks.resolve_risk(bank.rte, resolved, reason="Two engineers have rebuilt it in staging.")
    raised("Staging is shared with lending in the week of the cut-over", 3, 4)


def _threats(bank: Bank) -> None:
    session = risks.create_session(
        bank.rte,
        train=bank.payments,
        title="Instant refunds over the public API",
        held_on=bank.today - timedelta(days=6),
        participants="Ledger Core, Risk Rules, security",
    )
    replay = risks.add_threat(
        bank.rte, session, title="A refund is replayed", kind=Threat.Kind.TAMPERING, likelihood=3, impact=4
    )
    control = risks.add_control(bank.rte, replay, title="Refunds carry an idempotency key")
    risks.control_to_backlog(bank.rte, control)
    flood = risks.add_threat(
        bank.rte,
        session,
        title="Refund requests flood the ledger",
        kind=Threat.Kind.DENIAL,
        likelihood=2,
        impact=4,
    )
    risks.add_control(bank.rte, flood, title="Rate limits per merchant", in_place="in the gateway")


def _impediments(bank: Bank) -> None:
    member = bank.cast.all(Role.TEAM_MEMBER)[0]
    first = impediments.raise_impediment(
        member,
        team=bank.teams["LED"],
        title="No masked copy of production for load tests",
        description="The last one is from spring.",
    )
    impediments.take_impediment(bank.rte, first)
    second = impediments.raise_impediment(
        member, team=bank.teams["ACQ"], title="Scheme certificates expire in May"
    )
    impediments.take_impediment(bank.rte, second)
    impediments.resolve_impediment(
        bank.rte, Impediment.objects.get(pk=second.pk), resolution="Renewed for two years."
    )
    for team, hours, cause, what, days in (
        ("LED", Decimal("12.5"), Interruption.Cause.INCIDENT, "Postings queued at month end", 9),
        ("LED", Decimal(4), Interruption.Cause.SUPPORT, "Reconciliation for two merchants", 3),
        ("ACQ", Decimal(6), Interruption.Cause.COMPLIANCE, "Questions of the auditors", 2),
    ):
        impediments.log_interruption(
            bank.rte,
            team=bank.teams[team],
            hours=hours,
            cause=cause,
            what=what,
            on=bank.today - timedelta(days=days),
        )


def _health(bank: Bank) -> None:
    for kind, team, days in (
        (CeremonyKind.SYSTEM_DEMO, None, 4),
        (CeremonyKind.PO_SYNC, None, 3),
        (CeremonyKind.COACH_SYNC, None, 2),
        (CeremonyKind.ITERATION_PLANNING, "LED", 8),
        (CeremonyKind.RETROSPECTIVE, "LED", 8),
    ):
        held = health.record_ceremony(
            bank.rte,
            train=bank.payments,
            kind=kind,
            team=bank.teams[team] if team else None,
            held_at=now() - timedelta(days=days),
        )
        if kind == CeremonyKind.RETROSPECTIVE:
            for title, done in (("Reviews within a day", True), ("Pair on the posting rules", False)):
                item = health.agree_action(
                    bank.rte,
                    held,
                    title=title,
                    owner=bank.cast.user(Role.TEAM_MEMBER),
                    due_on=bank.today + timedelta(days=5),
                )
                if done:
                    health.finish_action(
                        bank.rte, CeremonyAction.objects.get(pk=item.pk), outcome="Median wait is five hours."
                    )
    for code, several in ASSESSED.items():
        for number, scores in enumerate(several):
            day = bank.today - timedelta(days=84 if number < len(several) - 1 else 2)
            given = dict(zip(DIMENSIONS, scores, strict=True))
            health.record_assessment(bank.rte, team=bank.teams[code], held_on=day, **given)


def _change(bank: Bank) -> None:
    """A vulnerability asks for room in the running plan; the decision is awaited."""
    pi = ProgramIncrement.objects.get(pk=bank.pi.pk)
    feature = Feature.objects.filter(train=bank.payments, pi=pi, state="planned").order_by("key").last()
    if feature is None:
        return
    change = plan_changes.create_plan_change(
        bank.product,
        pi=pi,
        title="Patch the file parser before the next settlement",
        cause=PlanChange.Cause.VULNERABILITY,
        cause_label="CVE in the parser of acq-settle",
        justification="Files come from outside; the fix cannot wait for the next Program Increment.",
    )
    plan_changes.take_out(bank.product, change, feature=feature)
    plan_changes.submit_plan_change(bank.product, PlanChange.objects.get(pk=change.pk))


def _event(bank: Bank) -> None:
    """The next Program Increment is planned in four weeks; the first show of confidence is anonymous."""
    following = (
        ProgramIncrement.objects.filter(train=bank.payments, starts__gt=bank.pi.starts)
        .order_by("starts")
        .first()
    )
    if following is None:
        return
    event = events.create_event(
        bank.rte,
        pi=following,
        starts_on=working_day(following.starts - timedelta(days=11), 0),
        begins="09:00",
        place="Canal House, 4th floor",
        link="https://meet.northwind.example/pi-planning",
    )
    events.edit_event(
        bank.rte,
        event,
        agreements="Cameras on in breakouts.\nOne conversation at a time.\nBlocked for ten minutes: raise it.",
    )
    events.create_room(
        bank.rte,
        event=event,
        name="Plenary",
        place="Auditorium",
        link="https://meet.northwind.example/plenary",
    )
    for code in ("LED", "ACQ"):
        events.create_room(
            bank.rte,
            event=event,
            name=f"{bank.teams[code].name} breakout",
            team=bank.teams[code],
            link=f"https://meet.northwind.example/{code.lower()}",
        )
    people = [bank.rte, bank.product, *bank.cast.all(Role.TEAM_MEMBER), *bank.cast.all(Role.BUSINESS_OWNER)]
    for number, actor in enumerate(people):
        events.join_event(
            actor,
            event=event,
            presence=EventAttendee.Presence.REMOTE if number % 3 else EventAttendee.Presence.ROOM,
        )
    events.park(bank.product, event=event, text="Who pays for the shared staging environment?")
    vote = confidence.open_round(bank.rte, pi=following, anonymous=True, quorum=3)
    for actor, fingers in zip(people, (4, 3, 4, 5), strict=False):
        confidence.cast_confidence_vote(actor, pi=following, fingers=fingers)
    confidence.close_round(bank.rte, vote)
