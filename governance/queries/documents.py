"""Which documents are in force, and which are missing where their kind requires one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from governance.models import DocumentKind, DocumentVersion
from trains.models import Release, Service

OPEN_RELEASES = ("planning", "scoped", "frozen", "ready", "approved", "deploying")


@dataclass
class Standing:
    """One kind of document: the versions that count, and the services or releases that lack one."""

    kind: DocumentKind
    there: list[DocumentVersion] = field(default_factory=list)
    missing: list[Any] = field(default_factory=list)


def in_force(at: datetime) -> QuerySet:
    """Versions that count at that moment: decided, not yet superseded, not run out."""
    return (
        DocumentVersion.objects.filter(state__in=["approved", "superseded"], decided_at__lte=at)
        .filter(Q(superseded_at__isnull=True) | Q(superseded_at__gt=at))
        .filter(Q(expires_on__isnull=True) | Q(expires_on__gt=at.date()))
    )


def required(kind: DocumentKind) -> QuerySet:
    """The services, or the releases at work, that must have a document of this kind."""
    if kind.about == DocumentKind.About.SERVICE:
        services = Service.objects.filter(tier__in=kind.tiers)
        return services.filter(regulated=True) if kind.regulated_only else services
    return Release.objects.filter(tier__in=kind.tiers, state__in=OPEN_RELEASES).select_related("train")


def standing_of_kinds(codes: Collection[str] | None, at: datetime) -> dict[str, Standing]:
    """Each kind (all when none is named) with what is there and what is missing."""
    kinds = DocumentKind.objects.filter(retired_at__isnull=True)
    found = {k.pk: Standing(k) for k in (kinds if codes is None else kinds.filter(code__in=codes))}
    has: dict[Any, set[Any]] = {}
    versions = (
        in_force(at)
        .filter(document__kind__in=found)
        .select_related("document__kind", "document__service", "document__release__train")
        .order_by("document", "-number")
    )
    for version in versions:
        document = version.document
        found[document.kind_id].there.append(version)
        has.setdefault(document.kind_id, set()).add(document.service_id or document.release_id)
    for standing in found.values():
        if standing.kind.tiers:
            standing.missing = [
                each for each in required(standing.kind) if each.pk not in has.get(standing.kind.pk, ())
            ]
    return {standing.kind.code: standing for standing in found.values()}


def missing_for(subjects: Iterable[Any], at: datetime) -> list[tuple[DocumentKind, Any]]:
    """What these services and releases lack: (kind, service or release)."""
    wanted = list(subjects)
    has = set(
        in_force(at)
        .filter(Q(document__service__in=_of(wanted, Service)) | Q(document__release__in=_of(wanted, Release)))
        .values_list("document__kind", "document__service", "document__release")
    )
    held = {(kind, service or release) for kind, service, release in has}
    lacking = []
    for kind in DocumentKind.objects.filter(retired_at__isnull=True):
        about = Service if kind.about == DocumentKind.About.SERVICE else Release
        for each in wanted:
            if (
                isinstance(each, about)
                and each.tier in kind.tiers
                and (not kind.regulated_only or getattr(each, "regulated", True))
                and (kind.pk, each.pk) not in held
            ):
                lacking.append((kind, each))
    return lacking


def register_data(found: dict[str, Standing]) -> list[dict[str, Any]]:
    """The register as plain data."""
    return [
        {
            "kind": code,
            "title": standing.kind.title,
            "about": standing.kind.about,
            "required_for_tiers": standing.kind.tiers,
            "regulated_only": standing.kind.regulated_only,
            "in_force": [
                {
                    "document": v.document.key,
                    "version": v.number,
                    "about": str(v.document.service or v.document.release),
                    "digest": v.digest,
                    "approved_at": v.decided_at,
                    "expires_on": v.expires_on,
                }
                for v in standing.there
            ],
            "missing": [str(each) for each in standing.missing],
        }
        for code, standing in found.items()
    ]


def _of(subjects: list[Any], model: type) -> list[Any]:
    return [each.pk for each in subjects if isinstance(each, model)]
