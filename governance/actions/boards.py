"""Writes of change boards and their meetings."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from django.contrib.auth import get_user_model

from governance.models import AgendaItem, Board, BoardMember, ChangeRequest, Meeting, MeetingAction
from governance.queries.boardroom import decision_words, minutes_of
from governance.rules.agenda import time_box
from governance.states.changes import MEETING_STATES
from releasetrain.accounts.actions import scope_for
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import Membership
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP, Field
from releasetrain.kernel.refusals import Ref, refuse

LONGEST_DELEGATION = timedelta(days=92)
RISK_ORDER = {ChangeRequest.Risk.HIGH: 0, ChangeRequest.Risk.MEDIUM: 1, ChangeRequest.Risk.LOW: 2}


Share = Annotated[
    int, Field("Share that must take part", help="Percent of those who may decide.", min=0, max=100)
]
RoleQuorum = Annotated[
    dict | None,
    Field(
        "Roles that must agree",
        help='How many approvals by seats that speak for a role: {"compliance_officer": 1}.',
    ),
]
VoteHours = Annotated[
    int | None,
    Field("Hours to vote", help="After that a change expires, or goes to the next board.", min=1, max=8760),
]
ApprovalDays = Annotated[int, Field("Days an approval lasts", min=1, max=365)]


@action("board.create", creates=Board, requires="changes.chair")
def create_board(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=80)],
    quorum: Annotated[
        int, Field("Quorum", help="Votes that must be cast before a decision stands.", min=1, max=50)
    ] = 3,
    rule: Annotated[
        Board.Rule | None, Field("Rule", help="Empty: majority; for emergencies no rejection at all.")
    ] = None,
    kind: Annotated[Board.Kind, Field("Kind")] = Board.Kind.CAB,
    share: Share = 0,
    role_quorum: RoleQuorum = None,
    vote_hours: VoteHours = None,
    escalates_to: Annotated[
        Board | None, Field("Next board", help="Decides where this one does not.")
    ] = None,
    approval_days: ApprovalDays = 30,
) -> Board:
    """Set up a change board. A board for emergencies is unanimous, and each of its approvals is reviewed."""
    if Board.objects.filter(name=name).exists():
        refuse("board.exists", f"There is a board {name} already.", field="name")
    strict = Board.Rule.UNANIMOUS if kind == Board.Kind.ECAB else Board.Rule.MAJORITY
    board = Board.objects.create(
        name=name,
        quorum=quorum,
        rule=rule or strict,
        kind=kind,
        share=share,
        role_quorum=_checked_roles(role_quorum or {}),
        vote_hours=vote_hours,
        escalates_to=escalates_to,
        approval_days=approval_days,
    )
    scope_for(board)
    return board


def _checked_roles(asked: dict[str, Any]) -> dict[str, int]:
    for role, number in asked.items():
        if role not in Role.values:
            refuse("board.role", f"There is no role {str(role)[:40]}.", field="role_quorum")
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 50:
            refuse(
                "board.role", f"{Role(role).label}: a whole number of approvals, from 1.", field="role_quorum"
            )
    return dict(sorted(asked.items()))


@action("board.edit", on=Board, requires="changes.chair")
def edit_board(
    actor: Actor,
    board: Board,
    *,
    quorum: Annotated[int, Field("Quorum", min=1, max=50)],
    rule: Annotated[Board.Rule, Field("Rule")],
    share: Annotated[int | None, Field("Share that must take part", min=0, max=100)] = None,
    role_quorum: RoleQuorum = None,
    vote_hours: VoteHours = KEEP,
    escalates_to: Annotated[Board | None, Field("Next board")] = KEEP,
    approval_days: Annotated[int | None, Field("Days an approval lasts", min=1, max=365)] = None,
) -> Board:
    """Change a board's rules; decisions that are open are decided by the new ones."""
    board.quorum, board.rule = quorum, rule
    board.share = board.share if share is None else share
    board.approval_days = approval_days or board.approval_days
    if role_quorum is not None:
        board.role_quorum = _checked_roles(role_quorum)
    if vote_hours is not KEEP:
        board.vote_hours = vote_hours
    if escalates_to is not KEEP:
        board.escalates_to = escalates_to
        _no_circle(board)
    board.save()
    return board


def _no_circle(board: Board) -> None:
    """What goes further up ends somewhere."""
    above = dict(Board.objects.values_list("pk", "escalates_to_id"))
    at, seen = board.escalates_to_id, {board.pk}
    while at is not None:
        if at in seen:
            refuse("board.circle", "A board would escalate to itself in the end.", field="escalates_to")
        seen.add(at)
        at = above.get(at)


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
    represents: Annotated[
        str,
        Field(
            "Speaks for",
            help="The role whose agreement the seat gives.",
            choices=[("", "Nobody in particular"), *Role.choices],
        ),
    ] = "",
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
    if seated.filter(user=user, deputy_of=principal, starts_at__isnull=True).exists():
        refuse("board.seated", f"{user} is seated already.", field="email")
    if represents:
        held = Actor(actor.organization_id, user.pk, str(user)).grants
        if not held:
            refuse("board.no_role", f"{user} holds no role here.", field="represents")
    return BoardMember.objects.create(board=board, user=user, deputy_of=principal, represents=represents)


@action("board.delegate", on=Board, requires="changes.vote", label="Delegate my vote")
def delegate(
    actor: Actor,
    board: Board,
    *,
    email: Annotated[str, Field("To", help="E-mail address of a colleague who may vote.", max_length=254)],
    starts_at: Annotated[datetime, Field("From")],
    ends_at: Annotated[datetime, Field("Until")],
) -> BoardMember:
    """Let a colleague vote in your place for a time. What either of you had a hand in, neither decides."""
    seat = board.members.filter(
        user_id=actor.user_id, deputy_of__isnull=True, removed_at__isnull=True
    ).first()
    if seat is None:
        refuse(
            "board.not_member",
            f"You have no vote on {board} to delegate.",
            blocked_by=Ref.of(board),
            status=403,
        )
    user = _member_of_organization(actor, email, "email")
    if user.pk == actor.user_id:
        refuse("board.own_deputy", "Nobody stands in for themselves.", field="email")
    if not Actor(actor.organization_id, user.pk, str(user)).may("changes.vote", board):
        refuse(
            "board.may_not_vote",
            f"{user} may not vote on changes.",
            remedy="An organization owner can grant the role of a CAB member.",
            field="email",
        )
    if ends_at <= starts_at:
        refuse("board.delegation", "The delegation ends before it starts.", field="ends_at")
    if ends_at <= now():
        refuse("board.delegation", "The delegation would be over already.", field="ends_at")
    if ends_at - starts_at > LONGEST_DELEGATION:
        refuse(
            "board.delegation",
            f"A delegation lasts at most {LONGEST_DELEGATION.days} days.",
            remedy="For longer the chair names a deputy.",
            field="ends_at",
        )
    clash = board.members.filter(
        deputy_of_id=actor.user_id, removed_at__isnull=True, starts_at__lt=ends_at, ends_at__gt=starts_at
    ).first()
    if clash is not None:
        refuse(
            "board.delegated",
            f"Your vote is delegated to {clash.user} in that time.",
            remedy="Recall that delegation first.",
            field="starts_at",
        )
    return BoardMember.objects.create(
        board=board, user=user, deputy_of_id=actor.user_id, starts_at=starts_at, ends_at=ends_at
    )


@action("board_member.recall", on=BoardMember, requires="changes.vote")
def recall(actor: Actor, member: BoardMember) -> BoardMember:
    """Take your delegation back. Votes already cast stand."""
    if member.deputy_of_id is None or member.deputy_of_id != actor.user_id:
        refuse("board.not_yours", "This is no delegation of yours.", status=403)
    if member.removed_at:
        refuse("board.left", "This delegation is over already.")
    member.removed_at = now()
    member.save()
    return member


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
    """Add what awaits the board and is not on the agenda yet: risk first, then the nearest window, each with its time."""
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
        minutes = time_box(change.risk, meeting.minutes_per_item)
        AgendaItem.objects.create(meeting=meeting, change=change, position=position, minutes=minutes)
    if not meeting.joint and any(c.joint for c in waiting):
        meeting.joint = True
        meeting.save()


@action("meeting.open", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def open_meeting(actor: Actor, meeting: Meeting) -> Meeting:
    """Open the meeting with the first item; whoever opens it takes the chair."""
    _fill_agenda(meeting)
    meeting.chair_id = actor.user_id
    _attends(meeting, actor.user_id, actor.name)
    _take(meeting, meeting.agenda.order_by("position").first())
    return meeting


@action("meeting.attend", on=Meeting, requires="changes.vote", machine=MEETING_STATES, label="I am here")
def attend(actor: Actor, meeting: Meeting) -> Meeting:
    """Put your presence on record."""
    if actor.user_id is None:
        refuse("meeting.person", "A person attends.", status=403)
    if not _attends(meeting, actor.user_id, actor.name):
        refuse("meeting.attending", "You are on record as present already.")
    meeting.save()
    return meeting


def _attends(meeting: Meeting, user_id: Any, name: str) -> bool:
    if any(each["user"] == str(user_id) for each in meeting.attendance):
        return False
    meeting.attendance = [*meeting.attendance, {"user": str(user_id), "name": name, "at": now().isoformat()}]
    return True


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
    _finish(done)
    _take(meeting, meeting.agenda.filter(position__gt=done.position).order_by("position").first())
    meeting.save()
    return meeting


def _finish(item: AgendaItem) -> None:
    """The item is done; what became of its change goes into the minutes."""
    item.finished_at = now()
    item.decision = decision_words(item.change)
    item.save()


@action("meeting.more_time", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def more_time(
    actor: Actor, meeting: Meeting, *, minutes: Annotated[int, Field("Minutes", min=1, max=60)] = 2
) -> Meeting:
    """Give the present item more time."""
    item = meeting.current
    if item is None:
        refuse("meeting.agenda_done", "No item is being talked about.", blocked_by=Ref.of(meeting))
    item.minutes += minutes
    item.save()
    return meeting


@action("meeting.take_note", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def take_note(
    actor: Actor, meeting: Meeting, *, text: Annotated[str, Field("Note", long=True, max_length=2_000)]
) -> Meeting:
    """Note something about the present item, for the minutes."""
    item = meeting.current
    if item is None:
        refuse("meeting.agenda_done", "No item is being talked about.", blocked_by=Ref.of(meeting))
    if not text.strip():
        refuse("required", "Write the note.", field="text")
    item.notes = f"{item.notes}\n{text.strip()}".strip()
    item.save()
    return meeting


@action("meeting.add_action", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def add_action(
    actor: Actor,
    meeting: Meeting,
    *,
    title: Annotated[str, Field("What", max_length=200)],
    owner: Annotated[str, Field("Who", help="E-mail address.", max_length=254)],
    due_on: Annotated[date, Field("Due")],
    change: Annotated[ChangeRequest | None, Field("About")] = None,
) -> MeetingAction:
    """Put on record what somebody takes upon themselves."""
    user = _member_of_organization(actor, owner, "owner")
    if due_on < now().date():
        refuse("meeting.action_past", "The day has passed.", field="due_on")
    return MeetingAction.objects.create(
        meeting=meeting, change=change, title=title, owner=user, due_on=due_on
    )


@action("meeting_action.finish", on=MeetingAction, requires="organization.view")
def finish_action(
    actor: Actor,
    item: MeetingAction,
    *,
    result: Annotated[str, Field("What came of it", long=True, max_length=2_000)],
) -> MeetingAction:
    """Report an action item done: its owner does, or whoever runs the board."""
    if item.owner_id != actor.user_id and not actor.may("changes.chair", item):
        refuse("meeting.not_owner", f"{item.owner} reports this.", status=403)
    if item.done_at:
        refuse("meeting.action_done", "This is done already.")
    if not result.strip():
        refuse("required", "Say what came of it.", field="result")
    item.done_at, item.result = now(), result.strip()
    item.save()
    return item


def _take(meeting: Meeting, item: AgendaItem | None) -> None:
    meeting.current = item
    meeting.current_since = now()
    if item is not None:
        item.taken_at = now()
        item.save()


@action("meeting.close", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def close_meeting(
    actor: Actor,
    meeting: Meeting,
    *,
    minutes: Annotated[
        str,
        Field(
            "Minutes",
            help="Empty: written from what happened, to be edited afterwards.",
            long=True,
            max_length=50_000,
        ),
    ] = "",
) -> Meeting:
    """Close the meeting; what is undecided stays open for votes between meetings."""
    if meeting.current is not None:
        _finish(meeting.current)
    for item in meeting.agenda.filter(finished_at__isnull=True, taken_at__isnull=True):
        item.decision = "Not reached."
        item.save()
    meeting.current = None
    meeting.closed_at = now()
    meeting.minutes = minutes.strip() or minutes_of(meeting)
    return meeting


@action("meeting.edit_minutes", on=Meeting, requires="changes.chair", machine=MEETING_STATES)
def edit_minutes(
    actor: Actor,
    meeting: Meeting,
    *,
    minutes: Annotated[
        str, Field("Minutes", long=True, max_length=50_000, initial=lambda actor, meeting: meeting.minutes)
    ],
) -> Meeting:
    """Correct the minutes; every version is kept."""
    if not minutes.strip():
        refuse("required", "Minutes are not empty.", field="minutes")
    meeting.minutes = minutes.strip()
    meeting.save()
    return meeting
