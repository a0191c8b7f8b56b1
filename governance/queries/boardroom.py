"""A board's meetings as they went: what was decided, the minutes, who is due to do what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from governance.models import (
    BoardMember,
    ChangeRequest,
    Condition,
    Meeting,
    MeetingAction,
    Reminder,
    Vote,
)
from governance.queries import changes as queries

# How long before something is due it is said once more.
AHEAD = timedelta(hours=24)


def decision_words(change: ChangeRequest) -> str:
    """What became of a change, with the votes: "Approved at revision 2: 3 for, 1 against"."""
    tally = queries.tally(change)
    votes = f"{tally.approvals} for, {tally.rejections} against, {tally.abstentions} abstained"
    if change.state == ChangeRequest.State.AWAITING_APPROVAL:
        return f"Open: {votes}; {tally.cast} of {tally.needed} votes."
    said = f"{change.get_state_display()} at revision {change.revision}: {votes}."
    conditions = change.conditions.filter(vote__revision=change.revision).count()
    return f"{said} {conditions} condition{'s' if conditions != 1 else ''}." if conditions else said


def minutes_of(meeting: Meeting) -> str:
    """The minutes, written from what is on record: who was there, each item with votes and reasons, what is to be done."""
    lines = [f"{meeting.board}, {meeting.starts_at:%d %B %Y, %H:%M} UTC"]
    lines.append(f"Chair: {meeting.chair or 'nobody'}")
    present = ", ".join(each["name"] for each in meeting.attendance) or "nobody on record"
    absent = _absent(meeting)
    lines += [f"Present: {present}", *([f"Absent: {', '.join(absent)}"] if absent else []), ""]
    items = meeting.agenda.select_related("change__board").order_by("position")
    for item in items:
        change = item.change
        lines.append(
            f"{item.position}. {change.key} {change.title} ({change.risk} risk, {change.get_type_display().lower()})"
        )
        if item.taken_at and item.finished_at:
            spent = max(1, round((item.finished_at - item.taken_at).total_seconds() / 60))
            lines.append(f"   {spent} of {item.minutes} minutes.")
        lines.append(f"   {item.decision or decision_words(change)}")
        lines += [f"   {line}" for line in _votes(change)]
        lines += [f"   Recused: {r.user}: {r.reason}" for r in change.recusals.select_related("user")]
        lines += [f"   Condition: {c.text}" for c in change.conditions.filter(vote__revision=change.revision)]
        lines += [f"   Note: {line}" for line in item.notes.splitlines()]
    actions = list(meeting.actions.select_related("owner", "change"))
    if actions:
        lines += ["", "To be done:"]
        lines += [f"- {a.title} ({a.owner}, until {a.due_on:%d %b %Y})" for a in actions]
    return "\n".join(lines)


def _absent(meeting: Meeting) -> list[str]:
    present = {each["user"] for each in meeting.attendance}
    return [str(m.user) for m in queries.voters(meeting.board) if str(m.user_id) not in present]


def _votes(change: ChangeRequest) -> list[str]:
    return [
        f"{v.voter}{f' (by {v.cast_by})' if v.cast_by_id != v.voter_id else ''}:"
        f" {v.get_choice_display().lower()}. {v.rationale}"
        for v in queries.votes_now(change)
    ]


@dataclass(frozen=True)
class Due:
    """Something a person is due to do: said once for each occasion."""

    user_id: UUID
    kind: str
    sentence: str
    due_at: datetime
    occasion: str
    change: ChangeRequest | None = None
    meeting: Meeting | None = None


def due_now(at: datetime) -> list[Due]:
    """Votes, meetings, action items and conditions that are due within a day, person by person."""
    return [*_due_votes(at), *_due_meetings(at), *_due_actions(at), *_due_conditions(at)]


def _members(board_ids: Iterable[UUID], at: datetime) -> dict[UUID, list[BoardMember]]:
    found: dict[UUID, list[BoardMember]] = {}
    for row in BoardMember.objects.filter(board_id__in=board_ids, removed_at__isnull=True):
        if row.in_force(at):
            found.setdefault(row.board_id, []).append(row)
    return found


def _due_votes(at: datetime) -> Iterable[Due]:
    """What has to be decided within a day: before the time to vote is over, or before the window opens."""
    rows = list(
        ChangeRequest.objects.filter(state=ChangeRequest.State.AWAITING_APPROVAL)
        .select_related("board")
        .prefetch_related("votes", "contributors", "recusals")
    )
    ends = {c.pk: min((m for m in (c.decide_by, c.window_starts) if m), default=None) for c in rows}
    due = [(c, end) for c in rows if (end := ends[c.pk]) is not None and at < end <= at + AHEAD]
    members = _members({c.board_id for c, _ in due}, at)
    for change, end in due:
        out = {x.user_id for x in change.contributors.all()} | {x.user_id for x in change.recusals.all()}
        now_cast: list[Vote] = [v for v in change.votes.all() if v.revision == change.revision]
        out |= {u for v in now_cast for u in (v.voter_id, v.cast_by_id)}
        for user in {m.user_id for m in members.get(change.board_id, ()) if m.user_id not in out}:
            yield Due(
                user,
                Reminder.Kind.VOTE,
                f"Your vote on {change.key} is due: {change.title}"[:300],
                end,
                f"vote:{change.pk}:{change.revision}",
                change=change,
            )


def _due_meetings(at: datetime) -> Iterable[Due]:
    rows = list(
        Meeting.objects.filter(
            state=Meeting.State.PLANNED, starts_at__gt=at, starts_at__lte=at + AHEAD
        ).select_related("board")
    )
    members = _members({m.board_id for m in rows}, at)
    for meeting in rows:
        for user in {m.user_id for m in members.get(meeting.board_id, ())}:
            yield Due(
                user,
                Reminder.Kind.MEETING,
                f"{meeting.board} meets.",
                meeting.starts_at,
                f"meeting:{meeting.pk}",
                meeting=meeting,
            )


def _due_actions(at: datetime) -> Iterable[Due]:
    rows = MeetingAction.objects.filter(done_at__isnull=True, due_on__lte=(at + AHEAD).date())
    for item in rows.select_related("meeting", "change"):
        yield Due(
            item.owner_id,
            Reminder.Kind.ACTION,
            f"Due: {item.title}"[:300],
            datetime.combine(item.due_on, time(23, 59), tzinfo=UTC),
            f"action:{item.pk}",
            change=item.change,
            meeting=item.meeting,
        )


def _due_conditions(at: datetime) -> Iterable[Due]:
    """Conditions that are not met a day before the window opens remind the author."""
    rows = Condition.objects.filter(
        met_at__isnull=True,
        change__state__in=[ChangeRequest.State.APPROVED, ChangeRequest.State.SCHEDULED],
        change__window_starts__gt=at,
        change__window_starts__lte=at + AHEAD,
    ).select_related("change", "vote")
    for condition in rows:
        change: Any = condition.change
        if condition.vote.revision == change.revision:
            yield Due(
                change.author_id,
                Reminder.Kind.CONDITION,
                f"{change.key} waits for a condition: {condition.text}"[:300],
                change.window_starts,
                f"condition:{condition.pk}",
                change=change,
            )


def reminders_of(user_id: UUID | None, at: datetime) -> list[Reminder]:
    """What a person is reminded of and has not done yet, the most urgent first."""
    if user_id is None:
        return []
    rows = Reminder.objects.filter(user_id=user_id, settled_at__isnull=True)
    return list(rows.select_related("change", "meeting__board").order_by("due_at")[:20])
