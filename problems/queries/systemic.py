"""Which problems are systemic: known errors, problems that came back, problems of many incidents. `guards` says the same in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count

from problems.models import Problem, ProblemIncident

from .policy import policy_in_force


def why_systemic(problems: Iterable[Problem]) -> dict[UUID, str]:
    """Problem → why it is systemic, in words; those that are not are left out."""
    listed = list(problems)
    if not listed:
        return {}
    many = policy_in_force().systemic_incidents
    rows = ProblemIncident.objects.filter(problem__in=listed).values("problem_id").order_by("problem_id")
    counted = {row["problem_id"]: row["n"] for row in rows.annotate(n=Count("id"))}
    found = {}
    for problem in listed:
        incidents = counted.get(problem.pk, 0)
        if problem.reopened_count:
            found[problem.pk] = "it came back after a fix"
        elif incidents >= many:
            found[problem.pk] = f"{incidents} incidents come from it"
        elif problem.workaround:
            found[problem.pk] = "it is a known error"
    return found
