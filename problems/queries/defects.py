"""Problems and incidents as the defects of production that a release's scope may name."""

from __future__ import annotations

from uuid import UUID

from problems.models import Incident, Problem


def severity_of_defect(kind: str, pk: UUID) -> int | None:
    """The severity of the problem or incident, 1 being the worst."""
    models = {"problem": Problem, "incident": Incident}
    if kind not in models:
        return None
    severity: int | None = models[kind].objects.filter(pk=pk).values_list("severity", flat=True).first()
    return severity
