"""Dependencies in trouble across Program Increments: recorded ones, and those whose state or place shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from planning.models import DependencyTrouble, FeatureDependency
from planning.rules import bottlenecks as rules
from planning.rules.bottlenecks import Bottleneck, Proposal, Trouble
from planning.states import DependencyState, TroubleCause
from trains.models import Train

IN_DANGER = (DependencyState.AT_RISK, DependencyState.BLOCKED)
LABELS = {**dict(TroubleCause.choices), rules.UNKNOWN: "Cause not recorded"}


@dataclass(frozen=True, slots=True)
class Row:
    """A troubled dependency as the page lists it."""

    dependency: FeatureDependency
    trouble: Trouble
    recorded: DependencyTrouble | None

    @property
    def cause(self) -> str:
        return str(LABELS[self.trouble.cause])


@dataclass(frozen=True, slots=True)
class Bottlenecks:
    """What recurs for a train (or everywhere), what could be changed, and the rows that both are counted from."""

    train: Train | None
    found: list[Bottleneck]
    proposals: list[Proposal]
    rows: list[Row]

    @property
    def recurring(self) -> list[Bottleneck]:
        return [each for each in self.found if each.recurring]

    def label(self, bottleneck: Bottleneck) -> str:
        return str(LABELS[bottleneck.name]) if bottleneck.by == "cause" else bottleneck.name

    @property
    def table(self) -> list[tuple[Bottleneck, str, list[tuple[str, int]]]]:
        """Each bottleneck with its name in words and its causes in words."""
        return [
            (each, self.label(each), [(str(LABELS[c]), n) for c, n in each.causes]) for each in self.found
        ]

    @property
    def unexplained(self) -> int:
        return sum(row.recorded is None for row in self.rows)


def bottlenecks(train: Train | None = None) -> Bottlenecks:
    """Counted over all Program Increments: two queries.

    A dependency is in trouble when somebody recorded it, when it is at risk or blocked, or when its provider lands
    in the same or a later iteration than its consumer. Those without a record have no cause yet.
    """
    recorded = {
        each.dependency_id: each
        for each in DependencyTrouble.objects.select_related("pi", "service", "pi__train").order_by(
            "recorded_at"
        )
    }
    dependencies = FeatureDependency.objects.exclude(state=DependencyState.WITHDRAWN).select_related(
        "provider__team", "consumer__team", "provider__iteration", "consumer__iteration", "consumer__pi__train",
        "provider__pi__train", "needed_in",
    )  # fmt: skip
    if train is not None:
        dependencies = dependencies.filter(Q(provider__train=train) | Q(consumer__train=train))
    rows = []
    for each in dependencies.order_by("-created_at"):
        known = recorded.get(each.pk)
        pi = known.pi if known else each.consumer.pi or each.provider.pi
        days = known.days_late if known else days_late(each)
        if pi is None or (known is None and each.state not in IN_DANGER and not days):
            continue
        rows.append(
            Row(
                each,
                Trouble(
                    dependency=str(each.pk),
                    pi=f"{pi.train.key} {pi.name}",
                    provider=each.provider.team.name if each.provider.team else "no team",
                    consumer=each.consumer.team.name if each.consumer.team else "no team",
                    service=known.service.name if known and known.service else "",
                    cause=known.cause if known else rules.UNKNOWN,
                    days_late=days,
                ),
                known,
            )
        )
    troubles = [row.trouble for row in rows]
    return Bottlenecks(train, rules.bottlenecks(troubles), rules.proposals(troubles), rows)


def days_late(dependency: FeatureDependency) -> int:
    """Days between the need and the delivery as both are planned: 0 when it lands in an earlier iteration."""
    delivered = dependency.provider.iteration
    needed = dependency.needed_in or dependency.consumer.iteration
    if (
        delivered is None
        or needed is None
        or delivered.starts < needed.starts
        or dependency.state == DependencyState.DONE
    ):
        return 0
    return max(0, (delivered.ends - needed.starts).days)


def as_data(found: Bottlenecks) -> dict[str, Any]:
    """Bottlenecks in plain values, for REST."""
    return {
        "train": found.train.key if found.train else None,
        "bottlenecks": [
            {
                "by": each.by,
                "name": each.name,
                "troubles": len(each.troubles),
                "program_increments": each.increments,
                "recurring": each.recurring,
                "days_late": each.days_late,
                "causes": dict(each.causes),
                "dependencies": [t.dependency for t in each.troubles],
            }
            for each in found.found
        ],
        "proposals": [
            {
                "kind": p.kind,
                "sentence": p.sentence,
                "because": p.because,
                "dependencies": list(p.dependencies),
            }
            for p in found.proposals
        ],
        "without_cause": found.unexplained,
    }
