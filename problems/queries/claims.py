"""Which problems a release says it fixes, and which stand open for services."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import Q

from planning.models import Feature
from problems.models import Problem, RootCause
from trains.models import Release

SOURCE = "problem"


def claimed_by(release: Release) -> list[Problem]:
    """The problems in the scope of the release: items that name one, and items of features made from one."""
    items = release.items.filter(removed_at__isnull=True)
    named = items.filter(source_kind=SOURCE, source_id__isnull=False).values("source_id")
    features = items.filter(source_kind="feature", source_id__isnull=False).values("source_id")
    planned = Feature.objects.filter(pk__in=features, source_kind=SOURCE, source_id__isnull=False)
    fixed = release.problem_fixes.filter(withdrawn_at__isnull=True).values("problem_id")
    wanted = Q(pk__in=named) | Q(pk__in=planned.values("source_id")) | Q(pk__in=fixed)
    return list(Problem.objects.filter(wanted).select_related("service", "owner").order_by("severity", "key"))


def validated_cause(problem: Problem) -> RootCause | None:
    """The root cause that stands, or None."""
    return problem.root_causes.filter(state=RootCause.State.VALIDATED).order_by("-validated_at").first()


def open_problems(services: Iterable[uuid.UUID], worst: int = 4) -> list[Problem]:
    """Problems of these services that are not fixed yet, of severity `worst` or more severe."""
    fixed = (Problem.State.OBSERVING, Problem.State.CLOSED)
    rows = Problem.objects.filter(service__in=list(services), severity__lte=worst).exclude(state__in=fixed)
    return list(rows.select_related("service").order_by("severity", "key"))
