"""Reports on change and release governance over a period; every figure carries the ids of its rows.

Read from what happened: completed changes from the ledger, time in states from the history of changes, waivers as decided.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

from django.db import connection
from django.db.models import Q

from governance.models import ChangeRequest, Waiver
from governance.queries.coverage import Period
from releasetrain.audit.models import LedgerEntry
from releasetrain.tenancy.scope import require_scope
from trains.models import Classification, Deployment, Train

OUTCOMES = ("successful", "with_issues", "backed_out")
# Where a change waits for somebody, on its way from its first submission to its approval.
WAITING = {
    "draft": "Sent back to its author",
    "assessed": "Assessed, before it goes to the board",
    "awaiting_approval": "Before the board",
}


@dataclass
class Figure:
    """One number with the rows behind it, all of one kind."""

    key: str
    title: str
    kind: str
    rows: list[uuid.UUID] = field(default_factory=list)
    of: int | None = None

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def share(self) -> float | None:
        """Of the whole; None where there is nothing to have a share of."""
        return self.count / self.of if self.of else None


@dataclass
class Group:
    """One line of a table: what it is about, with a figure for each column."""

    name: str
    figures: list[Figure]
    object: Any = None


@dataclass
class Table:
    """One section: columns of figures by group, and how they are defined."""

    key: str
    title: str
    definition: str
    columns: list[str]
    groups: list[Group]


@dataclass
class Waits:
    """How long changes took from first submission to approval, and in which state they spent it."""

    changes: list[uuid.UUID]
    median: timedelta | None
    slowest: timedelta | None
    by_state: list[tuple[str, timedelta]]


@dataclass
class Report:
    period: Period
    train: Train | None
    tables: list[Table]
    waits: Waits
    totals: list[Figure]

    def figure(self, key: str) -> Figure | None:
        """A figure by its key, for showing its rows."""
        listed = [f for t in self.tables for g in t.groups for f in g.figures] + self.totals
        listed.append(
            Figure("approved", "Changes approved in the period", "changerequest", self.waits.changes)
        )
        return next((f for f in listed if f.key == key), None)


def report(period: Period, train: Train | None = None) -> Report:
    """Everything for a period, of one train or of all."""
    completed = _completed(period, train)
    submitted = _submitted(period, train)
    in_haste, deployed = _deployed(period, train)
    waivers = _waivers(period, train)
    emergencies = [c.pk for c in submitted if c.type == "emergency"]
    totals = [
        Figure("completed", "Changes brought to an end", "changerequest", [c.pk for c in completed]),
        Figure(
            "successful", "Changes that succeeded", "changerequest",
            [c.pk for c in completed if c.outcome == "successful"], len(completed),
        ),
        Figure("emergency", "Emergency changes", "changerequest", emergencies, len(submitted)),
        Figure("emergency_deployments", "Emergency deployments", "deployment", in_haste, deployed),
        Figure("waivers", "Waivers granted", "waiver", [w.pk for w in waivers if w.state != "refused"], len(waivers)),
    ]  # fmt: skip
    return Report(
        period,
        train,
        [
            _success("type", "Success by type of change", completed, lambda c: (c.get_type_display(), None)),
            _success("model", "Success by change model", completed, _model_of),
            _success("team", "Success by team", completed, _team_of),
            _fixes(completed),
            _waiver_use(waivers),
        ],
        _waits(period, train),
        totals,
    )


def _of_train(train: Train | None, prefix: str = "") -> Q:
    if train is None:
        return Q()
    return Q(**{f"{prefix}release__train": train}) | Q(**{f"{prefix}service__train": train})


def _changes(ids: Iterable[uuid.UUID], train: Train | None) -> list[ChangeRequest]:
    rows = ChangeRequest.objects.filter(pk__in=list(ids)).filter(_of_train(train))
    return list(rows.select_related(*_JOINS).defer("content").order_by("created_at"))


_JOINS = ["release__train", "service__team", "model"]


def _entered(verbs: Iterable[str], period: Period) -> set[uuid.UUID]:
    """The changes that such an act was done to in the period."""
    rows = LedgerEntry.objects.filter(
        organization_id=require_scope().organization_id,
        verb__in=list(verbs),
        at__gte=period.first,
        at__lt=period.last,
    )
    return {uuid.UUID(each) for each in rows.values_list("subject_id", flat=True)}


def _completed(period: Period, train: Train | None) -> list[ChangeRequest]:
    return [c for c in _changes(_entered(["change.complete"], period), train) if c.outcome in OUTCOMES]


def _submitted(period: Period, train: Train | None) -> list[ChangeRequest]:
    rows = ChangeRequest.objects.filter(submitted_at__gte=period.first, submitted_at__lt=period.last)
    return list(rows.filter(_of_train(train)).defer("content"))


def _deployed(period: Period, train: Train | None) -> tuple[list[uuid.UUID], int]:
    """The emergency deployments to production, and how many deployments there were."""
    rows = Deployment.objects.filter(
        environment__kind="production", started_at__gte=period.first, started_at__lt=period.last
    )
    if train is not None:
        rows = rows.filter(service__train=train)
    return list(rows.filter(emergency=True).values_list("pk", flat=True)), rows.count()


def _waivers(period: Period, train: Train | None) -> list[Waiver]:
    rows = Waiver.objects.filter(decided_at__gte=period.first, decided_at__lt=period.last).select_related(
        "gate"
    )
    if train is not None:
        rows = rows.filter(Q(release__train=train) | Q(artifact__service__train=train))
    return list(rows.order_by("decided_at"))


def _success(key: str, title: str, completed: list[ChangeRequest], of: Any) -> Table:
    groups: dict[Any, list[ChangeRequest]] = defaultdict(list)
    for change in completed:
        groups[of(change)].append(change)
    return Table(
        f"success_by_{key}",
        title,
        "Changes whose end was recorded in the period, by the outcome recorded then. "
        "Success is the share of “successful” among them; with issues and backed out are failures.",
        ["Completed", "Successful", "With issues", "Backed out"],
        [
            Group(name, _outcomes(f"{key}:{getattr(thing, 'pk', name)}", changes), thing)
            for (name, thing), changes in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0][0]))
        ],
    )


def _outcomes(key: str, changes: list[ChangeRequest]) -> list[Figure]:
    total = len(changes)
    return [
        Figure(f"{key}:all", "Completed", "changerequest", [c.pk for c in changes]),
        *(
            Figure(
                f"{key}:{outcome}",
                ChangeRequest.Outcome(outcome).label,
                "changerequest",
                [c.pk for c in changes if c.outcome == outcome],
                total,
            )
            for outcome in OUTCOMES
        ),
    ]


def _model_of(change: ChangeRequest) -> tuple[str, Any]:
    return (str(change.model), change.model) if change.model is not None else ("Without a model", None)


def _team_of(change: ChangeRequest) -> tuple[str, Any]:
    """The team of the service; a change of a whole release belongs to its train."""
    if change.service is not None and change.service.team is not None:
        return str(change.service.team), change.service.team
    if change.release is not None:
        return f"{change.release.train} (whole release)", change.release.train
    return "Without a team", None


def _fixes(completed: list[ChangeRequest]) -> Table:
    """Fixes of problems apart from everything else: a failed fix costs the same users twice."""
    fixes = [
        c
        for c in completed
        if c.release is not None and c.release.classification == Classification.PROBLEM_FIX
    ]
    chosen = {c.pk for c in fixes}
    others = [c for c in completed if c.pk not in chosen]
    groups = [("Fixes of problems", "fix", fixes), ("All other changes", "other", others)]
    return Table(
        "fixes",
        "Fixes of problems, apart",
        "Changes of releases classified as problem fixes, against all others. "
        "The failure rate is the share that ended with issues or was backed out.",
        ["Completed", "Failed"],
        [
            Group(
                name,
                [
                    Figure(f"{key}:all", "Completed", "changerequest", [c.pk for c in listed]),
                    Figure(
                        f"{key}:failed",
                        "Failed",
                        "changerequest",
                        [c.pk for c in listed if c.outcome != "successful"],
                        len(listed),
                    ),
                ],
            )
            for name, key, listed in groups
            if listed
        ],
    )


def _waiver_use(waivers: list[Waiver]) -> Table:
    by_check: dict[str, list[Waiver]] = defaultdict(list)
    for waiver in waivers:
        by_check[waiver.check_name].append(waiver)
    states = (("granted", "Granted"), ("refused", "Refused"), ("revoked", "Revoked"))
    return Table(
        "waivers",
        "Waivers by check",
        "Waivers decided in the period, by the check that they let through and what became of them.",
        ["Decided", "Granted", "Refused", "Revoked"],
        [
            Group(
                name,
                [
                    Figure(f"waiver:{name}:all", "Decided", "waiver", [w.pk for w in listed]),
                    *(
                        Figure(
                            f"waiver:{name}:{state}",
                            word,
                            "waiver",
                            [w.pk for w in listed if w.state == state],
                            len(listed),
                        )
                        for state, word in states
                    ),
                ],
            )
            for name, listed in sorted(by_check.items(), key=lambda item: (-len(item[1]), item[0]))
        ],
    )


def _waits(period: Period, train: Train | None) -> Waits:
    approved = list(
        ChangeRequest.objects.filter(
            approved_at__gte=period.first, approved_at__lt=period.last, submitted_at__isnull=False
        )
        .filter(_of_train(train))
        .values_list("pk", "approved_at")
    )
    spans = _spans([pk for pk, _ in approved])
    spent: dict[str, timedelta] = defaultdict(timedelta)
    lead: list[timedelta] = []
    for pk, until in approved:
        rows = spans.get(pk, [])
        begun = next((at for state, at, _ in rows if state == "awaiting_approval"), None)
        if begun is None:
            continue
        lead.append(until - begun)
        for state, starts, ends in rows:
            inside = min(ends or until, until) - max(starts, begun)
            if state in WAITING and inside > timedelta(0):
                spent[state] += inside
    return Waits(
        [pk for pk, _ in approved],
        median(lead) if lead else None,
        max(lead, default=None),
        [(WAITING[s], spent[s]) for s in WAITING if s in spent],
    )


def _spans(ids: list[uuid.UUID]) -> dict[uuid.UUID, list[tuple[str, Any, Any]]]:
    """For each change the states it was in, with when each began and ended, from its history."""
    if not ids:
        return {}
    found: dict[uuid.UUID, list[tuple[str, Any, Any]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, state, history_date, lead(history_date) OVER (PARTITION BY id ORDER BY history_id)"
            " FROM governance_historicalchangerequest"
            " WHERE organization_id = %s AND id = ANY(%s::uuid[]) ORDER BY id, history_id",
            [require_scope().organization_id, [str(i) for i in ids]],
        )
        for pk, state, begun, ended in cursor.fetchall():
            found[pk].append((state, begun, ended))
    return found


def as_data(found: Report) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "from": found.period.starts,
        "until": found.period.ends,
        "train": found.train.key if found.train else None,
        "totals": [_figure(f) for f in found.totals],
        "tables": [
            {
                "key": t.key,
                "title": t.title,
                "definition": t.definition,
                "groups": [{"name": g.name, "figures": [_figure(f) for f in g.figures]} for g in t.groups],
            }
            for t in found.tables
        ],
        "approval": {
            "changes": len(found.waits.changes),
            "median_seconds": _seconds(found.waits.median),
            "slowest_seconds": _seconds(found.waits.slowest),
            "waited": [{"where": where, "seconds": _seconds(span)} for where, span in found.waits.by_state],
        },
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "key": figure.key,
        "title": figure.title,
        "count": figure.count,
        "share": figure.share,
        "kind": figure.kind,
    }


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None
