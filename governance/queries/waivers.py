"""Waivers in force."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from governance.checks import registry
from governance.models import Gate, Waiver
from releasetrain.kernel.canonical import digest
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
