"""What people are told of problems: recurrences, deviations, windows, root causes to validate."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from problems.models import Deviation, ObservationWindow, Problem, RootCause, WindowProposal
from releasetrain.accounts.catalogue import ROLES, Role
from releasetrain.accounts.models import Grant
from releasetrain.interface.notices import Notice, declare_kind, notice, remind
from releasetrain.kernel.clock import now
from trains.models import Release

declare_kind("problems.deviation_due", "A deviation has to be caught up")


def who_may(permission: str) -> set[uuid.UUID]:
    """People who hold the permission in the organization now."""
    roles = [
        role.value for role in Role if permission in ROLES[role].permissions and role != Role.SERVICE_ACCOUNT
    ]
    at = now()
    rows = Grant.objects.filter(role__in=roles, revoked_at__isnull=True, starts_at__lte=at)
    rows = rows.exclude(ends_at__lte=at).filter(user__kind="person")
    return set(rows.values_list("user_id", flat=True))


def concerned(problem: Problem) -> set[uuid.UUID]:
    """Everybody concerned: its owner, who resolves it, who manages problems, who holds its releases."""
    found: set[uuid.UUID] = {u for u in [problem.owner_id] if u}
    fixes = problem.fixes.filter(withdrawn_at__isnull=True)
    found |= set(fixes.values_list("resolver_id", flat=True))
    releases = list(fixes.values_list("release_id", flat=True))
    opened = Release.history.filter(id__in=releases, history_type="+", history_user_id__isnull=False)
    found |= set(opened.values_list("history_user_id", flat=True))
    return found | who_may("problems.manage")


def _problem(entry: Any) -> Problem | None:
    return Problem.objects.filter(pk=entry.subject_id).select_related("service").first()


@notice("problem.reopen", name="problems.came_back", title="A problem came back")
def came_back(entry: Any) -> Notice | None:
    """A problem that counted as fixed is open again: everybody concerned hears of it at once."""
    problem = _problem(entry)
    if problem is None:
        return None
    window = problem.windows.order_by("-settled_at").first()
    text = (window.breach or "") if window else ""
    return Notice(
        to=concerned(problem),
        title=f"{problem.key} is open again: {problem.title}"[:200],
        text=text or f"Re-opened {problem.reopened_count} times by now.",
        about=problem,
        urgent=problem.severity <= 2,
    )


@notice(
    "observation_window.roll_back",
    "observation_window.no_rollback",
    name="problems.rolled_back",
    title="A fix was rolled back because its problem came back",
)
def rolled_back(entry: Any) -> Notice | None:
    """The rollback that was agreed beforehand was ordered, or could not be."""
    window = (
        ObservationWindow.objects.filter(pk=entry.subject_id).select_related("problem", "deployment").first()
    )
    if window is None:
        return None
    ordered = entry.verb.endswith(".roll_back")
    return Notice(
        to=concerned(window.problem),
        title=f"{'Rollback ordered' if ordered else 'No rollback possible'} for {window.problem.key}",
        text=f"{window.deployment}. {window.breach}".strip(),
        about=window.problem,
        urgent=True,
    )


@notice(
    "problem.propose_root_cause",
    "root_cause.edit",
    name="problems.validate",
    title="A root cause waits for you",
)
def root_cause_proposed(entry: Any) -> Notice | None:
    """Somebody other than its author validates a root cause."""
    if entry.verb == "root_cause.edit":
        rows = RootCause.objects.filter(pk=entry.subject_id)
    else:
        rows = RootCause.objects.filter(problem=entry.subject_id).order_by("-created_at")
    cause = rows.select_related("problem").first()
    if cause is None or cause.state != RootCause.State.PROPOSED:
        return None
    return Notice(
        to=who_may("problems.validate") - {cause.author_id},
        title=f"Root cause of {cause.problem.key} to validate",
        text=cause.statement[:300],
        about=cause,
    )


@notice(
    "problem.propose_window",
    "window_proposal.amend",
    name="problems.window",
    title="A maintenance window is proposed",
)
def window_proposed(entry: Any) -> Iterable[Notice]:
    """Every stakeholder is asked."""
    key = "problem" if entry.verb == "problem.propose_window" else "replaces"
    rows = WindowProposal.objects.filter(**{key: entry.subject_id}, state=WindowProposal.State.PROPOSED)
    proposal = rows.select_related("problem").order_by("-created_at").first()
    if proposal is not None:
        yield Notice(
            to=[uuid.UUID(p["user"]) for p in proposal.positions],
            title=f"Do you agree to {proposal.name}?",
            text=f"{proposal.first_day:%d %b %Y} {proposal.first_time:%H:%M}, {proposal.minutes} min: {proposal.reason}"[
                :500
            ],
            about=proposal,
        )


@notice(
    "window_proposal.agree",
    "window_proposal.object",
    name="problems.window_said",
    title="A stakeholder took a position",
)
def window_said(entry: Any) -> Notice | None:
    """Whoever proposed it hears what was said."""
    proposal = WindowProposal.objects.filter(pk=entry.subject_id).first()
    if proposal is None:
        return None
    verb = "agrees to" if entry.verb.endswith(".agree") else "objects to"
    return Notice(
        to=[proposal.proposed_by_id],
        title=f"{entry.actor_name} {verb} {proposal.key}",
        text=proposal.standing,
        about=proposal,
    )


@notice(
    "deviation.record",
    "deviation.note",
    "deviation.explain",
    name="problems.deviation",
    title="A deviation waits to be accepted",
)
def deviation_recorded(entry: Any) -> Notice | None:
    """Somebody other than whoever recorded it accepts a deviation; one without a reason is explained first."""
    deviation = Deviation.objects.filter(pk=entry.subject_id).first()
    if deviation is None or deviation.accepted_at:
        return None
    if not deviation.reason:
        return Notice(
            to=[u for u in [deviation.recorded_by_id] if u],
            title=f"Say why: {deviation.what}"[:200],
            text="It was put on record with what you did. Nobody can accept it before it says why it could not wait.",
            about=deviation,
            urgent=True,
        )
    return Notice(
        to=who_may("problems.validate") - {deviation.recorded_by_id},
        title=f"{deviation.key} to accept: {deviation.what}"[:200],
        text=deviation.reason[:300],
        about=deviation,
        urgent=True,
    )


def remind_of_deviations(at: datetime | None = None) -> int:
    """Tell whoever has to, two days before and on the day after a deviation is due; each once."""
    today: date = (at or now()).date()
    told = 0
    rows = Deviation.objects.filter(caught_up_at__isnull=True, catch_up_by__lte=today + timedelta(days=2))
    for each in rows.select_related("problem"):
        late = each.catch_up_by < today
        people = {u for u in (each.recorded_by_id, each.accepted_by_id, each.problem.owner_id) if u}
        told += remind(
            people | (who_may("problems.manage") if late else set()),
            f"{each.pk}:{'late' if late else 'soon'}",
            f"{each.key} {'is overdue' if late else f'is due {each.catch_up_by:%d %b}'}: {each.what}"[:200],
            each.catch_up,
            each,
            name="problems.deviation_due",
        )
    return told
