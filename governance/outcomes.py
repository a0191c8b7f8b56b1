"""What became of deployments: their own end, and the troubles that higher apps link to them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from releasetrain.kernel.refusals import Ref
from trains.models import Deployment

# Of the deployments named, those that somebody says caused or contributed to a trouble, with the troubles.
TroubleSource = Callable[[list[uuid.UUID]], Mapping[uuid.UUID, Iterable[Ref]]]

_sources: list[TroubleSource] = []


def troubles(source: TroubleSource) -> TroubleSource:
    """Register who knows what deployments have caused: fn(deployment ids) -> {deployment id: incidents}."""
    _sources.append(source)
    return source


@dataclass(frozen=True)
class BecameOf:
    """How the deployments of one release turned out."""

    deployments: tuple[Deployment, ...]
    failed: int
    rolled_back: int
    incidents: tuple[Ref, ...]

    @property
    def bad(self) -> bool:
        return bool(self.failed or self.rolled_back or self.incidents)

    @property
    def sentence(self) -> str:
        said = [
            f"{self.failed} failed" if self.failed else "",
            f"{self.rolled_back} rolled back" if self.rolled_back else "",
            f"{len(self.incidents)} incident{'s' if len(self.incidents) > 1 else ''}"
            if self.incidents
            else "",
        ]
        return ", ".join(filter(None, said)) or "went well"


def became_of(groups: Mapping[uuid.UUID, list[Deployment]]) -> dict[uuid.UUID, BecameOf]:
    """The outcome of each group of deployments; one question to each source for all of them."""
    ids = [d.pk for rows in groups.values() for d in rows]
    linked: dict[uuid.UUID, dict[str, Ref]] = {}
    for source in _sources:
        for pk, refs in source(ids).items():
            linked.setdefault(pk, {}).update({ref.id: ref for ref in refs})
    states = Deployment.State
    found = {}
    for key, rows in groups.items():
        incidents = {ref.id: ref for d in rows for ref in linked.get(d.pk, {}).values()}
        found[key] = BecameOf(
            tuple(rows),
            sum(d.state == states.FAILED for d in rows),
            sum(d.state == states.ROLLED_BACK for d in rows),
            tuple(sorted(incidents.values(), key=lambda r: (r.label, r.id))),
        )
    return found
