"""What the confidence vote says: the round that counts, and how confidence grew from round to round."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from planning.models import ConfidenceBallot, ConfidenceRound, ConfidenceTurnout, ConfidenceVote
from planning.rules.ballots import LOW, Tally, tally
from trains.models import ProgramIncrement


@dataclass(frozen=True, slots=True)
class Ballot:
    """Fingers and words as they are shown; without a voter in an anonymous round."""

    fingers: int
    comment: str
    voter: str = ""
    voter_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Confidence:
    """The vote that counts. While a round is open nobody sees fingers, so that nobody follows others."""

    round: ConfidenceRound | None
    cast: int
    ballots: tuple[Ballot, ...]
    rounds: tuple[tuple[ConfidenceRound, Tally], ...] = ()

    @property
    def open(self) -> bool:
        return self.round is not None and self.round.state == "open"

    @property
    def anonymous(self) -> bool:
        return self.round is not None and self.round.anonymous

    @property
    def number(self) -> int:
        return self.round.number if self.round else 0

    @property
    def quorum(self) -> int:
        return self.round.quorum if self.round else 0

    @property
    def tally(self) -> Tally:
        return tally([each.fingers for each in self.ballots])

    @property
    def average(self) -> float | None:
        return self.tally.average

    @property
    def counts(self) -> tuple[tuple[int, int], ...]:
        return self.tally.counts

    @property
    def low(self) -> list[Ballot]:
        return [each for each in self.ballots if each.fingers <= LOW]


def confidence(pi: ProgramIncrement) -> Confidence:
    """The present vote on a plan; before any round was opened, a show of hands."""
    rounds = list(ConfidenceRound.objects.filter(pi=pi).exclude(state="cancelled").order_by("-number"))
    if not rounds:
        hands = _named(ConfidenceVote.objects.filter(pi=pi, round__isnull=True))
        return Confidence(None, len(hands), hands)
    closed = [each for each in rounds if each.state == "closed"]
    tallies = tuple((each, tally([b.fingers for b in _of(each)])) for each in closed)
    last = rounds[0]
    if last.state == "open":
        return Confidence(last, _cast(last), (), tallies)
    ballots = _of(last)
    return Confidence(last, len(ballots), ballots, tallies)


def has_voted(pi: ProgramIncrement, user_id: uuid.UUID | None) -> bool:
    """Whether somebody's vote is in: in the open round, or as a hand shown."""
    last = ConfidenceRound.objects.filter(pi=pi).exclude(state="cancelled").order_by("-number").first()
    if last is not None and last.anonymous:
        return ConfidenceTurnout.objects.filter(round=last, voter_id=user_id).exists()
    return ConfidenceVote.objects.filter(pi=pi, round=last, voter_id=user_id).exists()


def _cast(round_: ConfidenceRound) -> int:
    return (round_.turnout if round_.anonymous else round_.votes).count()


def _of(round_: ConfidenceRound) -> tuple[Ballot, ...]:
    if not round_.anonymous:
        return _named(ConfidenceVote.objects.filter(round=round_))
    found = ConfidenceBallot.objects.filter(round=round_).order_by("fingers", "id")
    return tuple(Ballot(each.fingers, each.comment) for each in found)


def _named(rows: object) -> tuple[Ballot, ...]:
    found = rows.select_related("voter").order_by("voter_id")  # type: ignore[attr-defined]
    return tuple(Ballot(v.fingers, v.comment, str(v.voter), v.voter_id) for v in found)
