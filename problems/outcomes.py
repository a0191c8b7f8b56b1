"""What incidents say of deployments, for whoever asks how a release turned out."""

from __future__ import annotations

import uuid

from governance.outcomes import troubles
from problems.models import FailureLink
from releasetrain.kernel.refusals import Ref


@troubles
def incidents_of(deployments: list[uuid.UUID]) -> dict[uuid.UUID, list[Ref]]:
    """Incidents that the deployments caused or contributed to, disputed links left out."""
    links = (
        FailureLink.objects.filter(
            deployment__in=deployments, kind__in=[FailureLink.Kind.CAUSED, FailureLink.Kind.CONTRIBUTED]
        )
        .exclude(status=FailureLink.Status.DISPUTED)
        .select_related("incident")
    )
    found: dict[uuid.UUID, list[Ref]] = {}
    for link in links:
        found.setdefault(link.deployment_id, []).append(Ref.of(link.incident))
    return found
