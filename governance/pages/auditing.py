"""Pages of populations, samples and sampled rows, and the file of a population's frozen rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import FileResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from governance import files
from governance.actions import auditing as verbs
from governance.evidence.downloads import require_reading
from governance.evidence.render.words import said
from governance.models import AuditPopulation, AuditSample, SampledRow
from governance.pages.evidence import package_rows
from governance.queries import evidence_chain
from governance.queries.auditing import access_of, gap_counts, row_counts
from releasetrain.audit import ledger
from releasetrain.interface import links
from releasetrain.interface.resources import resource_of
from releasetrain.interface.views.objects import find
from releasetrain.kernel.refusals import Ref, Refused, refuse

SHOWN_GAPS = 8
SHOWN_ROWS = 10


def population_context(request: Any, population: AuditPopulation) -> dict[str, Any]:
    """Completeness, the frozen rows, and the samples drawn from them."""
    counts = gap_counts(population)
    gaps = population.gaps.filter(resolved_at__isnull=True).select_related("explained_by")
    left = sum(row["left"] for row in counts)
    actor = request.actor
    base = links.list_url(resource_of(AuditPopulation))
    rows, damage = _frozen(population)
    return {
        "population": population,
        "counts": counts,
        "left": left,
        "total": sum(row["total"] for row in counts),
        "gaps": list(gaps.order_by("explanation", "kind", "at", "id")[:SHOWN_GAPS]),
        "gaps_url": f"{base.replace('audit-populations', 'population-gaps')}?population={population.pk}",
        "explain": verbs.explain_gaps.decide(actor, population),
        "explain_url": links.verb_url(verbs.explain_gaps, population),
        "rows": [{**row, "at": datetime.fromisoformat(row["at"])} for row in rows[:SHOWN_ROWS]],
        "damage": damage,
        "rows_url": reverse("population_rows", args=[request.organization.slug, population.key]),
        "samples": list(population.samples.select_related("drawn_by", "population")),
        "draw": verbs.draw_sample.decide(actor, None, {"population": population}),
        "draw_url": f"{links.verb_url(verbs.draw_sample)}?population={population.pk}",
        "access": access_of(actor),
    }


def _frozen(population: AuditPopulation) -> tuple[list[dict[str, Any]], str]:
    """The frozen rows, or what keeps them from being read."""
    if population.file_id is None:
        return [], ""
    try:
        return verbs.frozen_rows(population), ""
    except Refused as refused:
        return [], refused.refusals[0].sentence


def sample_context(request: Any, sample: AuditSample) -> dict[str, Any]:
    """The drawn rows with their conclusions, and how to draw them again."""
    rows = list(sample.rows.select_related("concluded_by"))
    return {
        "sample": sample,
        "population": sample.population,
        "rows": [{"row": row, "url": links.url_for(row)} for row in rows],
        "counts": row_counts(sample),
        "first": rows[0] if rows else None,
        "packages": package_rows(request.actor, sample),
        "access": access_of(request.actor),
    }


def row_context(request: Any, row: SampledRow) -> dict[str, Any]:
    """The chain of evidence: as it was when it was concluded, else as it is now."""
    neighbours = {
        r.position: r for r in row.sample.rows.filter(position__in=[row.position - 1, row.position + 1])
    }
    return {
        "row": row,
        "sample": row.sample,
        "chain": [_linked(link) for link in row.chain or evidence_chain.chain_of(row)],
        "kept": bool(row.chain),
        "facts_of_row": [
            (name, said(value, name))
            for name, value in row.row.items()
            if name not in _UNSAID and value not in (None, "")
        ],
        "conclude": verbs.conclude_row.decide(request.actor, row),
        "conclude_url": links.verb_url(verbs.conclude_row, row),
        "previous": neighbours.get(row.position - 1),
        "next": neighbours.get(row.position + 1),
        "access": access_of(request.actor),
    }


def _linked(link: dict[str, Any]) -> dict[str, Any]:
    """A link of the chain with its references as such."""
    return {**link, "refs": [Ref(**ref) for ref in link["refs"]]}


_UNSAID = {"id", "kind", "label", "people", "stratum"}


@require_safe
def population_rows(request: Any, ref: str) -> FileResponse:
    """The frozen rows as one canonical JSON object a line; their SHA-256 is the population's digest."""
    resource = resource_of(AuditPopulation)
    assert resource is not None
    population: AuditPopulation = find(request, resource, ref)
    return rows_file(request.actor, population)


def rows_file(actor: Any, population: AuditPopulation) -> FileResponse:
    """The file, for page and REST; whoever takes it is recorded."""
    require_reading(actor, population)
    if population.file is None:
        refuse(
            "population.not_frozen",
            f"{population.key} is not frozen, so its rows may still change.",
            remedy="Freeze it first.",
        )
    try:
        rows = files.opened(population.file)
    except (files.Damaged, files.Disposed) as error:
        refuse("file.missing", str(error), remedy="The operator can restore it from a backup.", status=503)
    ledger.append(actor, "population.download", population, {"file": population.file.digest})
    response = FileResponse(
        rows,
        as_attachment=True,
        filename=f"population-{population.key}.jsonl",
        content_type="application/x-ndjson",
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response
