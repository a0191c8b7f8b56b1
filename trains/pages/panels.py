"""Panels of the release cockpit: broken promises of platforms, readiness, communication, data migrations."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from releasetrain.interface import links
from releasetrain.kernel.clock import now
from trains.actions.commitments import create_commitment_change
from trains.actions.communication import generate_brief, generate_notes, plan_walkthrough
from trains.actions.data_migrations import create_data_migration
from trains.actions.readiness import assess_readiness
from trains.models import CommitmentChange, DataMigration, ReadinessAnswer, Release, ServiceLevel
from trains.ports import Panel
from trains.queries.commitments import unmet_commitments
from trains.rules.readiness import Answer, score


def broken_promises(request: HttpRequest, release: Release) -> Panel | None:
    """Levels that shared platforms promise this train and do not keep now."""
    if not release.is_open:
        return None
    rows = ServiceLevel.objects.filter(consumer=release.train_id, breached_since__isnull=False)
    breaches = list(rows.select_related("platform__provider", "consumer"))
    if not breaches:
        return None
    context = {"breaches": breaches, "right": f"{len(breaches)} below target"}
    return "Platforms this train relies on", "trains/_breaches.html", context, 5


def readiness(request: HttpRequest, release: Release) -> Panel | None:
    """The readiness assessment with its score."""
    rows = list(ReadinessAnswer.objects.filter(release=release).select_related("owner"))
    decision = assess_readiness.decide(request.actor, release)  # type: ignore[attr-defined]
    if not rows and (not decision.allowed or not release.is_open):
        return None
    ready = score(Answer(r.answer, r.weight, r.mandatory) for r in rows)
    context: dict[str, Any] = {
        "rows": rows,
        "today": now().date(),
        "assess_url": links.verb_url(assess_readiness, release),
        "right": "not assessed" if not rows else "nothing applies" if ready is None else f"{ready:g} % ready",
    }
    return "Readiness", "trains/_readiness.html", context, 50


def communication(request: HttpRequest, release: Release) -> Panel | None:
    """Brief, notes, walkthroughs and changed promises, and the ways to the next one."""
    commitments = CommitmentChange.objects.filter(release=release).exclude(state="withdrawn")
    walkthroughs = release.walkthroughs.exclude(state="cancelled").order_by("starts_at")
    decision = plan_walkthrough.decide(request.actor, None, {"release": release})  # type: ignore[attr-defined]
    brief, note = release.briefs.order_by("-number").first(), release.notes.first()
    found = list(walkthroughs), list(commitments)
    if not decision.allowed and not (brief or note or any(found)):
        return None
    unmet: dict[Any, list[str]] = {}
    if found[1]:
        for row, sentence, _ in unmet_commitments(release, now().date()):
            unmet.setdefault(row.pk, []).append(sentence)
    asked = f"?release={release.pk}"
    context = {
        "brief": brief,
        "note": note,
        "walkthroughs": found[0],
        "commitments": [(row, unmet.get(row.pk, [])) for row in found[1]],
        "may": decision.allowed and release.is_open,
        "brief_url": links.verb_url(generate_brief) + asked,
        "notes_url": links.verb_url(generate_notes) + asked,
        "walkthrough_url": links.verb_url(plan_walkthrough) + asked,
        "commitment_url": links.verb_url(create_commitment_change) + asked,
    }
    return "Communication", "trains/_communication.html", context, 105


def data_migrations(request: HttpRequest, release: Release) -> Panel | None:
    """The data migrations that go with the release."""
    rows = list(
        DataMigration.objects.filter(release=release).exclude(state="cancelled").prefetch_related("steps")
    )
    if not rows:
        return None
    lines = [
        {
            "migration": row,
            "done": sum(1 for s in row.steps.all() if s.state == "done"),
            "steps": sum(1 for s in row.steps.all() if s.state != "dropped"),
        }
        for row in rows
    ]
    context = {"lines": lines, "new_url": links.verb_url(create_data_migration) + f"?release={release.pk}"}
    return "Data migrations", "trains/_migrations.html", context, 70
