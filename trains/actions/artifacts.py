"""Verbs of artifacts."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.kernel.refusals import refuse
from trains.models import Artifact, Service
from trains.models.artifact import DIGEST


def known_artifact(service: Service, digest: str, version: str) -> Artifact | None:
    """The artifact of this digest, or None; refuses what would change an artifact."""
    if not re.fullmatch(DIGEST, digest):
        refuse("artifact.digest", "A digest is sha256: and 64 hexadecimal digits.", field="digest")
    known = Artifact.objects.filter(digest=digest).select_related("service").first()
    if known:
        if known.service_id != service.pk:
            refuse(
                "artifact.other_service",
                f"This digest belongs to {known.service}.",
                blocked_by=Ref.of(known),
                field="digest",
                status=409,
            )
        if version and known.version and known.version != version:
            refuse(
                "artifact.version_changed",
                f"This digest is version {known.version} of {service}, not {version}.",
                remedy="Report the version it was built as.",
                blocked_by=Ref.of(known),
                field="version",
                status=409,
            )
        return known
    if version:
        other = Artifact.objects.filter(service=service, version=version).first()
        if other:
            refuse(
                "artifact.digest_changed",
                f"Version {version} of {service} has the digest {other.digest}; a version never changes its digest.",
                remedy="Build a new version.",
                blocked_by=Ref.of(other),
                field="digest",
                status=409,
            )
    return None


@action(
    "artifact.register",
    creates=Artifact,
    requires="results.post",
    within="service",
    label="Register an artifact",
)
def register_artifact(
    actor: Actor,
    *,
    service: Service,
    digest: Annotated[str, Field("Digest", help="sha256: and 64 hexadecimal digits.", max_length=71)],
    version: Annotated[str, Field("Version", max_length=120)] = "",
    commit: Annotated[str, Field("Commit", max_length=64)] = "",
    builder: Annotated[str, Field("Builder", help="The pipeline run that made it.", max_length=200)] = "",
    built_at: Annotated[datetime | None, Field("Built")] = None,
) -> Artifact:
    """Register a build by its digest. Registering the same build again changes nothing."""
    known = known_artifact(service, digest, version)
    if known:
        return _completed(known, version=version, commit=commit, builder=builder, built_at=built_at)
    return Artifact.objects.create(
        service=service, digest=digest, version=version, commit=commit, builder=builder, built_at=built_at
    )


def _completed(artifact: Artifact, **said: object) -> Artifact:
    """The artifact with what was not known of it before; what was known stays."""
    news = {name: value for name, value in said.items() if value and not getattr(artifact, name)}
    if news:
        for name, value in news.items():
            setattr(artifact, name, value)
        artifact.save()
    return artifact
