"""The register of flags as its rules read it: stale ones, contradictions, and which scope is dark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from releasetrain.kernel.clock import now
from trains.models import Environment, FeatureFlag, Release, ScopeItem
from trains.rules import feature_flags as rules


def in_force() -> QuerySet[FeatureFlag]:
    """Flags that are not removed, with what their rules read."""
    rows = FeatureFlag.objects.filter(removed_at__isnull=True)
    return rows.select_related("service", "owner", "team", "release", "item").order_by("name", "pk")


def states_of(flag: FeatureFlag) -> dict[str, rules.State]:
    """What was last reported of a flag, by name of environment."""
    return {
        said["environment"]: rules.State(
            on=said["on"],
            share=said["share"],
            since=datetime.fromisoformat(said["since"]),
            reported_at=datetime.fromisoformat(said["at"]),
            variant=said["variant"],
        )
        for said in flag.states.values()
    }


def as_rule(flag: FeatureFlag) -> rules.Flag:
    """The flag as its rules need it."""
    return rules.Flag(
        id=flag.pk,
        name=flag.name,
        service=flag.service.name if flag.service else "",
        permanent=flag.is_permanent,
        owned=bool(flag.owner_id or flag.team_id),
        remove_by=flag.remove_by,
        released_at=flag.release.released_at if flag.release else None,
        states=states_of(flag),
        requires=flag.requires,
        excludes=flag.excludes,
        registered_at=flag.created_at,
    )


@dataclass(frozen=True)
class Entry:
    """A flag of the register with its states in the order of the environments, and why it is stale."""

    flag: FeatureFlag
    states: list[rules.State | None]
    stale: list[str]


@dataclass(frozen=True)
class Register:
    """All flags in force, with what is wrong among them."""

    environments: list[Environment]
    entries: list[Entry]
    conflicts: list[rules.Conflict]

    @property
    def stale(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.stale]


def register(flags: Iterable[FeatureFlag] | None = None) -> Register:
    """The register of these flags, or of all; contradictions are looked for among all of them."""
    every = list(in_force())
    shown = every if flags is None else list(flags)
    environments = list(Environment.objects.order_by("rank", "name"))
    names = [e.name for e in environments]
    production = [e.name for e in environments if e.is_production]
    moment = now()
    read = {flag.pk: as_rule(flag) for flag in {f.pk: f for f in [*every, *shown]}.values()}
    entries = [
        Entry(
            flag,
            [read[flag.pk].states.get(name) for name in names],
            rules.stale_reasons(read[flag.pk], moment, production),
        )
        for flag in shown
    ]
    wanted = {flag.pk for flag in shown}
    found = [
        c
        for c in rules.conflicts([read[f.pk] for f in every], names)
        if any(flag.id in wanted for flag in c.flags)
    ]
    return Register(environments, entries, found)


def flags_of(release: Release) -> QuerySet[FeatureFlag]:
    """The flags that a release brings, or that switch something of its scope."""
    return in_force().filter(Q(release=release) | Q(item__release=release))


@dataclass(frozen=True)
class Lit:
    """An item of a scope with the flags that switch it, and what is seen of it there."""

    item: ScopeItem
    flags: list[FeatureFlag]
    light: rules.Light


def lights_of(release: Release, environment: Environment) -> list[Lit]:
    """Which items of the release's scope are switched by flags, and how they stand in an environment."""
    by_item: dict[Any, list[FeatureFlag]] = {}
    for flag in flags_of(release).filter(item__isnull=False, item__removed_at__isnull=True):
        by_item.setdefault(flag.item_id, []).append(flag)
    items = {pk: found[0].item for pk, found in by_item.items()}
    return [
        Lit(item, by_item[pk], rules.light_of(states_of(f).get(environment.name) for f in by_item[pk]))
        for pk, item in items.items()
        if item is not None
    ]
