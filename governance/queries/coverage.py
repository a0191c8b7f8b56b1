"""What a control rests on did in a period: counted from verdicts, ledger entries, activities and documents, with the rows.

A handful of questions to the database whatever the number of controls. What is not mapped, and what is mapped but did not
operate, says so: nothing here ever reads as satisfied.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count

from governance.activities import OUTCOMES, activities
from governance.checks import registry
from governance.models import Control, ControlAssessment, ControlMapping, Evaluation
from governance.queries.documents import standing_of_kinds
from releasetrain.audit.doorway import actions
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope

_OF_VERDICT = {"pass": "passed", "fail": "failed", "error": "failed", "waived": "waived", "pending": "open"}
KIND = ControlMapping.Kind


@dataclass(frozen=True)
class Period:
    """Days [starts, ends) in the organization's zone, and the moments they begin and end."""

    starts: date
    ends: date
    zone: str

    @property
    def first(self) -> datetime:
        return datetime.combine(self.starts, time(), ZoneInfo(self.zone))

    @property
    def last(self) -> datetime:
        return datetime.combine(self.ends, time(), ZoneInfo(self.zone))


def period_of(starts: date, ends: date) -> Period:
    """The period in the organization's time zone."""
    organization = Organization.objects.get(pk=require_scope().organization_id)
    return Period(starts, ends, organization.time_zone)


@dataclass
class Tally:
    """How often something operated, and how that ended."""

    passed: int = 0
    failed: int = 0
    waived: int = 0
    open: int = 0

    @property
    def operated(self) -> int:
        return self.passed + self.failed + self.waived + self.open

    @property
    def exceptions(self) -> int:
        return self.failed + self.waived

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, each) + getattr(other, each) for each in OUTCOMES))


@dataclass
class Line:
    """One thing that a control rests on, with what it did."""

    mapping: ControlMapping
    title: str
    tally: Tally
    known: bool = True


@dataclass
class Coverage:
    """One control in the period."""

    control: Control
    lines: list[Line] = field(default_factory=list)
    assessment: ControlAssessment | None = None

    @property
    def tally(self) -> Tally:
        return sum((line.tally for line in self.lines), Tally())

    @property
    def state(self) -> str:
        """not_applicable, unmapped, idle, exceptions or operated."""
        if not self.control.applicable or self.control.withdrawn:
            return "not_applicable"
        if not self.lines:
            return "unmapped"
        if not self.tally.operated:
            return "idle"
        return "exceptions" if self.tally.exceptions else "operated"

    @property
    def sentence(self) -> str:
        return SENTENCES[self.state]


SENTENCES = {
    "not_applicable": "Does not apply here.",
    "unmapped": "Rests on nothing recorded here.",
    "idle": "Mapped, but nothing operated in the period.",
    "exceptions": "Operated, with exceptions.",
    "operated": "Operated without an exception. Whether it is effective is for an assessment to conclude.",
}
STATES = {
    "exceptions": "With exceptions",
    "idle": "Did not operate",
    "unmapped": "Rests on nothing",
    "operated": "Operated",
    "not_applicable": "Not applicable",
}


def coverage(controls: Iterable[Control], period: Period) -> list[Coverage]:
    """Each control with what it rests on and what that did."""
    found = {control.pk: Coverage(control) for control in controls}
    mappings = list(
        ControlMapping.objects.filter(control__in=found, retired_at__isnull=True).order_by("kind", "target")
    )
    tallies = tallies_of(mappings, period)
    for mapping in mappings:
        title = title_of(mapping.kind, mapping.target)
        found[mapping.control_id].lines.append(
            Line(
                mapping,
                title or mapping.target,
                tallies.get((mapping.kind, mapping.target), Tally()),
                title != "",
            )
        )
    for assessment in ControlAssessment.objects.filter(
        control__in=found, state="concluded", starts__lt=period.ends, ends__gt=period.starts
    ).order_by("ends", "concluded_at"):
        found[assessment.control_id].assessment = assessment
    return list(found.values())


def tallies_of(mappings: Iterable[ControlMapping], period: Period) -> dict[tuple[str, str], Tally]:
    """What each target did, by (kind, target)."""
    targets: dict[str, set[str]] = {}
    for mapping in mappings:
        targets.setdefault(mapping.kind, set()).add(mapping.target)
    tallies: dict[tuple[str, str], Tally] = {}
    if targets.get(KIND.CHECK):
        tallies |= _checks(period)
    if targets.get(KIND.VERB):
        tallies |= _verbs(targets[KIND.VERB], period)
    for name in targets.get(KIND.ACTIVITY, ()):
        if name in activities():
            tallies[KIND.ACTIVITY, name] = _activity(name, period)
    if targets.get(KIND.DOCUMENT):
        for code, standing in standing_of_kinds(targets[KIND.DOCUMENT], min(period.last, now())).items():
            tallies[KIND.DOCUMENT, code] = Tally(passed=len(standing.there), failed=len(standing.missing))
    return tallies


def _checks(period: Period) -> dict[tuple[str, str], Tally]:
    """All check kinds at once: each settled evaluation counts once for each check in it."""
    found: dict[tuple[str, str], Tally] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT checked ->> 'kind', checked ->> 'verdict', count(*)"
            " FROM governance_evaluation e, jsonb_array_elements(e.checks) checked"
            " WHERE e.organization_id = %s AND e.finished_at >= %s AND e.finished_at < %s GROUP BY 1, 2",
            [require_scope().organization_id, period.first, period.last],
        )
        for kind, verdict, count in cursor.fetchall():
            tally = found.setdefault((KIND.CHECK, kind), Tally())
            word = _OF_VERDICT.get(verdict, "failed")
            setattr(tally, word, getattr(tally, word) + count)
    return found


def _verbs(verbs: set[str], period: Period) -> dict[tuple[str, str], Tally]:
    rows = _entries(verbs, period).order_by().values_list("verb").annotate(n=Count("id"))
    return {(KIND.VERB, verb): Tally(passed=count) for verb, count in rows.values_list("verb", "n")}


def _entries(verbs: Iterable[str], period: Period) -> Any:
    return LedgerEntry.objects.filter(
        organization_id=require_scope().organization_id,
        verb__in=sorted(verbs),
        at__gte=period.first,
        at__lt=period.last,
    )


def _activity(name: str, period: Period) -> Tally:
    rows = activities()[name].population(period.first, period.last)
    tally = Tally()
    for word, count in rows.order_by().values_list("came_to").annotate(n=Count("pk")):
        setattr(tally, word, count)
    return tally


def title_of(kind: str, target: str) -> str:
    """What people call a target; empty when there is no such thing (any more)."""
    if kind == KIND.CHECK:
        check = registry.find(target)
        return check.title if check else ""
    if kind == KIND.VERB:
        act = actions().get(target)
        return act.summary.rstrip(".") if act else SYSTEM_VERBS.get(target, "")
    if kind == KIND.ACTIVITY:
        found = activities().get(target)
        return found.title if found else ""
    from governance.models import DocumentKind

    return str(DocumentKind.objects.filter(code=target).values_list("title", flat=True).first() or "")


# Written by the system, not by an act of a person.
SYSTEM_VERBS = {"evaluation.settle": "A gate's verdict is settled"}


@dataclass(frozen=True)
class Row:
    """One row behind a number. `people` are the ids of who did it."""

    kind: str
    id: str
    label: str
    at: datetime | None
    outcome: str
    said: str = ""
    people: tuple[uuid.UUID, ...] = ()
    object: Any = field(default=None, compare=False, repr=False)

    @property
    def as_data(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "id": self.id,
            "label": self.label,
            "at": self.at.isoformat() if self.at else None,
            "outcome": self.outcome,
            "said": self.said,
        }


MOST_ROWS = 20_000


def rows_of(mapping: ControlMapping, period: Period, outcome: str = "", most: int = MOST_ROWS) -> list[Row]:
    """The rows behind a mapping's numbers, oldest first; `outcome` keeps only those that ended so."""
    if mapping.kind == KIND.CHECK:
        return _check_rows(mapping.target, period, outcome, most)
    if mapping.kind == KIND.VERB:
        return _verb_rows(mapping.target, period, outcome, most)
    if mapping.kind == KIND.ACTIVITY:
        return _activity_rows(mapping.target, period, outcome, most)
    return _document_rows(mapping.target, period, outcome)


def _check_rows(kind: str, period: Period, outcome: str, most: int) -> list[Row]:
    rows = (
        Evaluation.objects.filter(finished_at__gte=period.first, finished_at__lt=period.last)
        .filter(checks__contains=[{"kind": kind}])
        .select_related("gate", "release", "artifact__service")
        .order_by("finished_at", "id")
    )
    found: list[Row] = []
    for evaluation in rows[:most]:
        for check in evaluation.checks:
            word = _OF_VERDICT.get(check["verdict"], "failed")
            if check["kind"] == kind and outcome in ("", word):
                found.append(
                    Row(
                        "evaluation",
                        str(evaluation.pk),
                        f"{evaluation.key} {evaluation.subject}: {check['name']}",
                        evaluation.finished_at,
                        word,
                        check["reason"],
                        (evaluation.requested_by,) if evaluation.requested_by else (),
                        evaluation,
                    )
                )
    return found


def _verb_rows(verb: str, period: Period, outcome: str, most: int) -> list[Row]:
    if outcome not in ("", "passed"):
        return []
    return [
        Row(
            "ledgerentry",
            str(entry.pk),
            entry.subject_label,
            entry.at,
            "passed",
            entry.verb,
            (entry.actor_id,) if entry.actor_id else (),
            entry,
        )
        for entry in _entries([verb], period).defer("body", "leaf_hash").order_by("id")[:most]
    ]


def _activity_rows(name: str, period: Period, outcome: str, most: int) -> list[Row]:
    known = activities().get(name)
    if known is None:
        return []
    rows = known.population(period.first, period.last).order_by("pk")
    relations = [
        f.name for f in rows.model._meta.concrete_fields if f.is_relation and f.name != "organization"
    ]
    if outcome:
        rows = rows.filter(came_to=outcome)
    return [
        Row(
            row._meta.model_name,
            str(row.pk),
            str(row),
            getattr(row, "started_at", None) or getattr(row, "finished_at", None) or row.created_at,
            row.came_to,
            "",
            tuple(sorted(known.operators([row]))),
            row,
        )
        for row in rows.select_related(*relations)[:most]
    ]


def _document_rows(code: str, period: Period, outcome: str) -> list[Row]:
    standing = standing_of_kinds({code}, min(period.last, now())).get(code)
    if standing is None:
        return []
    there = [
        Row(
            "documentversion",
            str(v.pk),
            str(v.document),
            v.decided_at,
            "passed",
            f"version {v.number}",
            tuple(filter(None, (v.author_id, v.decided_by_id))),
            v.document,
        )
        for v in standing.there
    ]
    missing = [
        Row(s._meta.model_name, str(s.pk), str(s), None, "failed", "No approved version in force.", (), s)
        for s in standing.missing
    ]
    return [row for row in [*there, *missing] if outcome in ("", row.outcome)]
