"""What a change of configuration items, or a release, reaches over their relations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from trains.models import ConfigurationItem, ConfigurationRelation, Release
from trains.rules.impact import FURTHEST, MOST, Edge, walk

# How a step of an impact reads from what changes: against the relation, except where it is provided for.
_READS = {
    "depends_on": "needed by",
    "runs_on": "carries",
    "contains": "part of",
    "connects_to": "connects to",
    "provides": "provides for",
}


@dataclass(frozen=True)
class Walked:
    """One item that is hit: after how many relations, and over which way."""

    item: ConfigurationItem
    hops: int
    path: tuple[ConfigurationItem, ...]
    kinds: tuple[str, ...]

    @property
    def is_start(self) -> bool:
        return self.hops == 0

    @property
    def sentence(self) -> str:
        """The way in words, from what changes to what is hit."""
        names = [item.name for item in self.path]
        steps = (f" → {_READS[kind]} {name}" for kind, name in zip(self.kinds, names[1:], strict=True))
        return names[0] + "".join(steps)


@dataclass(frozen=True)
class Impact:
    """The walked items, nearest and most critical first; `cut` says that the bounds left something out."""

    walked: tuple[Walked, ...]
    cut: bool

    def __iter__(self) -> Iterator[Walked]:
        return iter(self.walked)

    def __len__(self) -> int:
        return len(self.walked)

    @property
    def starts(self) -> tuple[Walked, ...]:
        """The items that change themselves."""
        return tuple(each for each in self.walked if each.is_start)

    @property
    def reached(self) -> tuple[Walked, ...]:
        """The items that are hit beyond those."""
        return tuple(each for each in self.walked if not each.is_start)


def items_of(release: Release) -> list[ConfigurationItem]:
    """The items in use that stand for the services whose builds a release carries."""
    services = release.artifacts.values("service")
    rows = ConfigurationItem.objects.filter(service__in=services)
    return list(rows.exclude(state=ConfigurationItem.State.RETIRED).order_by("key"))


def rests_on(starts: Iterable[ConfigurationItem], *, most: int = MOST) -> list[ConfigurationItem]:
    """The items and, level by level, everything that they depend on, run on or contain, by key."""
    found = {item.pk: item for item in starts}
    level = list(found)
    kinds = ("depends_on", "runs_on", "contains")
    while level and len(found) <= most:
        rows = ConfigurationRelation.objects.filter(
            source__in=level, kind__in=kinds, ended_at__isnull=True
        ).exclude(target__state=ConfigurationItem.State.RETIRED)
        reached = {row.target_id: row.target for row in rows.select_related("target").order_by()}
        level = [pk for pk in reached if pk not in found]
        found |= {pk: reached[pk] for pk in level}
    return sorted(found.values(), key=lambda item: item.key)


def impact_of(
    changed: Release | Iterable[ConfigurationItem], *, hops: int = FURTHEST, most: int = MOST
) -> Impact:
    """The items that change, and all that they reach: one query a hop, at most `hops` far and `most` items in all."""
    starts = items_of(changed) if isinstance(changed, Release) else list(changed)
    found = walk((item.pk for item in starts), _edges_at, hops=hops, most=most)
    items = {item.pk: item for item in starts}
    missing = [pk for pk in found.ways if pk not in items]
    rows = ConfigurationItem.objects.filter(pk__in=missing).select_related("team", "service", "owner")
    items |= {item.pk: item for item in rows}
    walked = [
        Walked(
            items[pk],
            len(way),
            tuple(items[each] for each in ((way[0].came_from if way else pk), *(s.reached for s in way))),
            tuple(step.kind for step in way),
        )
        for pk, way in found.ways.items()
    ]
    walked.sort(key=lambda each: (each.hops, each.item.criticality, each.item.name, str(each.item.pk)))
    return Impact(tuple(walked), found.cut)


def _edges_at(items: Collection[UUID]) -> Iterable[Edge]:
    """The relations in force that touch these items, between items that are not retired."""
    retired = ConfigurationItem.State.RETIRED
    rows = (
        ConfigurationRelation.objects.filter(Q(source__in=items) | Q(target__in=items), ended_at__isnull=True)
        .exclude(source__state=retired)
        .exclude(target__state=retired)
        .order_by()
    )
    return [Edge(*row) for row in rows.values_list("source_id", "kind", "target_id")]
