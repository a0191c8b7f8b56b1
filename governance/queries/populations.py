"""Populations of an audit: the rows of a period in canonical form, and what completeness is judged by."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min, Q

from governance.models import AuditPopulation, ChangeDeployment, ChangeRequest, Waiver
from governance.rules import completeness
from governance.rules.completeness import Gap, Observed, Promised, Recorded
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.canonical import canonical, plain
from trains.models import Deployment, DeploymentCommit, Environment, Release, RuntimeObservation

Row = dict[str, Any]
Kind = AuditPopulation.Kind

# The model that each kind of population is of, by its name in the ledger.
SUBJECTS = {
    Kind.DEPLOYMENTS: Deployment,
    Kind.CHANGES: ChangeRequest,
    Kind.RELEASES: Release,
    Kind.WAIVERS: Waiver,
}


@dataclass(frozen=True)
class Period:
    """[starts, ends), on one train or on all."""

    starts: datetime
    ends: datetime
    train_id: uuid.UUID | None = None

    @classmethod
    def of(cls, population: AuditPopulation) -> Period:
        return cls(population.starts, population.ends, population.train_id)

    def holds(self, moment: datetime) -> bool:
        return self.starts <= moment < self.ends


@dataclass(frozen=True)
class Reconciled:
    """What was compared (name, number of rows), and what does not match."""

    sources: list[dict[str, Any]]
    gaps: list[Gap]


def rows_of(kind: str, period: Period) -> list[Row]:
    """Every row of the period, ordered by id: plain values, the same however often they are read."""
    return sorted(_ROWS[Kind(kind)](period), key=lambda row: str(row["id"]))


def content_of(rows: Iterable[Row]) -> bytes:
    """The file that is frozen: one canonical JSON object on each line."""
    return b"".join(canonical(row) + b"\n" for row in rows)


def reconcile(kind: str, period: Period) -> Reconciled:
    """Hold the rows of the period against every other source."""
    if kind == Kind.DEPLOYMENTS:
        return _reconcile_deployments(period)
    return _reconcile_records(Kind(kind), period)


# --- rows ----------------------------------------------------------------------------------------------------


def _deployments(period: Period) -> list[Deployment]:
    found = Deployment.objects.filter(
        environment__kind=Environment.Kind.PRODUCTION,
        started_at__gte=period.starts,
        started_at__lt=period.ends,
    )
    if period.train_id:
        found = found.filter(Q(service__train=period.train_id) | Q(release__train=period.train_id))
    return list(
        found.select_related("service", "environment", "release", "artifact", "deployed_by").order_by("pk")
    )


def _deployment_rows(period: Period) -> Iterator[Row]:
    found = _deployments(period)
    under = _authorisations(d.pk for d in found)
    for each in found:
        link = under.get(each.pk)
        change = link.change if link else None
        emergency = each.emergency or bool(change and change.type == ChangeRequest.Type.EMERGENCY)
        yield {
            **_base(each, "deployment", str(each), each.started_at),
            "service": each.service.name,
            "environment": each.environment.name,
            "version": each.version or each.commit,
            "artifact": each.artifact.digest if each.artifact else None,
            "state": each.state,
            "release": each.release.key if each.release else None,
            "change": change.key if change else None,
            "authorised": bool(link and link.authorised),
            "risk": change.risk if change else None,
            "emergency": emergency,
            "stratum": _stratum(change.risk if change else "unrated", emergency),
            "people": _people(each.deployed_by_id),
        }


def _change_rows(period: Period) -> Iterator[Row]:
    found = ChangeRequest.objects.filter(submitted_at__gte=period.starts, submitted_at__lt=period.ends)
    if period.train_id:
        found = found.filter(Q(release__train=period.train_id) | Q(service__train=period.train_id))
    for each in found.select_related("release", "board").order_by("pk"):
        assert each.submitted_at
        emergency = each.type == ChangeRequest.Type.EMERGENCY
        yield {
            **_base(each, "changerequest", str(each), each.submitted_at),
            "type": each.type,
            "risk": each.risk,
            "state": each.state,
            "outcome": each.outcome,
            "board": each.board.name,
            "release": each.release.key if each.release else None,
            "approved_at": plain(each.approved_at),
            "emergency": emergency,
            "stratum": _stratum(each.risk, emergency),
            "people": _people(each.author_id),
        }


def _release_rows(period: Period) -> Iterator[Row]:
    found = Release.objects.filter(released_at__gte=period.starts, released_at__lt=period.ends)
    if period.train_id:
        found = found.filter(train=period.train_id)
    for each in found.select_related("train").order_by("pk"):
        assert each.released_at
        yield {
            **_base(each, "release", str(each), each.released_at),
            "train": each.train.key,
            "version": each.version,
            "classification": each.classification,
            "tier": each.tier,
            "state": each.state,
            "stratum": _stratum(f"tier {each.tier}", each.classification == "hotfix"),
            "people": [],
        }


def _waiver_rows(period: Period) -> Iterator[Row]:
    found = Waiver.objects.filter(decided_at__gte=period.starts, decided_at__lt=period.ends)
    if period.train_id:
        found = found.filter(Q(release__train=period.train_id) | Q(artifact__service__train=period.train_id))
    for each in found.select_related("gate", "release", "artifact__service").order_by("pk"):
        assert each.decided_at
        yield {
            **_base(each, "waiver", str(each), each.decided_at),
            "gate": each.gate.key,
            "check": each.check_name,
            "state": each.state,
            "about": str(each.subject),
            "expires_at": plain(each.expires_at),
            "stratum": str(each.state),
            "people": _people(each.requested_by_id, each.granted_by_id),
        }


_ROWS = {
    Kind.DEPLOYMENTS: _deployment_rows,
    Kind.CHANGES: _change_rows,
    Kind.RELEASES: _release_rows,
    Kind.WAIVERS: _waiver_rows,
}


def _base(row: Any, kind: str, label: str, at: datetime) -> Row:
    return {"id": str(row.pk), "kind": kind, "label": label[:200], "at": plain(at)}


def _stratum(risk: str, emergency: bool) -> str:
    return f"{risk}, emergency" if emergency else str(risk)


def _people(*ids: uuid.UUID | None) -> list[str]:
    return sorted({str(ident) for ident in ids if ident})


def _authorisations(deployments: Iterable[uuid.UUID]) -> dict[uuid.UUID, ChangeDeployment]:
    rows = ChangeDeployment.objects.filter(deployment__in=list(deployments)).select_related("change")
    return {row.deployment_id: row for row in rows}


# --- completeness ----------------------------------------------------------------------------------------------


def _reconcile_deployments(period: Period) -> Reconciled:
    found = _deployments(period)
    under = _authorisations(d.pk for d in found)
    carrying = set(
        DeploymentCommit.objects.filter(deployment__in=[d.pk for d in found]).values_list(
            "deployment_id", flat=True
        )
    )
    recorded = [_recorded(each, under.get(each.pk), each.pk in carrying) for each in found]
    observed = list(_observed(period))
    promised = list(_promised(period))
    gaps = completeness.of_deployments([*recorded, *_earlier(period, observed)], observed, promised)
    sources = [
        _source("Deployments to production recorded", len(recorded)),
        _source("Runtime observations in production", len(observed)),
        _source(
            "Change requests that authorise them", len({u.change_id for u in under.values() if u.authorised})
        ),
        _source("Releases they belong to", len({d.release_id for d in found if d.release_id})),
        _source("Changes implemented and releases released", len(promised)),
    ]
    return Reconciled(sources, list(gaps))


def _source(name: str, rows: int) -> dict[str, Any]:
    return {"name": name, "rows": rows}


def _recorded(each: Deployment, link: ChangeDeployment | None, carries: bool) -> Recorded:
    return Recorded(
        id=str(each.pk),
        label=str(each)[:200],
        place=(str(each.service_id), str(each.environment_id)),
        names=_names(each.version, each.artifact.digest if each.artifact else ""),
        at=each.started_at,
        in_period=True,
        succeeded=each.outcome == Deployment.State.SUCCEEDED,
        authorised=bool(link and link.authorised),
        why_not=link.reason if link else "",
        released=each.release_id is not None,
        traced=carries or bool(each.commit) or each.artifact_id is not None,
    )


def _names(version: str, digest: str) -> frozenset[str]:
    return frozenset(name for name in (version, digest) if name)


def _observed(period: Period) -> Iterator[Observed]:
    found = RuntimeObservation.objects.filter(
        environment__kind=Environment.Kind.PRODUCTION,
        observed_at__gte=period.starts,
        observed_at__lt=period.ends,
    )
    if period.train_id:
        found = found.filter(service__train=period.train_id)
    for each in found.select_related("service", "environment").order_by("pk").iterator(2_000):
        yield Observed(
            id=str(each.pk),
            label=str(each)[:200],
            place=(str(each.service_id), str(each.environment_id)),
            names=_names(each.version, each.digest),
            at=each.observed_at,
        )


def _earlier(period: Period, observed: list[Observed]) -> Iterator[Recorded]:
    """Deployments before the period: what runs in it may have been deployed long ago, on a service of any train."""
    services = {each.place[0] for each in observed}
    if not services:
        return
    rows = Deployment.objects.filter(
        environment__kind=Environment.Kind.PRODUCTION, service__in=services, started_at__lt=period.starts
    ).values_list("pk", "service_id", "environment_id", "version", "artifact__digest", "started_at")
    for pk, service, environment, version, digest, at in rows.iterator(2_000):
        yield Recorded(
            id=str(pk),
            label="",
            place=(str(service), str(environment)),
            names=_names(version, digest or ""),
            at=at,
            in_period=False,
            succeeded=True,
            authorised=True,
            why_not="",
            released=True,
            traced=True,
        )


def _promised(period: Period) -> Iterator[Promised]:
    """Changes whose window lay in the period and that count as implemented, and releases released in it."""
    in_production = Deployment.objects.filter(environment__kind=Environment.Kind.PRODUCTION)
    of_changes = set(
        ChangeDeployment.objects.filter(deployment__in=in_production).values_list("change_id", flat=True)
    )
    of_releases = set(
        in_production.filter(release__isnull=False).values_list("release_id", flat=True).distinct()
    )
    changes = ChangeRequest.objects.filter(
        Q(environment__isnull=True) | Q(environment__kind=Environment.Kind.PRODUCTION),
        state__in=[ChangeRequest.State.COMPLETED, ChangeRequest.State.CLOSED],
        window_starts__gte=period.starts,
        window_starts__lt=period.ends,
    ).exclude(outcome=ChangeRequest.Outcome.BACKED_OUT)
    releases = Release.objects.filter(released_at__gte=period.starts, released_at__lt=period.ends)
    if period.train_id:
        changes = changes.filter(Q(release__train=period.train_id) | Q(service__train=period.train_id))
        releases = releases.filter(train=period.train_id)
    for change in changes.order_by("pk"):
        assert change.window_starts
        deployed = change.pk in of_changes or change.release_id in of_releases
        yield Promised("changerequest", str(change.pk), str(change)[:200], change.window_starts, deployed)
    for release in releases.order_by("pk"):
        assert release.released_at
        yield Promised(
            "release", str(release.pk), str(release)[:200], release.released_at, release.pk in of_releases
        )


def _reconcile_records(kind: Kind, period: Period) -> Reconciled:
    """Records against the ledger: every record has entries, and what has entries is still there."""
    model = SUBJECTS[kind]
    name = str(model._meta.model_name)
    rows = rows_of(kind, period)
    ids = [row["id"] for row in rows]
    entries = LedgerEntry.objects.filter(subject_kind=name)
    of_rows = set(entries.filter(subject_id__in=ids).values_list("subject_id", flat=True).distinct())
    touched = entries.filter(at__gte=period.starts, at__lt=period.ends).order_by()
    in_period = {
        ident: (label, at)
        for ident, label, at in touched.values("subject_id")
        .annotate(label=Min("subject_label"), first=Min("at"))
        .values_list("subject_id", "label", "first")
    }
    there = {
        str(pk) for pk in model._default_manager.filter(pk__in=list(in_period)).values_list("pk", flat=True)
    }
    gone = [(ident, *in_period[ident]) for ident in in_period if ident not in there]
    gaps = completeness.of_records(
        ((row["id"], row["label"], datetime.fromisoformat(row["at"])) for row in rows),
        [
            *(
                (row["id"], row["label"], datetime.fromisoformat(row["at"]))
                for row in rows
                if row["id"] in of_rows
            ),
            *gone,
        ],
        name,
    )
    sources = [
        _source(f"{Kind(kind).label} recorded", len(rows)),
        _source("With entries in the ledger", len(of_rows)),
        _source("Named by ledger entries of the period", len(in_period)),
    ]
    return Reconciled(sources, list(gaps))
