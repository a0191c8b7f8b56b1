"""Reading changes: what a vote is about, how it stands, who may vote, what stands in the way of submitting."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from governance.models import Board, BoardMember, ChangeRequest, Vote
from governance.models.changes import contents
from governance.rules.quorum import Tally
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest, plain
from trains.queries import release_content


def present_content(change: ChangeRequest) -> tuple[dict[str, Any], str]:
    """(content, digest) of the change as it is now, its release's scope and artifacts included."""
    release = release_content(change.release) if change.release is not None else None
    content = plain(contents(change, release))
    return content, digest(content)


def contributors(change: ChangeRequest) -> set[uuid.UUID]:
    """People who may not decide this change."""
    return set(change.contributors.values_list("user_id", flat=True))


def voters(board: Board) -> list[BoardMember]:
    """The members with a vote of their own."""
    return list(board.members.filter(removed_at__isnull=True, deputy_of__isnull=True).select_related("user"))


def votes_now(change: ChangeRequest) -> list[Vote]:
    """Votes on the present revision."""
    return list(change.votes.filter(revision=change.revision).select_related("voter", "cast_by"))


def tally(change: ChangeRequest) -> Tally:
    """How the present revision stands."""
    choices = [v.choice for v in votes_now(change)]
    barred = contributors(change)
    board = change.board
    return Tally(
        approvals=sum(c in (Vote.Choice.APPROVE, Vote.Choice.CONDITIONS) for c in choices),
        rejections=choices.count(Vote.Choice.REJECT),
        abstentions=choices.count(Vote.Choice.ABSTAIN),
        quorum=board.quorum,
        eligible=sum(m.user_id not in barred for m in voters(board)),
        unanimous=board.rule == Board.Rule.UNANIMOUS,
    )


@dataclass(frozen=True)
class Seat:
    """One member of the board, as the decision stands for them."""

    member: BoardMember
    vote: Vote | None
    recused: bool


def seats(change: ChangeRequest) -> list[Seat]:
    """Every member with their vote on the present revision; contributors are recused."""
    cast = {v.voter_id: v for v in votes_now(change)}
    barred = contributors(change)
    return [Seat(m, cast.get(m.user_id), m.user_id in barred) for m in voters(change.board)]


def may_cast_for(change: ChangeRequest, user_id: uuid.UUID | None) -> list[uuid.UUID]:
    """Whose vote this person may cast now: their own, or that of a member they stand in for."""
    if user_id is None or user_id in contributors(change):
        return []
    rows = change.board.members.filter(user_id=user_id, removed_at__isnull=True)
    barred = contributors(change)
    used = {u for v in votes_now(change) for u in (v.voter_id, v.cast_by_id)}
    seats_ = [row.deputy_of_id or row.user_id for row in rows]
    return [seat for seat in seats_ if seat not in barred and seat not in used and user_id not in used]


def awaiting_vote_of(actor: Actor) -> list[ChangeRequest]:
    """Changes that wait for this person's vote, most urgent first."""
    if actor.user_id is None:
        return []
    boards = BoardMember.objects.filter(user_id=actor.user_id, removed_at__isnull=True).values("board_id")
    rows = (
        ChangeRequest.objects.filter(state=ChangeRequest.State.AWAITING_APPROVAL, board_id__in=boards)
        .exclude(contributors__user_id=actor.user_id)
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
