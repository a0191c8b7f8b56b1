"""Reconciliation as a page: what pipelines recorded against what runtimes saw."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.models import Environment
from trains.queries.reconciliation import KINDS, SENTENCES, reconcile

PERIODS = (7, 30, 90)
SHOWN = 200
LABELS = {
    "unrecorded": "Unrecorded",
    "missing": "Not arrived",
    "early": "Ran too early",
    "late": "Ran late",
    "unobserved": "Not looked at",
}
TONES = {"unrecorded": "bad", "missing": "bad", "early": "warn", "late": "warn", "unobserved": "idle"}


@require_safe
def show(request: Any) -> HttpResponse:
    """The gaps of a period, by kind, each with the rows on both sides."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(d) for d in PERIODS} else PERIODS[1]
    named = request.GET.get("environment", "")[:120].replace("\0", "")
    environment = Environment.objects.filter(name=named).first() if named else None
    picked = request.GET.get("kind", "")
    until = now()
    report = reconcile(
        until - timedelta(days=days), until, environments=[environment] if environment is not None else None
    )
    lines = [line for line in report.lines if picked not in KINDS or line.gap.kind == picked]
    root = links.page_root()
    context = {
        "title": "Reconciliation",
        "section": "reconciliation",
        "crumbs": [("Deployments", f"{root}deployments/"), ("Reconciliation", "")],
        "report": report,
        "root": root,
        "days": days,
        "periods": PERIODS,
        "environment": environment,
        "environments": list(Environment.objects.order_by("-rank", "name")),
        "picked": picked if picked in KINDS else "",
        "counts": [(kind, LABELS[kind], report.counts[kind], SENTENCES[kind]) for kind in KINDS],
        "lines": [(line, LABELS[line.gap.kind], TONES[line.gap.kind]) for line in lines[:SHOWN]],
        "more": max(0, len(lines) - SHOWN),
    }
    return page(request, "trains/reconciliation.html", context)
