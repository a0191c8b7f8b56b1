"""The faces of populations, their gaps, samples and sampled rows."""

from __future__ import annotations

from governance.models import AuditPopulation, AuditSample, PopulationGap, SampledRow
from governance.pages.auditing import population_context, row_context, sample_context
from governance.queries.auditing import GAP_STATE
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        AuditPopulation,
        plural="audit-populations",
        section="auditor",
        icon="list",
        columns=("key", "kind", "starts", "ends", "train", "state", "row_count", "purpose"),
        filters=("kind", "state", "train"),
        search=("key", "purpose", "row_digest"),
        order=("-created_at", "-id"),
        requires="evidence.read",
        facts=(
            "kind",
            "starts",
            "ends",
            "train",
            "purpose",
            "opened_by",
            "reconciled_at",
            "row_count",
            "row_digest",
            "frozen_at",
            "frozen_by",
        ),
        template="governance/auditing/population.html",
        context=population_context,
        description="Everything of one kind in a period, shown complete and then frozen, for auditors to draw from.",
    )
)
register(
    Resource(
        PopulationGap,
        plural="population-gaps",
        section="auditor",
        icon="warn",
        columns=("label", "kind", "population", "at", "state", "sentence", "explained_by"),
        filters=("population", "kind", GAP_STATE),
        search=("label", "sentence", "explanation"),
        order=("kind", "at", "id"),
        computed=("state",),
        requires="evidence.read",
        part_of=lambda gap: gap.population,
        description="Rows that one source has and another lacks, each with its explanation.",
    )
)
register(
    Resource(
        AuditSample,
        plural="audit-samples",
        section="auditor",
        icon="filter",
        columns=(
            "key",
            "population",
            "size",
            "seed",
            "stratify",
            "state",
            "conclusion",
            "drawn_by",
            "drawn_at",
        ),
        filters=("population", "state", "conclusion"),
        search=("key", "seed", "digest"),
        order=("-drawn_at", "-id"),
        requires="evidence.read",
        template="governance/auditing/sample.html",
        context=sample_context,
        description="Rows drawn from a frozen population by a published seed, with the auditor's conclusions.",
    )
)
register(
    Resource(
        SampledRow,
        plural="sampled-rows",
        section="auditor",
        icon="list",
        columns=("position", "label", "sample", "stratum", "conclusion", "concluded_by", "concluded_at"),
        filters=("sample", "conclusion", "stratum"),
        search=("label", "note"),
        order=("sample", "position"),
        select=("sample__population",),
        requires="evidence.read",
        template="governance/auditing/row.html",
        context=row_context,
        description="One row of a sample, with the chain of evidence behind it.",
    )
)
