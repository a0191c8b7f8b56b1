"""Reading changes: what a vote is about, how it stands, who may vote, what stands in the way of submitting."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from governance.models import Board, BoardMember, ChangeRequest, ChangeSignature, Vote
from governance.models.changes import contents
from governance.rules.quorum import RoleVotes, Tally
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest, plain
from releasetrain.kernel.clock import now
from trains.queries import release_content

APPROVING = (Vote.Choice.APPROVE, Vote.Choice.CONDITIONS)


def present_content(change: ChangeRequest) -> tuple[dict[str, Any], str]:
    """(content, digest) of the change as it is now, its release's scope and artifacts included."""
    release = release_content(change.release) if change.release is not None else None
    content = plain(contents(change, release))
    return content, digest(content)


def contributors(change: ChangeRequest) -> set[uuid.UUID]:
    """People who had a hand in this change."""
    return set(change.contributors.values_list("user_id", flat=True))


def barred(change: ChangeRequest) -> set[uuid.UUID]:
    """People who may not decide this change: they contributed, or are recused."""
    return contributors(change) | set(change.recusals.values_list("user_id", flat=True))


def boards_at_work(user_id: uuid.UUID | None) -> list[Board]:
    """All boards with `waiting`, how many changes await them, and `own`, whether this person has a seat there; own ones first."""
    seats = BoardMember.objects.filter(board=OuterRef("pk"), user_id=user_id, removed_at__isnull=True)
    waiting = Q(changes__state=ChangeRequest.State.AWAITING_APPROVAL)
    return list(
        Board.objects.annotate(waiting=Count("changes", filter=waiting), own=Exists(seats)).order_by(
            "-own", "name"
        )
    )


def voters(board: Board) -> list[BoardMember]:
    """The members with a vote of their own."""
    return list(board.members.filter(removed_at__isnull=True, deputy_of__isnull=True).select_related("user"))


def votes_now(change: ChangeRequest) -> list[Vote]:
    """Votes on the present revision."""
    return list(change.votes.filter(revision=change.revision).select_related("voter", "cast_by"))


def tally(change: ChangeRequest) -> Tally:
    """How the present revision stands."""
    votes = votes_now(change)
    choices = [v.choice for v in votes]
    out = barred(change)
    board = change.board
    seated = voters(board)
    able = [m for m in seated if m.user_id not in out]
    return Tally(
        approvals=sum(c in APPROVING for c in choices),
        rejections=choices.count(Vote.Choice.REJECT),
        abstentions=choices.count(Vote.Choice.ABSTAIN),
        quorum=board.quorum,
        # Votes of people who have left the board since still stand.
        eligible=len({m.user_id for m in able} | {v.voter_id for v in votes}),
        unanimous=board.rule == Board.Rule.UNANIMOUS,
        share=board.share,
        roles=tuple(
            _role_votes(role, needed, able, votes) for role, needed in sorted(board.role_quorum.items())
        ),
        signed=signed(change),
    )


def _role_votes(role: str, needed: int, able: list[BoardMember], votes: list[Vote]) -> RoleVotes:
    """How the seats that speak for a role stand."""
    speaking = {m.user_id for m in able if m.represents == role}
    cast = {v.voter_id: v.choice for v in votes if v.voter_id in speaking}
    return RoleVotes(role, int(needed), sum(c in APPROVING for c in cast.values()), len(speaking - set(cast)))


def signed(change: ChangeRequest) -> bool | None:
    """Whether a problem manager agreed to the present revision; None where no signature is asked for."""
    if not change.joint:
        return None
    row = signature(change)
    return row is not None and row.agrees


def signature(change: ChangeRequest) -> ChangeSignature | None:
    """The signature on the present revision."""
    return change.signatures.filter(revision=change.revision).select_related("user").first()


@dataclass(frozen=True)
class Seat:
    """One member of the board, as the decision stands for them."""

    member: BoardMember
    vote: Vote | None
    recused: bool
    why: str = ""
    deputies: tuple[BoardMember, ...] = ()


def seats(change: ChangeRequest) -> list[Seat]:
    """Every member with their vote on the present revision, why they are recused, and who stands in for them now."""
    cast = {v.voter_id: v for v in votes_now(change)}
    hands: dict[uuid.UUID, str] = {
        c.user_id: f"{c.get_act_display().lower()}" for c in change.contributors.order_by("created_at")
    }
    said = {r.user_id: r.reason for r in change.recusals.all()}
    moment = now()
    rows = list(change.board.members.filter(removed_at__isnull=True).select_related("user", "deputy_of"))
    standing_in: dict[uuid.UUID, list[BoardMember]] = {}
    for row in rows:
        if row.deputy_of_id and row.in_force(moment):
            standing_in.setdefault(row.deputy_of_id, []).append(row)
    return [
        Seat(
            m,
            cast.get(m.user_id),
            m.user_id in hands or m.user_id in said,
            hands.get(m.user_id) or said.get(m.user_id, ""),
            tuple(standing_in.get(m.user_id, ())),
        )
        for m in rows
        if m.deputy_of_id is None
    ]


def may_cast_for(change: ChangeRequest, user_id: uuid.UUID | None) -> list[uuid.UUID]:
    """Whose vote this person may cast now: their own, or that of a member they stand in for."""
    out = barred(change)
    if user_id is None or user_id in out:
        return []
    moment = now()
    rows = [r for r in change.board.members.filter(removed_at__isnull=True) if r.in_force(moment)]
    members = {r.user_id for r in rows if r.deputy_of_id is None}
    used = {u for v in votes_now(change) for u in (v.voter_id, v.cast_by_id)}
    if user_id in used:
        return []
    mine = [r.deputy_of_id or r.user_id for r in rows if r.user_id == user_id]
    return [seat for seat in mine if seat in members and seat not in out and seat not in used]


def awaiting_vote_of(actor: Actor) -> list[ChangeRequest]:
    """Changes that wait for this person's vote, most urgent first."""
    if actor.user_id is None:
        return []
    moment = now()
    boards = (
        BoardMember.objects.filter(user_id=actor.user_id, removed_at__isnull=True)
        .exclude(starts_at__gt=moment)
        .exclude(ends_at__lte=moment)
        .values("board_id")
    )
    rows = (
        ChangeRequest.objects.filter(state=ChangeRequest.State.AWAITING_APPROVAL, board_id__in=boards)
        .exclude(contributors__user_id=actor.user_id)
        .exclude(recusals__user_id=actor.user_id)
        .exclude(decide_by__lte=moment)
        .select_related("release", "board")
        .order_by("window_starts", "submitted_at")
    )
    voted = Vote.objects.filter(Q(voter_id=actor.user_id) | Q(cast_by_id=actor.user_id)).values_list(
        "change_id", "revision"
    )
    done = set(voted)
    return [c for c in rows if (c.pk, c.revision) not in done]


def revision_before(change: ChangeRequest) -> dict[str, Any] | None:
    """The content of the revision before this one, for showing what changed since; None for the first."""
    row = change.history.filter(revision=change.revision - 1).order_by("-history_id").first()
    return row.content if row else None
