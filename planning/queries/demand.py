"""What taking in demand would do: compared with what is there, by reading only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from planning.models import Demand, DemandState, InvestmentBucket
from planning.rules.demand_rows import DemandRow, DemandRows, RowError
from trains.models import Train


@dataclass(slots=True)
class DemandPlan:
    """Everything an import would do; with errors it does nothing."""

    read: DemandRows
    errors: list[RowError]
    created: list[Demand] = field(default_factory=list)
    updated: list[Demand] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    unchanged: int = 0
    decided: list[str] = field(default_factory=list)

    @property
    def fields(self) -> list[str]:
        return sorted({name for change in self.changes for name in change["fields"]})

    def summary(self) -> dict[str, Any]:
        """The plan in plain terms."""
        return {
            "mapping": self.read.mapping,
            "unused": self.read.unused,
            "created": [d.external_id for d in self.created],
            "updated": self.changes,
            "unchanged": self.unchanged,
            "decided": self.decided,
            "errors": [{"row": e.row, "name": e.name, "sentence": e.sentence} for e in self.errors],
        }


def plan_demand(train: Train, read: DemandRows) -> DemandPlan:
    """Compare rows with the train's demand; external ids say which is which. What is decided stays."""
    plan = DemandPlan(read, list(read.errors))
    buckets = {b.name.casefold(): b for b in InvestmentBucket.objects.filter(train=train)}
    known = {
        d.external_id: d
        for d in Demand.objects.filter(train=train, external_id__in=[r.external_id for r in read.rows])
    }
    for row in read.rows:
        bucket = buckets.get(row.bucket.casefold()) if row.bucket else None
        if row.bucket and bucket is None:
            names = ", ".join(b.name for b in buckets.values()) or "none"
            plan.errors.append(
                RowError(
                    row.row,
                    read.mapping["bucket"],
                    f"{train.key} has no investment bucket {row.bucket!r}; it has {names}.",
                )
            )
            continue
        _compare(plan, train, row, bucket, known.get(row.external_id))
    plan.errors.sort(key=lambda e: e.row)
    return plan


def _compare(
    plan: DemandPlan, train: Train, row: DemandRow, bucket: InvestmentBucket | None, there: Demand | None
) -> None:
    if there is not None and there.state != DemandState.NEW:
        plan.decided.append(row.external_id)
        plan.unchanged += 1
        return
    demand = there or Demand(train=train, external_id=row.external_id)
    wanted = {
        "title": row.title,
        "description": row.description,
        "requester": row.requester,
        "points": row.points,
        "wanted_by": row.wanted_by,
        "url": row.url,
        "bucket_id": bucket.pk if bucket else None,
    }
    changed = [n for n, v in wanted.items() if v not in (None, "") and getattr(demand, n) != v]
    for name in changed:
        setattr(demand, name, wanted[name])
    if there is None:
        plan.created.append(demand)
    elif changed:
        plan.updated.append(demand)
        plan.changes.append({"external_id": row.external_id, "fields": changed})
    else:
        plan.unchanged += 1
