"""What was known of releases before production, beside how they turned out (M2)."""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Count, F, Func, Q, Sum, TextField, Value
from django.db.models.functions import Cast

from governance.models import Evaluation, Finding, Gate, GateVersion, Result
from metrics.queries.dora import Wanted, text_of
from metrics.queries.outcomes import ended, harmed
from metrics.rules.periods import Period
from trains.models import Deployment, DeploymentCommit, Environment, ScopeItem

LOOK_BACK = timedelta(days=180)
# More deployments than this tell no more; the latest are the ones that today's gates are like.
MOST = 1_000
LATELY = 30
NUMERIC = {
    "coverage": "Line coverage (%)",
    "pass_rate": "Tests passed (%)",
    "findings_high": "Open findings, high or critical",
    "changes": "Commits carried",
    "lines": "Lines changed",
    "items": "Items in scope",
    "gate_wait": "Hours from first asking to pass",
    "asked": "Times the gate did not pass first",
    "failures_before": f"Failures of the services in {LATELY} days before",
    "readiness": "Readiness (%)",
}
YES_NO = {
    "emergency": "Flagged as emergency",
    "waived": "A check was waived",
    "never_asked": "Deployed without a passing gate",
}


@dataclass(slots=True)
class Passage:
    """A release, or a build of none, as it went to production, with what was known of it then."""

    key: uuid.UUID
    label: str
    release_id: uuid.UUID | None
    at: datetime
    bad: bool = False
    emergency: bool = False
    services: set[uuid.UUID] = field(default_factory=set)
    trains: set[uuid.UUID | None] = field(default_factory=set)
    artifacts: set[uuid.UUID] = field(default_factory=set)
    deployments: list[uuid.UUID] = field(default_factory=list)
    known: dict[str, float] = field(default_factory=dict)
    said: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Past:
    """The passages of a period, the latest first, and when services failed before."""

    passages: tuple[Passage, ...]
    failed: Mapping[uuid.UUID, Sequence[datetime]]

    @property
    def cut(self) -> bool:
        """Whether there were more deployments than are looked at."""
        return sum(len(p.deployments) for p in self.passages) >= MOST

    def factor(self, name: str, chosen: Iterable[Passage] | None = None) -> list[tuple[float | None, bool]]:
        rows = self.passages if chosen is None else chosen
        return [(p.known.get(name), p.bad) for p in rows]

    def answers(self, name: str) -> list[tuple[bool | None, bool]]:
        return [(p.said.get(name), p.bad) for p in self.passages]

    def failures_within(self, days: int, chosen: Iterable[Passage]) -> list[tuple[float | None, bool]]:
        return [(self.lately(p, days), p.bad) for p in chosen]

    def lately(self, passage: Passage, days: int) -> float:
        """The most failures that one of its services had in so many days before."""
        since = passage.at - timedelta(days=days)
        counts = [0]
        for service in passage.services:
            moments = self.failed.get(service, ())
            counts.append(bisect_left(moments, passage.at) - bisect_left(moments, since))
        return float(max(counts))


def past_of(period: Period, wanted: Wanted) -> Past:
    """Everything in eight queries, however many passages."""
    passages = _passages(period, wanted)
    past = Past(tuple(sorted(passages.values(), key=lambda p: p.at, reverse=True)), _failures(period, wanted))
    _sizes(passages)
    _results(passages)
    _findings(passages)
    _evaluations(passages, period)
    for p in past.passages:
        p.known["failures_before"] = past.lately(p, LATELY)
        p.said["emergency"] = p.emergency
    return past


def _passages(period: Period, wanted: Wanted) -> dict[uuid.UUID, Passage]:
    rows = (
        ended(period, wanted)
        .annotate(harmed=harmed())
        .order_by("-started_at", "-pk")
        .values_list(
            "pk", "release_id", "artifact_id", "service_id", "service__train_id", "started_at", "state", "emergency", "harmed",
            "release__key", "release__version", "service__name", "version",
        )
    )  # fmt: skip
    found: dict[uuid.UUID, Passage] = {}
    for (
        pk,
        release,
        artifact,
        service,
        train,
        at,
        state,
        emergency,
        hurt,
        rel_key,
        rel_version,
        name,
        version,
    ) in rows[:MOST]:
        key = release or artifact or pk
        passage = found.get(key)
        if passage is None:
            label = f"{rel_key} {rel_version}" if release else f"{name} {version}".strip()
            passage = found[key] = Passage(key, label, release, at)
        passage.at = min(passage.at, at)
        passage.bad |= state != Deployment.State.SUCCEEDED or hurt
        passage.emergency |= emergency
        passage.services.add(service)
        passage.trains.add(train)
        passage.deployments.append(pk)
        if artifact:
            passage.artifacts.add(artifact)
    return found


def _failures(period: Period, wanted: Wanted) -> dict[uuid.UUID, list[datetime]]:
    """When each service's production deployments had turned out badly; what a later rollback undid counts from then."""
    before = Period(period.start - timedelta(days=366), period.end)
    rows = ended(before, wanted).exclude(state=Deployment.State.SUCCEEDED)
    found: dict[str, list[datetime]] = defaultdict(list)
    # As text: making a UUID object of every row costs more than the query.
    for service, at in rows.order_by("started_at").values_list(text_of("service_id"), "started_at"):
        found[service].append(at)
    return {uuid.UUID(service): moments for service, moments in found.items()}


def _sizes(passages: dict[uuid.UUID, Passage]) -> None:
    by_deployment = {str(pk): p for p in passages.values() for pk in p.deployments}
    rows = (
        DeploymentCommit.objects.filter(
            deployment__in=[pk for p in passages.values() for pk in p.deployments]
        )
        .values(deployment_text=text_of("deployment_id"))
        .annotate(
            changes=Count("pk"),
            sized=Count("commit__lines_added"),
            added=Sum("commit__lines_added", default=0),
            removed=Sum("commit__lines_removed", default=0),
        )
        .order_by()
    )
    unsized: set[uuid.UUID] = set()
    for row in rows:
        p = by_deployment[row["deployment_text"]]
        p.known["changes"] = p.known.get("changes", 0) + row["changes"]
        p.known["lines"] = p.known.get("lines", 0) + row["added"] + row["removed"]
        if row["sized"] < row["changes"]:
            unsized.add(p.key)
    for key in unsized:
        passages[key].known.pop("lines", None)
    items = ScopeItem.objects.filter(release__in=[p.release_id for p in passages.values() if p.release_id])
    for release, count in (
        items.filter(removed_at__isnull=True).values_list("release_id").annotate(count=Count("pk")).order_by()
    ):
        passages[release].known["items"] = float(count)


def _results(passages: dict[uuid.UUID, Passage]) -> None:
    """Coverage and pass rate of the builds as they stood when they went to production."""
    carried = {artifact for p in passages.values() for artifact in p.artifacts}
    rows = (
        Result.objects.filter(artifact__in=list(carried), kind__in=["coverage", "tests"])
        .order_by("reported_at", "pk")
        .values_list("artifact_id", "kind", "tool", "stream", "reported_at", "summary")
    )
    by_artifact: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for artifact, *rest in rows:
        by_artifact[artifact].append(rest)
    for p in passages.values():
        standing: dict[tuple[Any, ...], dict[str, Any]] = {}
        for artifact in p.artifacts:
            for kind, tool, stream, at, summary in by_artifact.get(artifact, ()):
                if at <= p.at:
                    standing[artifact, kind, tool, stream] = summary
        for name, kind, part, whole in (
            ("coverage", "coverage", "covered", "total"),
            ("pass_rate", "tests", "passed", "executed"),
        ):
            kept = [s for (_, k, _, _), s in standing.items() if k == kind]
            total = sum(_executed(s) if whole == "executed" else int(s.get(whole, 0)) for s in kept)
            if total:
                p.known[name] = 100 * sum(int(s.get(part, 0)) for s in kept) / total


def _executed(summary: Mapping[str, Any]) -> int:
    return int(summary.get("total", 0)) - int(summary.get("skipped", 0))


def _findings(passages: dict[uuid.UUID, Passage]) -> None:
    """High and critical findings that were open when it went to production; unknown for services never scanned."""
    services = {s for p in passages.values() for s in p.services}
    scanned = set(
        Finding.objects.filter(service__in=services).values_list("service_id", flat=True).distinct()
    )
    rows = Finding.objects.filter(service__in=scanned, severity__in=["critical", "high"]).exclude(
        state=Finding.State.FALSE_POSITIVE
    )
    by_service: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for service, state, first, last in rows.values_list(
        "service_id", "state", "first_seen_at", "last_seen_at"
    ):
        by_service[service].append((first, last if state == Finding.State.FIXED else None))
    for p in passages.values():
        mine = p.services & scanned
        if mine and mine == p.services:
            p.known["findings_high"] = float(
                sum(
                    first <= p.at and (gone is None or p.at <= gone)
                    for s in mine
                    for first, gone in by_service[s]
                )
            )


def _evaluations(passages: dict[uuid.UUID, Passage], period: Period) -> None:
    """How long the gates before production took, how often they did not pass, and what they recorded of readiness."""
    rows = (
        Evaluation.objects.filter(
            environment__kind=Environment.Kind.PRODUCTION,
            gate__mode=Gate.Mode.ACTIVE,
            requested_at__gte=period.start - LOOK_BACK,
            requested_at__lt=period.end,
            finished_at__isnull=False,
        )
        .annotate(
            waived=Func(
                F("checks"), Value('$[*] ? (@.verdict == "waived")'),
                template="jsonb_path_exists(%(expressions)s::jsonpath)", output_field=BooleanField(),
            ),
            readiness=Cast(
                Func(
                    F("checks"), Value('$[*] ? (@.kind == "readiness").facts.score'),
                    template="jsonb_path_query_first(%(expressions)s::jsonpath)", output_field=TextField(),
                ),
                TextField(),
            ),
        )
        .order_by("finished_at", "pk")
        .values_list("release_id", "artifact_id", "requested_at", "finished_at", "verdict", "waived", "readiness")
    )  # fmt: skip
    asked: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for release, artifact, *rest in rows:
        asked[release or artifact].append(rest)
    anything = bool(asked)
    for p in passages.values():
        said = [each for key in (p.key, *p.artifacts) for each in asked.get(key, ()) if each[1] <= p.at]
        passed = [each for each in said if each[2] == "pass"]
        if anything:
            p.said["never_asked"] = not passed
        if not said:
            continue
        p.known["asked"] = float(sum(each[2] != "pass" for each in said))
        p.said["waived"] = any(each[3] for each in said)
        if passed:
            first = min(each[0] for each in said)
            p.known["gate_wait"] = (min(each[1] for each in passed) - first).total_seconds() / 3600
        score = next((each[4] for each in reversed(said) if each[4] not in (None, "null")), None)
        if score is not None:
            p.known["readiness"] = float(score)


def gates_of(wanted: Wanted) -> list[GateVersion]:
    """The versions in force of the gates before production, in one query."""
    rows = GateVersion.objects.filter(gate__environment__kind=Environment.Kind.PRODUCTION).exclude(
        gate__mode=Gate.Mode.RETIRED
    )
    if wanted.train:
        rows = rows.filter(Q(gate__train__isnull=True) | Q(gate__train_id=wanted.train))
    if wanted.service:
        rows = rows.filter(Q(gate__service__isnull=True) | Q(gate__service_id=wanted.service))
    return list(
        rows.order_by("gate_id", "-number").distinct("gate_id").select_related("gate__train", "gate__service")
    )


def guarded(past: Past, gate: Gate) -> list[Passage]:
    """The passages that went by a gate."""
    if gate.service_id:
        return [p for p in past.passages if gate.service_id in p.services]
    return [p for p in past.passages if gate.train_id is None or gate.train_id in p.trains]


__all__ = ["NUMERIC", "YES_NO", "Passage", "Past", "gates_of", "guarded", "past_of"]
