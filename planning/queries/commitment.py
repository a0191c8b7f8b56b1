"""What stands in the way of committing a plan, and what a committed plan contains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planning.models import Feature, Objective, PlanBaseline
from planning.rules import refinement
from planning.rules.ballots import CONFIDENT
from releasetrain.kernel.refusals import Ref

from .board import Board
from .confidence import Confidence, confidence


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason against committing. A `hard` one cannot be accepted, the others can, with a reason."""

    code: str
    sentence: str
    remedy: str
    hard: bool = False
    ref: Ref | None = None


def findings(board: Board) -> list[Finding]:
    """Everything that speaks against committing this plan as it stands."""
    found: list[Finding] = []
    if not board.cards:
        found.append(
            Finding(
                "plan.empty",
                f"{board.pi} has no feature in its plan.",
                "Place features on the board.",
                hard=True,
            )
        )
    if board.cycle:
        found.append(
            Finding("plan.cycle", board.cycle, "Split one of them, or withdraw a dependency.", hard=True)
        )
    for feature in Feature.objects.filter(
        pi=board.pi, iteration__isnull=False, refined_at__isnull=True
    ).exclude(state__in=("done", "cancelled")):
        missing = refinement.missing(vars(feature), signed=False)
        found.append(
            Finding(
                "plan.unrefined",
                f"{feature} is not refined. Missing: {', '.join(missing)}.",
                "A technical lead refines and signs it.",
                hard=True,
                ref=Ref.of(feature),
            )
        )
    refs = {c.key: Ref("feature", str(c.id), c.key) for c in board.cards.values()}
    for edge in board.conflicts:
        ref = refs.get(edge.provider)
        found.append(
            Finding(
                "plan.conflict",
                edge.sentence,
                f"Move {edge.provider} earlier or {edge.consumer} later.",
                ref=ref,
            )
        )
    for edge in board.at_risk:
        if edge.state == "proposed":
            found.append(
                Finding(
                    "plan.unaccepted",
                    edge.sentence,
                    "The provider's side accepts it.",
                    ref=refs.get(edge.provider),
                )
            )
        elif not edge.drawn:
            found.append(
                Finding("plan.unplaced", edge.sentence, "Plan it as well.", ref=refs.get(edge.consumer))
            )
    for cell in board.overloads:
        found.append(
            Finding(
                "plan.overload",
                cell.sentence,
                f"Take {cell.load - cell.limit:g} points out of it." if cell.limit is not None else "",
            )
        )
    for card in board.cards.values():
        if card.blocked:
            found.append(
                Finding(
                    "plan.blocked",
                    f"{card.key} is blocked: {card.blocked}",
                    "Unblock it or take it out.",
                    ref=refs[card.key],
                )
            )
    found.extend(_doubts(confidence(board.pi)))
    return found


def _doubts(vote: Confidence) -> list[Finding]:
    if vote.open:
        return [
            Finding(
                "plan.voting",
                f"Confidence vote {vote.number} is open: {vote.cast} of {vote.quorum} votes are in.",
                "Close the vote.",
            )
        ]
    if vote.average is not None and vote.average < CONFIDENT:
        return [
            Finding(
                "plan.confidence",
                f"Confidence is {vote.average:.1f}, below {CONFIDENT:g}.",
                "Rework the plan and vote again.",
            )
        ]
    return []


def plan_content(board: Board) -> dict[str, Any]:
    """The plan in plain values and a stable order: what a baseline is the digest of."""
    names = {row.team.pk: row.team.code for row in board.rows}
    iterations = {column.iteration.pk: column.iteration.name for column in board.columns}
    cards = sorted(board.cards.values(), key=lambda c: str(c.id))
    return {
        "pi": board.pi.name,
        "train": board.pi.train.key,
        "starts": board.pi.starts,
        "ends": board.pi.ends,
        "features": [
            {
                "id": c.id,
                "key": c.key,
                "title": c.title,
                "kind": c.kind,
                "points": c.points,
                "wsjf": c.wsjf,
                "team": names.get(c.team_id, ""),
                "iteration": iterations.get(c.iteration_id, ""),
            }
            for c in cards
        ],
        "dependencies": [
            {"id": e.id, "provider": e.provider, "consumer": e.consumer, "state": e.state, "health": e.tone}
            for e in sorted(board.edges, key=lambda e: str(e.id))
        ],
        "capacity": [
            {
                "team": cell.team.code,
                "iteration": cell.iteration.name,
                "load": cell.load,
                "points": cell.capacity.points,
                "buffer": cell.capacity.buffer,
            }
            for row in board.rows
            for cell in row.cells
            if cell.capacity
        ],
        "objectives": [
            {
                "id": o.pk,
                "team": o.team.code,
                "title": o.title,
                "planned_value": o.planned_value,
                "uncommitted": o.uncommitted,
            }
            for o in Objective.objects.filter(pi=board.pi).select_related("team").order_by("pk")
        ],
        "confidence": _voted(confidence(board.pi)),
    }


def _voted(vote: Confidence) -> list[dict[str, Any]]:
    """Named votes by voter; of an anonymous round how many gave how many fingers."""
    if vote.anonymous:
        return [{"fingers": fingers, "votes": count} for fingers, count in vote.counts]
    return [{"voter": str(each.voter_id), "fingers": each.fingers} for each in vote.ballots]


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between the committed plan and the plan of today."""

    key: str
    title: str
    kind: str
    sentence: str


def drift(baseline: PlanBaseline, board: Board) -> list[Drift]:
    """What came in, went out or moved since the plan was committed."""
    then = {f["key"]: f for f in baseline.content["features"]}
    now = {f["key"]: f for f in plan_content(board)["features"]}
    gone = dict(Feature.objects.filter(key__in=then.keys() - now.keys()).values_list("key", "state"))
    found = []
    for key in sorted(then.keys() | now.keys()):
        old, new = then.get(key), now.get(key)
        if old is None and new is not None:
            found.append(Drift(key, new["title"], "added", f"came into {new['team']}, {new['iteration']}"))
        elif new is None and old is not None:
            found.append(
                Drift(
                    key,
                    old["title"],
                    "removed",
                    f"left {old['team']}, {old['iteration']}; it is {gone.get(key, 'gone')} now",
                )
            )
        elif old and new and (old["team"], old["iteration"]) != (new["team"], new["iteration"]):
            moved = f"moved from {old['team']}, {old['iteration']} to {new['team']}, {new['iteration']}"
            found.append(Drift(key, new["title"], "moved", moved))
        elif old and new and old["points"] != new["points"]:
            found.append(
                Drift(key, new["title"], "resized", f"was {old['points']} points, is {new['points']}")
            )
    return found
