"""Taking over a proposed sequence: one act, each feature placed as if by hand."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import Feature
from planning.queries.sequence import sequence
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from trains.models import ProgramIncrement, Train

from .placement import place_feature


def _increments(actor: Actor, subject: Any) -> Any:
    rows = ProgramIncrement.objects.exclude(state="closed")
    return rows.filter(train=subject) if subject is not None else rows


@action("train.apply_sequence", hidden=True, on=Train, requires="planning.plan", label="Apply to the board")
def apply_sequence(
    actor: Actor,
    train: Train,
    *,
    digest: Annotated[
        str,
        Field(
            "Preview", "The digest of the proposal that was looked at; another one is refused.", max_length=80
        ),
    ],
    pi: Annotated[
        ProgramIncrement | None, Field("Program Increment", "All open ones when left out.", rows=_increments)
    ] = None,
    keep: Annotated[bool, Field("Keep what is planned", "Else planned features may move as well.")] = True,
) -> dict[str, Any]:
    """Place the proposed features on the board, each as an ordinary move; refused when the backlog changed since."""
    if pi is not None and pi.train_id != train.pk:
        refuse("train.other", f"{pi} belongs to another train.", field="pi")
    proposal = sequence(train, pi, keep=keep)
    if not proposal.moves:
        refuse("sequence.empty", "There is nothing to place.", remedy="Refine and estimate features first.")
    if proposal.digest != digest:
        refuse(
            "sequence.stale",
            "The backlog, the board or a capacity changed since this preview was made.",
            remedy="Look at the new proposal, then apply it.",
            field="digest",
        )
    current = {f.pk: f for f in Feature.objects.filter(pk__in=[s.feature.pk for s in proposal.moves])}
    for step in proposal.moves:
        place_feature(
            actor, current[step.feature.pk], iteration=step.then, row_version=step.feature.row_version
        )
    moved = sum(step.now is not None for step in proposal.moves)
    return {"placed": len(proposal.moves) - moved, "moved": moved, "digest": digest}
