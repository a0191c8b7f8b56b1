"""The report of a configuration audit: what is, what should be, and who accepted the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from releasetrain.kernel.canonical import digest
from trains.models import ConfigurationItem, ConfigurationObservation, Environment, Release
from trains.queries.drift import Found, discrepancies_of, drift_of, latest_baseline
from trains.queries.impact import items_of, rests_on


def report_of(release: Release, environment: Environment, at: datetime) -> dict[str, Any]:
    """Everything that an auditor of a release's configuration looks at, in plain values and a stable order."""
    items = [
        item
        for item in rests_on(items_of(release))
        if item.environment_id in (None, environment.pk) and item.state != ConfigurationItem.State.RETIRED
    ]
    drift = drift_of(items, at, environment=environment)
    discrepancies = discrepancies_of(release, at)
    seen: dict[Any, list[ConfigurationObservation]] = {}
    rows = ConfigurationObservation.objects.filter(item__in=items).order_by("source", "-observed_at")
    for row in rows:
        if row.environment_id in (None, environment.pk):
            seen.setdefault(row.item_id, []).append(row)
    baseline = latest_baseline(release)
    differences: dict[Any, list[dict[str, Any]]] = {}
    for each in drift.found:
        if each.item is not None:
            differences.setdefault(each.item.pk, []).append(_difference(each))
    owners = {item.owner_id for item in items if item.owner_id}
    return {
        "release": release.key,
        "environment": environment.name,
        "baseline": {
            "key": baseline.key,
            "digest": baseline.content_digest,
            "frozen_at": baseline.frozen_at.isoformat(),
        }
        if baseline
        else None,
        "owners": sorted(str(owner) for owner in owners),
        "items": [
            {
                "key": item.key,
                "name": item.name,
                "kind": item.get_kind_display(),
                "regulated": item.regulated,
                "criticality": item.criticality,
                "owner": str(item.owner) if item.owner else "",
                "should_be": item.should_be(),
                "is": [
                    {
                        "scanner": row.source,
                        "present": row.present,
                        "state": row.state,
                        "observed_at": row.observed_at.isoformat(),
                    }
                    for row in seen.get(item.pk, [])
                ],
                "differences": differences.get(item.pk, []),
            }
            for item in items
        ],
        "discrepancies": [_difference(each) for each in discrepancies],
        "unseen": sorted(item.key for item in drift.unseen),
        "open": len(drift.open) + sum(1 for each in discrepancies if each.is_open),
        "accepted": sum(1 for each in (*drift.found, *discrepancies) if not each.is_open),
    }


def _difference(found: Found) -> dict[str, Any]:
    tolerated = found.tolerated
    return {
        "kind": found.difference.kind,
        "field": found.difference.field,
        "expected": found.difference.expected,
        "found": found.difference.found,
        "sentence": found.sentence,
        "fingerprint": found.difference.fingerprint,
        "accepted": {
            "by": str(tolerated.accepted_by),
            "at": tolerated.accepted_at.isoformat(),
            "until": tolerated.expires_at.isoformat(),
            "reason": tolerated.reason,
        }
        if tolerated
        else None,
    }


def facts_digest(report: dict[str, Any]) -> str:
    """The digest of what an auditor's conclusion rests on: a later scan that saw the same changes nothing."""
    items = [
        {**item, "is": [{k: v for k, v in seen.items() if k != "observed_at"} for seen in item["is"]]}
        for item in report["items"]
    ]
    return digest({**report, "items": items})


def is_regulated(release: Release) -> bool:
    """Whether the release carries a regulated service, or one that a regulated item stands for."""
    services = release.artifacts.values("service")
    return (
        release.artifacts.filter(service__regulated=True).exists()
        or ConfigurationItem.objects.filter(service__in=services, regulated=True)
        .exclude(state=ConfigurationItem.State.RETIRED)
        .exists()
    )
