"""Releases as their approvers and their pages read them."""

from __future__ import annotations

from typing import Any

from trains.models import Release

from .deployments import production_environments


def release_content(release: Release) -> dict[str, Any]:
    """What an approval of the release is bound to: any difference in it makes an approval void.

    Plain values in a stable order, ready for canonical JSON. State and dates of the release are not content.
    """
    items = release.items.filter(removed_at__isnull=True).order_by("id")
    artifacts = release.artifacts.select_related("artifact", "service").order_by("service__name")
    return {
        "release": release.key,
        "version": release.version,
        "classification": release.classification,
        "tier": release.tier,
        "items": [
            {
                "id": str(item.pk),
                "source": f"{item.source_kind}:{item.source_id}" if item.source_id else "",
                "title": item.title,
                "classification": item.classification,
                "tier": item.tier,
                "after_freeze": item.after_freeze,
                # Only where it is set: contents that were approved before the marker existed stay the same.
                **({"canary": True} if item.canary else {}),
            }
            for item in items
        ],
        "artifacts": [
            {"service": a.service.name, "version": a.artifact.version, "digest": a.artifact.digest}
            for a in artifacts
        ],
        "environments": [e.name for e in production_environments(release.train)],
        "rollback_plan": release.rollback_plan,
        "success_criteria": release.success_criteria,
    }
