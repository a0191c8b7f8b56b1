"""The coverage matrix: the controls that were asked for, by family, with how many stand where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from governance.models import Control, ControlAssessment, ControlCatalogue
from governance.queries.coverage import STATES, Coverage, Period, coverage
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import row_id


@dataclass(frozen=True)
class Matrix:
    """Lines that fit the filters, and the counts over all of them before filtering by state."""

    lines: list[Coverage]
    counts: dict[str, int]
    catalogue: ControlCatalogue | None
    catalogues: list[ControlCatalogue]
    baselines: list[str]
    period: Period

    @property
    def families(self) -> list[tuple[str, list[Coverage]]]:
        """By family where one framework was asked for, else by framework."""
        found: dict[str, list[Coverage]] = {}
        for line in self.lines:
            family = line.control.group if self.catalogue else str(line.control.catalogue)
            found.setdefault(family or "Controls", []).append(line)
        return list(found.items())


def matrix(given: Mapping[str, str], period: Period) -> Matrix:
    """The matrix for `catalogue`, `baseline`, `state` and `q` of an address; retired catalogues stay out."""
    catalogues = list(ControlCatalogue.objects.filter(retired_at__isnull=True).order_by("title", "version"))
    catalogue = _catalogue(given.get("catalogue", ""), catalogues)
    controls = (
        Control.objects.filter(catalogue__in=[catalogue] if catalogue else catalogues)
        .select_related("catalogue", "owner")
        .order_by("catalogue__title", "catalogue__version", "position")
    )
    baselines = sorted({b for listed in controls.values_list("baselines", flat=True) for b in listed})
    if given.get("baseline"):
        controls = controls.filter(baselines__contains=[given["baseline"][:60]])
    text = given.get("q", "")[:100].replace("\0", "")
    if text:
        controls = controls.filter(Q(code__icontains=text) | Q(title__icontains=text))
    lines = coverage(controls, period)
    state = given.get("state", "")
    if state and state not in STATES:
        refuse("filter.state", f"There is no state {state[:40]}.", field="state", status=422)
    counted = Counter(line.state for line in lines)
    return Matrix(
        [line for line in lines if state in ("", line.state)],
        {each: counted[each] for each in STATES},
        catalogue,
        catalogues,
        baselines,
        period,
    )


def _catalogue(ref: str, catalogues: list[ControlCatalogue]) -> ControlCatalogue | None:
    if not ref:
        return None
    wanted = row_id(ref)
    for each in catalogues:
        if each.pk == wanted or each.code == ref:
            return each
    refuse("filter.catalogue", "There is no such catalogue in use.", field="catalogue", status=422)


def as_data(found: Matrix) -> dict[str, Any]:
    """The matrix as plain data."""
    return {
        "from": found.period.starts,
        "until": found.period.ends,
        "counts": found.counts,
        "controls": [
            {
                "control": line.control.pk,
                "catalogue": line.control.catalogue.code,
                "code": line.control.code,
                "identifier": line.control.identifier,
                "title": line.control.title,
                "family": line.control.group,
                "state": line.state,
                "sentence": line.sentence,
                **tally(line.tally),
                "rests_on": [
                    {
                        "mapping": each.mapping.pk,
                        "kind": each.mapping.kind,
                        "target": each.mapping.target,
                        "title": each.title,
                        "known": each.known,
                        **tally(each.tally),
                    }
                    for each in line.lines
                ],
                "assessment": line.assessment
                and {
                    "key": line.assessment.key,
                    "conclusion": line.assessment.conclusion,
                    "concluded_at": line.assessment.concluded_at,
                },
            }
            for line in found.lines
        ],
    }


def tally(counted: Any) -> dict[str, int]:
    return {name: getattr(counted, name) for name in ("operated", "passed", "failed", "waived", "open")}


def due_assessments() -> tuple[int, int]:
    """How many assessments are open, and how many of them are overdue."""
    rows = ControlAssessment.objects.filter(state__in=["scheduled", "sampled"])
    return rows.count(), rows.filter(scheduled_for__lt=now().date()).count()
