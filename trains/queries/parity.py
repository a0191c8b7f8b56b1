"""What is known of environments, read where it is kept: posted fact sets, runtimes, scanners of configuration, feature flags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Subquery

from trains.models import (
    ConfigurationObservation,
    Environment,
    EnvironmentFacts,
    RuntimeObservation,
    Service,
    ToleratedDifference,
)
from trains.rules import parity as rules
from trains.rules.parity import Difference, Fact, Iac, Sight

from .feature_flags import in_force


@dataclass(frozen=True)
class Found:
    """One difference, and who tolerates it now."""

    difference: Difference
    tolerated: ToleratedDifference | None

    @property
    def sentence(self) -> str:
        return self.difference.sentence

    @property
    def is_open(self) -> bool:
        return self.tolerated is None


@dataclass(frozen=True)
class Parity:
    """Two environments side by side."""

    left: Environment
    right: Environment
    left_sight: Sight
    right_sight: Sight
    found: list[Found]

    @property
    def open(self) -> list[Found]:
        return [each for each in self.found if each.is_open]

    @property
    def observed(self) -> bool:
        """Whether both were looked at; without that, equal means nothing."""
        return self.left_sight.observed and self.right_sight.observed

    @property
    def oldest(self) -> datetime | None:
        return min(filter(None, (self.left_sight.oldest, self.right_sight.oldest)), default=None)

    @property
    def alike(self) -> int:
        """Facts that both have and that say the same."""
        both = self.left_sight.facts.keys() & self.right_sight.facts.keys()
        facts = self.left_sight.facts, self.right_sight.facts
        return sum(rules.same(key[0], facts[0][key].value, facts[1][key].value) for key in both)


def parity_of(
    left: Environment, right: Environment, at: datetime, kinds: Iterable[str] = rules.KINDS
) -> Parity:
    """Compare two environments by everything that was seen of them."""
    sights = sights_of([left, right])
    found = rules.differences(sights[left.pk], sights[right.pk], kinds)
    rows = {
        row.pk: row
        for row in ToleratedDifference.objects.filter(
            fingerprint__in=[each.fingerprint for each in found], ended_at__isnull=True, expires_at__gt=at
        ).select_related("accepted_by")
    }
    by_print = {row.fingerprint: row for row in sorted(rows.values(), key=lambda r: r.expires_at)}
    accepted = rules.tolerated(
        found, [rules.Tolerance(r.fingerprint, r.expires_at, r.ended_at) for r in rows.values()], at
    )
    return Parity(
        left,
        right,
        sights[left.pk],
        sights[right.pk],
        [Found(each, by_print[each.fingerprint] if each.fingerprint in accepted else None) for each in found],
    )


def sights_of(environments: Sequence[Environment]) -> dict[UUID, Sight]:
    """What is known of each environment; as many queries for two as for ten, but for what runtimes saw."""
    facts: dict[UUID, list[Fact]] = defaultdict(list)
    for source in (_posted, _running, _configured, _switched):
        for environment, fact in source(environments):
            facts[environment].append(fact)
    return {
        e.pk: Sight(
            str(e.pk),
            e.name,
            rules.newest(facts[e.pk]),
            Iac(e.iac_repository, e.iac_path, e.iac_revision, e.iac_digest),
        )
        for e in environments
    }


def latest_sets(environments: Sequence[Environment]) -> list[EnvironmentFacts]:
    """The newest whole set of each source in these environments."""
    rows = EnvironmentFacts.objects.filter(environment__in=environments)
    latest = rows.order_by("environment_id", "source", "-observed_at").distinct("environment_id", "source")
    return list(latest)


def _posted(environments: Sequence[Environment]) -> list[tuple[UUID, Fact]]:
    return [
        (row.environment_id, fact)
        for row in latest_sets(environments)
        for fact in rules.facts_of(row.facts, row.source, row.observed_at)
    ]


def _running(environments: Sequence[Environment]) -> list[tuple[UUID, Fact]]:
    """What runtimes saw last of each service there; no instances means that it does not run."""
    newest: list[UUID] = []
    for environment in environments:
        sight = (
            RuntimeObservation.objects.filter(service=OuterRef("pk"), environment=environment)
            .order_by("-observed_at", "-id")
            .values("pk")[:1]
        )
        seen = Service.objects.annotate(sight=Subquery(sight)).filter(sight__isnull=False)
        newest += seen.order_by().values_list("sight", flat=True)
    found = []
    for row in RuntimeObservation.objects.filter(pk__in=newest).select_related("service"):
        if row.instances == 0:
            continue
        said = {rules.VERSION: row.version, rules.DIGEST: row.digest}
        found += [
            (
                row.environment_id,
                Fact(kind, row.service.name, value, row.source or "a runtime", row.observed_at),
            )
            for kind, value in said.items()
            if value
        ]
    return found


def _configured(environments: Sequence[Environment]) -> list[tuple[UUID, Fact]]:
    """How scanners saw the configuration items that run there."""
    rows = ConfigurationObservation.objects.filter(environment__in=environments, present=True).select_related(
        "item"
    )
    found = []
    for row in rows:
        item = row.item.name if row.item else row.name or row.external_id
        for attribute, value in row.state.items():
            kind = rules.kind_of(attribute, value)
            if kind and row.environment_id:
                name = item if attribute == "version" else f"{item} {attribute}"
                found.append((row.environment_id, Fact(kind, name, value, row.source, row.observed_at)))
    return found


def _switched(environments: Sequence[Environment]) -> list[tuple[UUID, Fact]]:
    """The states of feature flags, as their providers reported them."""
    names = {e.name: e.pk for e in environments}
    found = []
    for flag in in_force():
        for said in flag.states.values():
            if said["environment"] in names:
                share = "" if said["share"] >= 100 else f" {said['share']:g} %"
                value: str | bool = said["on"]
                if said["on"] and (share or said["variant"]):
                    value = f"on{share} {said['variant'] or ''}".strip()
                found.append(
                    (
                        names[said["environment"]],
                        Fact(
                            rules.FLAG,
                            f"{flag.name} of {flag.service}" if flag.service else flag.name,
                            value,
                            flag.source or "the register of flags",
                            datetime.fromisoformat(said["at"]),
                            ages=False,
                        ),
                    )
                )
    return found
