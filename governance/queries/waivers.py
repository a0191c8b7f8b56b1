"""Waivers in force."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q

from governance.checks import registry
from governance.models import Gate, Waiver
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import Grant
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.canonical import digest
from releasetrain.tenancy.scope import require_scope
from trains.models import Artifact

from .subjects import Subject


def builds_digest(artifacts: Iterable[Artifact]) -> str:
    """What was to be let through: the builds, whatever else the release is."""
    return digest(sorted(a.digest for a in artifacts))


def waivers_in_force(gate: Gate, subject: Subject, at: datetime, specs: list[dict[str, Any]]) -> list[Waiver]:
    """Granted, unexpired waivers of this gate for the subject. One about a build falls when the build changes."""
    rows = Waiver.objects.filter(gate=gate, state=Waiver.State.GRANTED, expires_at__gt=at)
    rows = rows.filter(release=subject.release) if subject.release else rows.filter(artifact=subject.artifact)
    about_builds = {
        s["name"] for s in specs if (kind := registry.find(s["kind"])) is None or kind.subject == "artifact"
    }
    now_builds = builds_digest(subject.artifacts)
    return [
        w for w in rows.order_by("expires_at") if w.check_name not in about_builds or w.builds == now_builds
    ]


def deciding_role(gate: Gate, check_name: str) -> str:
    """The role that the gate's version in force names for waivers of a check."""
    version = gate.current_version
    spec = next((c for c in version.checks if c["name"] == check_name), {}) if version else {}
    return str(spec.get("waived_by") or Role.COMPLIANCE_OFFICER.value)


def holds(user_id: uuid.UUID, role: str, path: Iterable[ScopeKey], at: datetime) -> bool:
    """Whether somebody holds the role at the moment, on any of these scopes or on the organization."""
    wanted = {*path, ("organization", str(require_scope().organization_id))}
    grants = Grant.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        user=user_id,
        role=role,
        revoked_at__isnull=True,
        starts_at__lte=at,
    ).values_list("scope__kind", "scope__object_id")
    return any((kind, str(pk)) in wanted for kind, pk in grants)
