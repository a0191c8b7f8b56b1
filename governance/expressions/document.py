"""The facts that an expression may ask about: one plain document per release or build, stable and documented.

`NAMES` says what is in it; docs/guide/gates.md describes each field. Names are only ever added.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q

from governance.checks.context import CheckContext
from governance.models import EnvironmentRule
from governance.queries.results import standing_results
from releasetrain.kernel.canonical import plain
from trains.models import Deployment, Release

NAMES = {
    "at": "the moment of asking, as text; timestamp(at) makes it a moment",
    "subject": "release or artifact",
    "environment": "name, kind, rank, tags",
    "release": "the release, or null for a build alone: key, version, train, classification, tier, state, impact,"
    " target_at, frozen, has_rollback_plan, has_success_criteria, items",
    "items": "the scope: key, title, source, classification, tier, after_freeze",
    "artifacts": "the builds: service, version, digest, commit, builder",
    "services": "the services: name, tier, regulated, train",
    "change": "the change request or null: key, type, risk, state, approved, window_starts, window_ends",
    "tests": "counts over all test reports: reports, total, passed, failed, errored, skipped",
    "coverage": "lines over all coverage reports: reports, covered, total, percent",
    "history": "deployments of the services to the environment in 30 days: total, failed, rolled_back",
}
_TESTS = ("total", "passed", "failed", "errored", "skipped")


def document_of(ctx: CheckContext) -> dict[str, Any]:
    """The document of what is asked about, at the moment of asking."""
    release = ctx.release
    rule = EnvironmentRule.objects.filter(environment=ctx.environment).first()
    found: dict[str, Any] = plain(
        {
            "at": ctx.at,
            "subject": "release" if release else "artifact",
            "environment": {
                "name": ctx.environment.name,
                "kind": ctx.environment.kind,
                "rank": ctx.environment.rank,
                "tags": sorted(rule.tags) if rule else [],
            },
            "release": _release(release) if release else None,
            "items": _items(release) if release else [],
            "artifacts": [
                {
                    "service": a.service.name,
                    "version": a.version,
                    "digest": a.digest,
                    "commit": a.commit,
                    "builder": a.builder,
                }
                for a in ctx.artifacts
            ],
            "services": [
                {
                    "name": s.name,
                    "tier": s.tier,
                    "regulated": s.regulated,
                    "train": s.train.key if s.train else "",
                }
                for s in ctx.services
            ],
            "change": _change(release) if release else None,
            **_reports(ctx),
            "history": _history(ctx),
        }
    )
    return found


def _release(release: Release) -> dict[str, Any]:
    return {
        "key": release.key,
        "version": release.version,
        "train": release.train.key,
        "classification": release.classification,
        "tier": release.tier,
        "state": release.state,
        "impact": release.impact,
        "target_at": release.target_at,
        "frozen": release.frozen_at is not None,
        "has_rollback_plan": bool(release.rollback_plan.strip()),
        "has_success_criteria": bool(release.success_criteria.strip()),
    }


def _items(release: Release) -> list[dict[str, Any]]:
    rows = release.items.filter(removed_at__isnull=True).order_by("created_at", "id")
    return [
        {
            "key": i.source_key,
            "title": i.title,
            "source": i.source_kind,
            "classification": i.classification,
            "tier": i.tier,
            "after_freeze": i.after_freeze,
        }
        for i in rows
    ]


def _change(release: Release) -> dict[str, Any] | None:
    from governance.actions.following import change_of

    change = change_of(release)
    if change is None:
        return None
    return {
        "key": change.key,
        "type": change.type,
        "risk": change.risk,
        "state": change.state,
        "approved": change.stands,
        "window_starts": change.window_starts,
        "window_ends": change.window_ends,
    }


def _reports(ctx: CheckContext) -> dict[str, Any]:
    tests = [r for rows in standing_results(ctx.artifacts, "tests").values() for r in rows]
    coverage = [r for rows in standing_results(ctx.artifacts, "coverage").values() for r in rows]
    covered = sum(int(r.summary["covered"]) for r in coverage)
    total = sum(int(r.summary["total"]) for r in coverage)
    return {
        "tests": {"reports": len(tests), **{n: sum(int(r.summary[n]) for r in tests) for n in _TESTS}},
        "coverage": {
            "reports": len(coverage),
            "covered": covered,
            "total": total,
            "percent": 100 * covered / total if total else 0.0,
        },
    }


def _history(ctx: CheckContext) -> dict[str, int]:
    states = Deployment.State
    rows = Deployment.objects.filter(
        service__in=[s.pk for s in ctx.services],
        environment=ctx.environment,
        started_at__gte=ctx.at - timedelta(days=30),
        started_at__lt=ctx.at,
    )
    return rows.aggregate(
        total=Count("pk"),
        failed=Count("pk", filter=Q(state=states.FAILED)),
        rolled_back=Count("pk", filter=Q(state=states.ROLLED_BACK)),
    )
