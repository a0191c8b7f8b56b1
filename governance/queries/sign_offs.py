"""Sign-offs that stand, and whose word does not count."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q

from governance.models import ChangeContributor, SignOff
from releasetrain.accounts.models import Grant
from releasetrain.kernel.actor import scope_path
from releasetrain.tenancy.scope import require_scope
from trains.models import Artifact, Deployment, Release


def standing_sign_offs(subject: Any, topic: str) -> list[SignOff]:
    """The latest word of each person on the topic, the latest first."""
    of = {"release": subject} if isinstance(subject, Release) else {"artifact": subject}
    rows = SignOff.objects.filter(**of, topic=topic).select_related("signed_by").order_by("-signed_at", "-id")
    latest: dict[uuid.UUID, SignOff] = {}
    for row in rows[:500]:
        latest.setdefault(row.signed_by_id, row)
    return list(latest.values())


def barred_from_signing(release: Release | None, artifacts: Iterable[Artifact]) -> set[uuid.UUID]:
    """Who had a hand in it: authors of the release's changes, and whoever has deployed these builds."""
    barred: set[uuid.UUID] = set()
    of = Q(artifact__in=[a.pk for a in artifacts])
    if release is not None:
        people = ChangeContributor.objects.filter(change__release=release).values_list("user_id", flat=True)
        barred |= set(people)
        of |= Q(release=release)
    deployers = Deployment.objects.filter(of, deployed_by__isnull=False)
    return barred | set(deployers.values_list("deployed_by_id", flat=True))


def holders_among(people: set[uuid.UUID], role: str, about: Any, at: datetime) -> set[uuid.UUID]:
    """Which of the people hold the role at the moment on the object, on what owns it or on the organization."""
    path = set(scope_path(about, require_scope().organization_id))
    grants = Grant.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        user__in=people,
        role=role,
        revoked_at__isnull=True,
        starts_at__lte=at,
    ).values_list("user_id", "scope__kind", "scope__object_id")
    return {user for user, kind, pk in grants if (kind, str(pk)) in path}
