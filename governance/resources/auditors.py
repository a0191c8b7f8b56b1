"""The faces of external auditors' access and of scheduled packages."""

from __future__ import annotations

from governance.models import AuditorAccess, PackageSchedule
from governance.pages.auditor import access_context
from governance.queries.auditing import readable_accesses
from releasetrain.interface.navigation import Place
from releasetrain.interface.navigation import register as place
from releasetrain.interface.resources import Resource, register

place(Place("auditor", "Auditors", "eye", "auditor/", 140, "Assure", "Auditors' desk"))
register(
    Resource(
        AuditorAccess,
        plural="auditor-accesses",
        section="auditor",
        icon="eye",
        columns=("key", "firm", "email", "purpose", "state", "starts_at", "ends_at", "train"),
        filters=("state", "train"),
        search=("key", "email", "firm", "purpose"),
        order=("-created_at", "-id"),
        requires="organization.view",
        rows=readable_accesses,
        template="governance/auditing/access.html",
        context=access_context,
        hidden=("grant",),
        description="External auditors who were let in: to what, from when until when, and what they looked at.",
    )
)
register(
    Resource(
        PackageSchedule,
        plural="package-schedules",
        section="evidence",
        icon="cal",
        columns=("name", "every", "about_label", "state", "begins", "packed_until"),
        filters=("every",),
        search=("name", "about_label"),
        order=("name",),
        computed=("state",),
        requires="evidence.read",
        hidden=("about_id",),
        description="Packages made by rule about each week, month, quarter or year when it is over.",
    )
)
