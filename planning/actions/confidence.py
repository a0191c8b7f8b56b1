"""The confidence vote: rounds, named or anonymous, and casting in them."""

from __future__ import annotations

import secrets
from typing import Annotated

from planning import sealing
from planning.models import (
    ConfidenceBallot,
    ConfidenceRound,
    ConfidenceTurnout,
    ConfidenceVote,
    SealedBallot,
)
from planning.rules.ballots import FEWEST_ANONYMOUS, LOW
from planning.states_event import ROUND_STATES
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import ProgramIncrement

explain_constraint("confidence_turnout_once", "You have voted in this round already.")
explain_constraint("confidence_round_one_open", "A vote is open already.")

BEFORE_COMMIT = ("draft", "planning")


def _before_commit(pi: ProgramIncrement) -> None:
    if pi.state not in BEFORE_COMMIT:
        refuse("pi.committed", f"{pi} is committed: the vote is closed.", blocked_by=Ref.of(pi))


def latest_round(pi: ProgramIncrement) -> ConfidenceRound | None:
    """The round that counts: the open one or the last closed one."""
    return ConfidenceRound.objects.filter(pi=pi).exclude(state="cancelled").order_by("-number").first()


@action(
    "confidence_round.open",
    creates=ConfidenceRound,
    requires="planning.commit",
    within="pi",
    label="Open a confidence vote",
)
def open_round(
    actor: Actor,
    *,
    pi: Annotated[ProgramIncrement, Field("PI")],
    anonymous: Annotated[
        bool, Field("Anonymous", "Nobody, not even an operator, can tell afterwards who gave which fingers.")
    ] = False,
    quorum: Annotated[int, Field("Quorum", "So many people must vote.", min=1, max=1000)] = 1,
    rework: Annotated[
        str, Field("What was reworked", "Needed after a round that was not confident.", long=True)
    ] = "",
) -> ConfidenceRound:
    """Call for fingers. After rework, call again: rounds are kept side by side."""
    _before_commit(pi)
    last = latest_round(pi)
    if last is not None and last.state == "open":
        refuse("confidence.open", f"{last} is open.", remedy="Close it first.", blocked_by=Ref.of(last))
    if last is not None and not rework.strip():
        refuse(
            "confidence.rework",
            f"Round {last.number} is closed. Voting again without having changed anything tells nothing.",
            remedy="Say what was reworked.",
            field="rework",
            status=422,
        )
    if anonymous and quorum < FEWEST_ANONYMOUS:
        quorum = FEWEST_ANONYMOUS
    number = ConfidenceRound.objects.filter(pi=pi).count() + 1
    return ConfidenceRound.objects.create(
        pi=pi,
        number=number,
        anonymous=anonymous,
        quorum=quorum,
        rework=rework.strip(),
        opened_by_id=actor.user_id,
    )


@action("confidence_round.close", on=ConfidenceRound, requires="planning.commit", machine=ROUND_STATES)
def close_round(actor: Actor, round_: ConfidenceRound) -> ConfidenceRound:
    """Close the vote and show what it says. Needs the quorum."""
    have = (round_.turnout if round_.anonymous else round_.votes).count()
    if have < round_.quorum:
        refuse(
            "confidence.quorum",
            f"{have} of {round_.quorum} votes are in.",
            remedy=f"{round_.quorum - have} more are needed, or cancel this round.",
        )
    if round_.anonymous:
        _open_ballots(round_, have)
    round_.closed_at = now()
    return round_


def _open_ballots(round_: ConfidenceRound, expected: int) -> None:
    """Open the sealed ballots, shuffle them, write them anew, and destroy the sealed ones."""
    sealed = list(SealedBallot.objects.select_for_update().filter(round=round_))
    if len(sealed) != expected:
        refuse(
            "confidence.count", f"{len(sealed)} ballots for {expected} voters: this round cannot be counted."
        )
    opened = [sealing.unseal(round_.pk, each.content) for each in sealed]
    secrets.SystemRandom().shuffle(opened)
    for fingers, comment in opened:
        ConfidenceBallot.objects.create(round=round_, fingers=fingers, comment=comment)
    SealedBallot.objects.filter(round=round_).delete()


@action(
    "confidence_round.cancel",
    on=ConfidenceRound,
    requires="planning.commit",
    machine=ROUND_STATES,
    danger=True,
)
def cancel_round(
    actor: Actor, round_: ConfidenceRound, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> ConfidenceRound:
    """Drop an open vote. Sealed ballots are destroyed unread."""
    SealedBallot.objects.filter(round=round_).delete()
    round_.closed_at = now()
    return round_


@action(
    "confidence_vote.cast",
    creates=ConfidenceVote,
    requires="planning.score",
    within="pi",
    label="Confidence vote",
    # What somebody votes stands in the vote; the ledger only says that they voted.
    quiet=("fingers", "comment"),
)
def cast_confidence_vote(
    actor: Actor,
    *,
    pi: Annotated[ProgramIncrement, Field("PI")],
    fingers: Annotated[int, Field("Fingers", "1 no confidence, 5 very high confidence.", min=1, max=5)],
    comment: Annotated[
        str, Field("What worries you", "Needed with one or two fingers.", max_length=300)
    ] = "",
) -> ConfidenceVote | ConfidenceTurnout:
    """Fist of five: say how confident you are. Voting again replaces a named vote; an anonymous one stands."""
    _before_commit(pi)
    if actor.user_id is None or actor.kind != "person":
        refuse("vote.nobody", "A vote is a person's; machines and the platform have none.")
    if fingers <= LOW and not comment.strip():
        refuse("vote.comment", "Say what would raise your confidence.", field="comment")
    latest = latest_round(pi)
    # Held, so that no vote slips in while the round is being closed.
    last = latest and ConfidenceRound.objects.select_for_update(of=("self",)).get(pk=latest.pk)
    if last is not None and last.state != "open":
        refuse(
            "confidence.closed",
            f"Round {last.number} is closed.",
            remedy="The Release Train Engineer opens another one after rework.",
            blocked_by=Ref.of(last),
        )
    if last is not None and last.anonymous:
        return _cast_unnamed(actor, last, fingers, comment)
    vote = ConfidenceVote.objects.filter(pi=pi, round=last, voter_id=actor.user_id).first()
    vote = vote or ConfidenceVote(pi=pi, round=last, voter_id=actor.user_id)
    vote.fingers, vote.comment, vote.voted_at = fingers, comment.strip(), now()
    vote.save()
    return vote


def _cast_unnamed(actor: Actor, round_: ConfidenceRound, fingers: int, comment: str) -> ConfidenceTurnout:
    if ConfidenceTurnout.objects.filter(round=round_, voter_id=actor.user_id).exists():
        refuse(
            "confidence.voted",
            "You have voted in this round. Nobody can tell which ballot is yours, so none can be replaced.",
            remedy="Ask for another round if the plan has changed.",
        )
    SealedBallot.objects.create(round=round_, content=sealing.seal(round_.pk, fingers, comment.strip()))
    return ConfidenceTurnout.objects.create(round=round_, voter_id=actor.user_id)
