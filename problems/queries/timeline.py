"""The course of an incident as one list: its moments, deployments around it with the problems they carried, acts on it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from problems.models import FailureLink, Incident, Problem, ProblemFix
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from trains.models import Deployment

BEFORE = timedelta(hours=24)
MOST = 100


@dataclass(frozen=True)
class Moment:
    """One thing that happened."""

    at: datetime
    kind: str
    sentence: str
    ref: Ref | None = None
    problems: tuple[Ref, ...] = ()
    tone: str = ""


def problems_carried(releases: set[UUID]) -> dict[UUID, list[Problem]]:
    """Release → the problems that it fixes."""
    found: dict[UUID, list[Problem]] = defaultdict(list)
    rows = ProblemFix.objects.filter(release__in=releases, withdrawn_at__isnull=True)
    for fix in rows.select_related("problem").order_by("problem__key"):
        found[fix.release_id].append(fix.problem)
    return found


def links_of(deployments: list[Deployment]) -> dict[UUID, dict[str, list[Any]]]:
    """Deployment → the problems it carries fixes of, and the incidents and problems laid to it."""
    carried = problems_carried({d.release_id for d in deployments if d.release_id})
    found: dict[UUID, dict[str, list[Any]]] = {
        d.pk: {
            "fixes": carried.get(d.release_id, []) if d.release_id else [],
            "incidents": [],
            "problems": [],
        }
        for d in deployments
    }
    links = FailureLink.objects.filter(deployment__in=list(found)).exclude(status=FailureLink.Status.DISPUTED)
    by_incident: dict[UUID, list[UUID]] = defaultdict(list)
    for link in links.select_related("incident").order_by("incident__key"):
        found[link.deployment_id]["incidents"].append(link.incident)
        by_incident[link.incident_id].append(link.deployment_id)
    rows = Problem.objects.filter(incidents__incident__in=by_incident).values_list(
        "pk", "incidents__incident_id"
    )
    listed = list(rows)
    problems = {p.pk: p for p in Problem.objects.filter(pk__in={pk for pk, _ in listed})}
    for pk, incident_id in listed:
        for deployment_id in by_incident.get(incident_id, []):
            if problems[pk] not in found[deployment_id]["problems"]:
                found[deployment_id]["problems"].append(problems[pk])
    return found


def timeline_of(incident: Incident) -> list[Moment]:
    """Everything around the incident, in its order."""
    services = list(incident.services.values_list("service_id", flat=True))
    ends = incident.resolved_at or now()
    rows = Deployment.objects.filter(
        service__in=services,
        environment__kind="production",
        started_at__gte=incident.began_at - BEFORE,
        started_at__lte=ends + timedelta(hours=1),
    )
    deployments = list(
        rows.select_related("service", "environment", "release").order_by("-started_at", "-id")[:MOST]
    )
    links = links_of(deployments)
    found = [*_own(incident), *(_deployed(d, links[d.pk]["fixes"]) for d in deployments), *_acts(incident)]
    return sorted(found, key=lambda m: (m.at, m.kind, m.sentence))


def _own(incident: Incident) -> list[Moment]:
    words = (
        ("started_at", "It began.", "bad"),
        ("detected_at", "It was detected.", "bad"),
        ("mitigated_at", "Users no longer suffered.", "warn"),
        ("resolved_at", "It was over.", "ok"),
    )
    return [
        Moment(at, "incident", sentence, Ref.of(incident), (), tone)
        for name, sentence, tone in words
        if (at := getattr(incident, name)) is not None
    ]


def _deployed(deployment: Deployment, fixes: list[Problem]) -> Moment:
    how = deployment.get_state_display().lower()
    named = f"; it carries fixes of {', '.join(p.key for p in fixes)}" if fixes else ""
    tone = "bad" if deployment.state in ("failed", "rolled_back") else ""
    return Moment(
        deployment.started_at,
        deployment.kind,
        f"{deployment.get_kind_display()} of {deployment}, {how}{named}.",
        Ref.of(deployment),
        tuple(Ref.of(p) for p in fixes),
        tone,
    )


_SAID = {
    "incident.link_deployment": "A deployment was linked to it.",
    "incident.raise_problem": "A problem was raised from it.",
    "incident.reopen": "It was re-opened.",
    "incident.edit": "What is said of it was corrected.",
    "incident.set_services": "Its services were corrected.",
}


def _acts(incident: Incident) -> list[Moment]:
    rows = LedgerEntry.objects.filter(
        subject_kind="incident", subject_id=str(incident.pk), verb__in=_SAID
    ).order_by("-at")[:MOST]
    return [Moment(e.at, "act", f"{_SAID[e.verb]} {e.actor_name}".strip(), None) for e in rows]


def as_data(moments: list[Moment]) -> list[dict[str, Any]]:
    """The course as plain values."""

    def ref(r: Ref) -> dict[str, str]:
        return {"kind": r.kind, "id": str(r.id), "label": r.label}

    return [
        {
            "at": m.at,
            "kind": m.kind,
            "sentence": m.sentence,
            "about": ref(m.ref) if m.ref else None,
            "problems": [ref(p) for p in m.problems],
        }
        for m in moments
    ]
