"""Known errors while an incident is handled: found by words, fingerprint, service and category, the closest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db.models import FloatField, Q, Value

from problems.models import Incident, Problem

MOST = 20


@dataclass(frozen=True)
class Hit:
    """A problem with a workaround, and why it came up."""

    problem: Problem
    because: tuple[str, ...]
    score: float


def search(text: str = "", incident: Incident | None = None, *, retired: bool = False) -> list[Hit]:
    """Problems with a workaround that fit the words or the incident; retired workarounds only where asked for."""
    rows = Problem.objects.exclude(workaround="")
    if not retired:
        rows = rows.filter(workaround_retired_at__isnull=True)
    words = text.replace("\0", "").strip()[:200]
    if words:
        title = SearchVector("title", weight="A", config="english")
        vector = title + SearchVector("workaround", "description", weight="B", config="english")
        query = SearchQuery(words, search_type="websearch", config="english")
        rows = rows.annotate(rank=SearchRank(vector, query)).filter(
            Q(rank__gt=0.001)
            | Q(key__iexact=words)
            | Q(fingerprint__icontains=words)
            | Q(title__icontains=words)
            | Q(workaround__icontains=words)
        )
    else:
        rows = rows.annotate(rank=Value(0.0, output_field=FloatField()))
    services = set(incident.services.values_list("service_id", flat=True)) if incident else set()
    hits = []
    for problem in rows.select_related("service")[:500]:
        because, score = _fits(problem, incident, services)
        if problem.rank:
            because.insert(0, "the words")
            score += float(problem.rank) * 4
        elif words:
            because.insert(0, "the words")
            score += 0.5
        if words or because or incident is None:
            hits.append(Hit(problem, tuple(because), score))
    return sorted(hits, key=lambda h: (-h.score, h.problem.severity, h.problem.key))[:MOST]


def _fits(problem: Problem, incident: Incident | None, services: set) -> tuple[list[str], float]:
    because: list[str] = []
    score = 0.0
    if incident is None:
        return because, score
    if incident.fingerprint and incident.fingerprint == problem.fingerprint:
        because.append("the same fingerprint")
        score += 5
    if problem.service_id in services:
        because.append(f"of {problem.service.name}")
        score += 2
    if incident.category and incident.category == problem.category:
        because.append("the same category")
        score += 1
    return because, score


def as_data(hits: list[Hit]) -> list[dict[str, Any]]:
    """The hits as plain values."""
    return [
        {
            "problem": h.problem.key,
            "title": h.problem.title,
            "service": h.problem.service.name,
            "state": h.problem.state,
            "workaround": h.problem.workaround,
            "retired_at": h.problem.workaround_retired_at,
            "because": list(h.because),
            "score": round(h.score, 3),
        }
        for h in hits
    ]
