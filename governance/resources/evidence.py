"""The faces of evidence packages and their downloads."""

from __future__ import annotations

from django.db.models import QuerySet

from governance.evidence.collect import subject_kinds
from governance.evidence.subjects import PERIOD
from governance.models import EvidencePackage, PackageDownload
from governance.pages.evidence import package_context
from governance.queries.evidence import readable, readable_downloads
from releasetrain.interface.resources import Filter, Resource, register


def _about(rows: QuerySet, kind: str) -> QuerySet:
    return rows.filter(subject_kind=kind)


ABOUT = Filter(
    "about",
    "About",
    _about,
    (*((kind.name, kind.title) for kind in subject_kinds().values()), (PERIOD, "Period")),
)

register(
    Resource(
        EvidencePackage,
        plural="evidence",
        section="evidence",
        icon="vault",
        columns=(
            "key",
            "label",
            "subject_kind",
            "state",
            "facts_at",
            "record_count",
            "origin",
            "requested_by",
            "requested_at",
        ),
        filters=(ABOUT, "state", "origin", "train"),
        search=("key", "label"),
        order=("-requested_at", "-id"),
        requires="evidence.read",
        rows=readable,
        template="governance/evidence/package.html",
        context=package_context,
        hidden=("lease", "claimed_until", "trigger_entry", "contents"),
        description="Everything recorded about a release, a change or a period in one signed archive that verifies offline.",
    )
)
register(
    Resource(
        PackageDownload,
        plural="evidence-downloads",
        section="evidence",
        icon="download",
        columns=("package", "user", "at", "route", "address"),
        filters=("package",),
        order=("-at", "-id"),
        requires="evidence.read",
        rows=readable_downloads,
    )
)
