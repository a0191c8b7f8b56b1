"""Writes of change boards and their meetings."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.contrib.auth import get_user_model

from governance.models import AgendaItem, Board, BoardMember, ChangeRequest, Meeting
from governance.states.changes import MEETING_STATES
from releasetrain.accounts.actions import scope_for
from releasetrain.accounts.models import Membership
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse

RISK_ORDER = {ChangeRequest.Risk.HIGH: 0, ChangeRequest.Risk.MEDIUM: 1, ChangeRequest.Risk.LOW: 2}


@action("board.create", creates=Board, requires="changes.chair")
def create_board(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=80)],
    quorum: Annotated[
        int, Field("Quorum", help="Votes that must be cast before a decision stands.", min=1, max=50)
    ] = 3,
    rule: Annotated[Board.Rule, Field("Rule")] = Board.Rule.MAJORITY,
    kind: Annotated[Board.Kind, Field("Kind")] = Board.Kind.CAB,
) -> Board:
    """Set up a change board."""
    if Board.objects.filter(name=name).exists():
        refuse("board.exists", f"There is a board {name} already.", field="name")
    board = Board.objects.create(name=name, quorum=quorum, rule=rule, kind=kind)
    scope_for(board)
    return board


@action("board.edit", on=Board, requires="changes.chair")
def edit_board(
    actor: Actor,
    board: Board,
    *,
    quorum: Annotated[int, Field("Quorum", min=1, max=50)],
    rule: Annotated[Board.Rule, Field("Rule")],
) -> Board:
    """Change a board's quorum or rule; decisions that are open are decided by the new one."""
    board.quorum, board.rule = quorum, rule
    board.save()
    return board


@action("board.add_member", on=Board, requires="changes.chair")
def add_member(
    actor: Actor,
    board: Board,
    *,
    email: Annotated[str, Field("E-mail address", max_length=254)],
    deputy_of: Annotated[
        str | None,
        Field("Deputy of", help="A member's e-mail address; empty for a member with a vote.", max_length=254),
    ] = None,
) -> BoardMember:
    """Seat somebody on the board, or name a member's deputy."""
    user = _member_of_organization(actor, email, "email")
    principal = _member_of_organization(actor, deputy_of, "deputy_of") if deputy_of else None
    seated = board.members.filter(removed_at__isnull=True)
    if principal is not None:
        if not seated.filter(user=principal, deputy_of__isnull=True).exists():
            refuse("board.not_member", f"{principal} is no member of {board}.", field="deputy_of")
        if principal.pk == user.pk:
            refuse("board.own_deputy", "Nobody stands in for themselves.", field="deputy_of")
    if seated.filter(user=user, deputy_of=principal).exists():
        refuse("board.seated", f"{user} is seated already.", field="email")
    return BoardMember.objects.create(board=board, user=user, deputy_of=principal)


def _member_of_organization(actor: Actor, email: str, field: str):  # type: ignore[no-untyped-def]
    user = get_user_model().objects.filter(email__iexact=email.strip()).first()
    if (
        user is None
        or not Membership.objects.filter(user=user, organization_id=actor.organization_id).exists()
    ):
        refuse("person.unknown", f"{email} is nobody in this organization.", field=field)
    return user


@action(
    "board_member.remove",
    on=BoardMember,
    requires="changes.chair",
    danger=True,
    confirm="The person no longer votes on this board.",
)
def remove_member(
    actor: Actor, member: BoardMember, *, reason: Annotated[str, Field("Reason", long=True)]
) -> BoardMember:
    """Take somebody off the board. Votes already cast stand."""
    if member.removed_at:
        refuse("board.left", f"{member} has left the board already.")
    member.removed_at = now()
    member.save()
    return member


@action(
    "meeting.schedule", creates=Meeting, requires="changes.chair", within="board", label="Schedule a meeting"
)
def schedule_meeting(
    actor: Actor,
    *,
    board: Board,
    starts_at: Annotated[datetime, Field("Starts")],
    minutes_per_item: Annotated[int, Field("Minutes per item", min=1, max=60)] = 6,
) -> Meeting:
    """Call a meeting; its agenda is what awaits the board's decision, highest risk first."""
    meeting = Meeting.objects.create(board=board, starts_at=starts_at, minutes_per_item=minutes_per_item)
    _fill_agenda(meeting)
    return meeting


def _fill_agenda(meeting: Meeting) -> None:
    """Add what awaits the board and is not on the agenda yet: risk first, then the nearest window."""
    waiting = list(
        ChangeRequest.objects.filter(
            board_id=meeting.board_id, state=ChangeRequest.State.AWAITING_APPROVAL
        ).exclude(agenda_items__meeting=meeting)
    )
    late = datetime.max.replace(tzinfo=now().tzinfo)
    waiting.sort(
        key=lambda c: (
            c.type != ChangeRequest.Type.EMERGENCY,
            RISK_ORDER[ChangeRequest.Risk(c.risk)],
            c.window_starts or late,
            c.key,
        )
    )
    start = meeting.agenda.count()
    for position, change in enumerate(waiting, start + 1):
        AgendaItem.objects.create(meeting=meeting, change=change, position=position)


@action("meeting.open", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def open_meeting(actor: Actor, meeting: Meeting) -> Meeting:
    """Open the meeting with the first item; whoever opens it takes the chair."""
    _fill_agenda(meeting)
    meeting.chair_id = actor.user_id
    _take(meeting, meeting.agenda.order_by("position").first())
    return meeting


@action("meeting.next", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def next_item(actor: Actor, meeting: Meeting) -> Meeting:
    """Finish the present item and take up the next."""
    done = meeting.current
    if done is None:
        refuse(
            "meeting.agenda_done",
            "The agenda is done.",
            remedy="Close the meeting.",
            blocked_by=Ref.of(meeting),
        )
    done.finished_at = now()
    done.save()
    _take(meeting, meeting.agenda.filter(position__gt=done.position).order_by("position").first())
    meeting.save()
    return meeting


def _take(meeting: Meeting, item: AgendaItem | None) -> None:
    meeting.current = item
    meeting.current_since = now()
    if item is not None:
        item.taken_at = now()
        item.save()


@action("meeting.close", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def close_meeting(
    actor: Actor, meeting: Meeting, *, minutes: Annotated[str, Field("Minutes", long=True)] = ""
) -> Meeting:
    """Close the meeting; what is undecided stays open for votes between meetings."""
    meeting.current = None
    meeting.closed_at = now()
    meeting.minutes = minutes
    return meeting
