"""When 5 Whys and a fishbone are worth their time, and how both are laid out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_WHYS = 6
# So many reviews with the same kind of cause make it a pattern of the system, not of one release.
SYSTEMIC = 2


@dataclass(frozen=True)
class Situation:
    """What is known when causes are discussed."""

    incidents: int = 0
    services: int = 1
    gaps: int = 0
    failed_at_once: bool = False
    categories: frozenset[str] = frozenset()
    earlier: int = 0
    process_wide: bool = False


@dataclass(frozen=True)
class Offer:
    """Whether the tools are offered, and why or why not."""

    offered: bool
    why: str


def offer(seen: Situation) -> Offer:
    """Only where the pattern is not obvious, or systemic."""
    if seen.process_wide:
        return Offer(True, "A cause reaches beyond this release.")
    if seen.earlier >= SYSTEMIC:
        return Offer(True, f"{seen.earlier} earlier reviews of the service found causes of the same kind.")
    if seen.services > 1:
        return Offer(True, f"{seen.services} services were involved.")
    if len(seen.categories) > 1:
        return Offer(True, f"The causes named so far are of {len(seen.categories)} kinds.")
    if seen.incidents > 1:
        return Offer(True, f"{seen.incidents} incidents are laid to it.")
    if seen.incidents and not seen.failed_at_once:
        return Offer(True, "The deployment succeeded, and the incident came later.")
    if not seen.incidents and not seen.failed_at_once:
        return Offer(False, "Nothing failed.")
    return Offer(False, "One thing failed, once, and where it can be seen.")


@dataclass
class Why:
    """A cause with what explains it."""

    cause: Any
    depth: int
    answers: list[Why] = field(default_factory=list)


def tree(causes: Sequence[Any]) -> list[Why]:
    """The causes as trees: below each what answers why of it. Each cause has id and because_of_id."""
    nodes = {cause.id: Why(cause, 1) for cause in causes}
    roots = []
    for cause in causes:
        above = nodes.get(cause.because_of_id)
        (above.answers if above is not None else roots).append(nodes[cause.id])
    for root in roots:
        _number(root, 1)
    return roots


def _number(node: Why, depth: int) -> None:
    node.depth = depth
    for answer in node.answers:
        _number(answer, depth + 1)


def flat(roots: Iterable[Why]) -> list[Why]:
    """The trees from above to below, each cause once."""
    found = []
    for root in roots:
        found.append(root)
        found.extend(flat(root.answers))
    return found


def fishbone(causes: Sequence[Any], labels: Mapping[str, str]) -> list[tuple[str, list[Any]]]:
    """The bones: kinds of causes in the order of the taxonomy, those without causes left out."""
    bones: dict[str, list[Any]] = {}
    for cause in causes:
        bones.setdefault(cause.category, []).append(cause)
    return [(labels[kind], bones[kind]) for kind in labels if kind in bones]
