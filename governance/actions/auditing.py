"""Verbs of auditors' work: show a population complete, freeze it, draw a sample by a seed, conclude row by row."""

from __future__ import annotations

import json
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db.models import Count

from governance import files
from governance.actions.evidence import queue
from governance.models import AuditPopulation, AuditSample, EvidencePackage, PopulationGap, SampledRow
from governance.queries import evidence_chain, populations
from governance.rules import sampling
from governance.rules.completeness import Gap
from governance.states.auditing import POPULATION_STATES, SAMPLE_STATES
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Train

LONGEST_PERIOD = timedelta(days=3 * 366)
MOST_DRAWN = 500

explain_constraint("sampled_row_exception_says_why", "An exception says what is wrong.")


@action("population.open", creates=AuditPopulation, requires="evidence.build", label="Open a population")
def open_population(
    actor: Actor,
    *,
    kind: Annotated[AuditPopulation.Kind, Field("Of", help="What the sample will be drawn from.")],
    starts: Annotated[datetime, Field("From")],
    ends: Annotated[datetime, Field("Until", help="The period must be over.")],
    train: Annotated[Train | None, Field("Train", help="Empty: every train.")] = None,
    purpose: Annotated[str, Field("For which audit", max_length=200)] = "",
) -> AuditPopulation:
    """Open a population of a period and hold it against every other source."""
    if ends <= starts:
        refuse("population.period", "The period ends before it begins.", field="ends")
    if ends > now():
        refuse(
            "population.period",
            "The period is not over: rows would be missing.",
            remedy="Choose an end that lies in the past.",
            field="ends",
        )
    if ends - starts > LONGEST_PERIOD:
        refuse("population.period", "A population spans three years at most.", field="starts")
    population = AuditPopulation.objects.create(
        kind=kind, starts=starts, ends=ends, train=train, purpose=purpose.strip(), opened_by_id=actor.user_id
    )
    _reconcile(population)
    population.save()
    return population


@action("population.reconcile", on=AuditPopulation, requires="evidence.build", machine=POPULATION_STATES)
def reconcile_population(actor: Actor, population: AuditPopulation) -> AuditPopulation:
    """Compare the sources again; explanations stay, and gaps that are gone are marked as resolved."""
    _reconcile(population)
    population.save()
    return population


@action(
    "population.explain",
    on=AuditPopulation,
    requires="evidence.build",
    machine=POPULATION_STATES,
    label="Explain gaps",
)
def explain_gaps(
    actor: Actor,
    population: AuditPopulation,
    *,
    kind: Annotated[PopulationGap.Kind, Field("Gaps of the kind")],
    explanation: Annotated[str, Field("Explanation", help="Why these rows do not match.", long=True)],
) -> AuditPopulation:
    """Explain all open gaps of one kind at once."""
    gaps = list(population.gaps.filter(kind=kind, explanation="", resolved_at__isnull=True))
    if not gaps:
        refuse("gap.none", "No open gap is of this kind.", field="kind")
    _explain(actor, population, gaps, explanation)
    population.save()
    return population


@action("population_gap.explain", on=PopulationGap, requires="evidence.build", label="Explain")
def explain_gap(
    actor: Actor,
    gap: PopulationGap,
    *,
    explanation: Annotated[str, Field("Explanation", help="Why this row does not match.", long=True)],
) -> PopulationGap:
    """Explain why a row of one source has no counterpart in another."""
    if gap.population.state != AuditPopulation.State.OPEN:
        refuse(
            "population.frozen",
            f"{gap.population.key} is {gap.population.state}: its gaps stand as they are.",
            blocked_by=Ref.of(gap.population),
        )
    if gap.resolved_at:
        refuse("gap.resolved", "The gap was gone when the sources were last compared.")
    _explain(actor, gap.population, [gap], explanation)
    return gap


def _explain(actor: Actor, population: AuditPopulation, gaps: list[PopulationGap], explanation: str) -> None:
    if actor.user_id is None or actor.kind != "person":
        refuse("gap.person", "A gap is explained by a person.", status=403)
    if actor.user_id == population.opened_by_id:
        refuse(
            "audit.independence",
            "Whoever audits does not explain the gaps: they answer for what they judge.",
            remedy="Ask the release manager or compliance officer who knows these rows.",
            status=403,
        )
    if not explanation.strip():
        refuse("gap.explanation", "An explanation says something.", field="explanation")
    for gap in gaps:
        gap.explanation = explanation.strip()
        gap.explained_by_id = actor.user_id
        gap.explained_at = now()
    bulk_update_tracked(gaps, ["explanation", "explained_by", "explained_at"])


@action(
    "population.freeze",
    on=AuditPopulation,
    requires="evidence.build",
    machine=POPULATION_STATES,
    confirm="The rows are written down and published by their digest. Nothing about them can be changed afterwards.",
)
def freeze_population(actor: Actor, population: AuditPopulation) -> AuditPopulation:
    """Compare once more and freeze the rows, when every gap is explained."""
    _reconcile(population)
    unexplained = population.gaps.filter(explanation="", resolved_at__isnull=True)
    counted = list(unexplained.order_by().values("kind").annotate(n=Count("id")).order_by("kind"))
    if counted:
        named = "; ".join(f"{PopulationGap.Kind(row['kind']).label}: {row['n']}" for row in counted)
        refuse(
            "population.gaps",
            f"Not every gap is explained. {named}.",
            remedy="Have somebody who knows these rows explain them, or mend the records and compare again.",
            blocked_by=Ref.of(population),
        )
    rows = populations.rows_of(population.kind, populations.Period.of(population))
    if not rows:
        refuse(
            "population.empty",
            "Nothing of this kind is recorded in the period, so nothing can be drawn.",
            remedy="Choose another period.",
        )
    content = populations.content_of(rows)
    population.file = files.keep(
        content, name=f"population-{population.key}.jsonl", media_type="application/x-ndjson"
    )
    population.row_count = len(rows)
    population.row_digest = files.digest_of(content)
    population.frozen_at = now()
    population.frozen_by_id = actor.user_id
    return population


@action(
    "population.withdraw",
    on=AuditPopulation,
    requires="evidence.build",
    machine=POPULATION_STATES,
    danger=True,
    confirm="The population is closed without being frozen. It stays in the list.",
)
def withdraw_population(
    actor: Actor, population: AuditPopulation, *, reason: Annotated[str, Field("Reason", long=True)]
) -> AuditPopulation:
    """Give a population up before it is frozen."""
    return population


def _reconcile(population: AuditPopulation) -> None:
    """Compare the sources: new gaps come, explained ones stay, gone ones are marked. Saves the gaps only."""
    found = populations.reconcile(population.kind, populations.Period.of(population))
    known = {(g.kind, g.subject_kind, g.subject_id): g for g in population.gaps.all()}
    wanted: dict[tuple[str, str, str], Gap] = {(g.kind, g.subject_kind, g.subject_id): g for g in found.gaps}
    bulk_create_tracked(
        [
            PopulationGap(
                population=population,
                kind=gap.kind,
                subject_kind=gap.subject_kind,
                subject_id=gap.subject_id,
                label=gap.label[:200],
                sentence=gap.sentence[:400],
                at=gap.at,
            )
            for name, gap in wanted.items()
            if name not in known
        ]
    )
    moved = []
    for name, gap in known.items():
        if (gap.resolved_at is None) != (name in wanted):
            gap.resolved_at = None if name in wanted else now()
            moved.append(gap)
    bulk_update_tracked(moved, ["resolved_at"])
    population.sources = found.sources
    population.reconciled_at = now()


# --- samples -----------------------------------------------------------------------------------------------------


@action(
    "sample.draw", creates=AuditSample, requires="evidence.build", within="population", label="Draw a sample"
)
def draw_sample(
    actor: Actor,
    *,
    population: AuditPopulation,
    size: Annotated[int, Field("Size", min=1, max=MOST_DRAWN)] = 25,
    seed: Annotated[
        str, Field("Seed", help="Empty: a random one. It is published either way.", max_length=64)
    ] = "",
    stratify: Annotated[AuditSample.Stratify, Field("Strata")] = AuditSample.Stratify.RISK,
) -> AuditSample:
    """Draw rows from a frozen population. The same seed and size draw the same rows, years later too."""
    if population.state != AuditPopulation.State.FROZEN or population.file is None:
        refuse(
            "population.not_frozen",
            f"{population.key} is {population.state}: a sample is drawn from frozen rows only.",
            remedy="Explain its gaps and freeze it first.",
            blocked_by=Ref.of(population),
        )
    rows = {str(row["id"]): row for row in frozen_rows(population)}
    by_risk = stratify == AuditSample.Stratify.RISK
    seed = seed.strip() or secrets.token_hex(8)
    drawn = sampling.draw(((i, r["stratum"] if by_risk else "all") for i, r in rows.items()), seed, size)
    sample = AuditSample.objects.create(
        population=population,
        seed=seed,
        size=len(drawn),
        stratify=stratify,
        method=sampling.METHOD,
        digest=digest([[each.position, each.stratum, each.id] for each in drawn]),
        drawn_by_id=actor.user_id,
    )
    bulk_create_tracked(
        [
            SampledRow(
                sample=sample,
                position=each.position,
                stratum=each.stratum,
                subject_kind=rows[each.id]["kind"],
                subject_id=uuid.UUID(each.id),
                label=rows[each.id]["label"][:200],
                row=rows[each.id],
            )
            for each in drawn
        ]
    )
    return sample


def frozen_rows(population: AuditPopulation) -> list[dict[str, Any]]:
    """The rows as they were frozen, from the file, whose digest is checked."""
    assert population.file is not None
    try:
        content = files.read(population.file)
    except files.Damaged as error:
        refuse(
            "population.damaged", str(error), remedy="The operator can restore it from a backup.", status=503
        )
    return [json.loads(line) for line in content.splitlines()]


@action("sampled_row.conclude", on=SampledRow, requires="evidence.build")
def conclude_row(
    actor: Actor,
    row: SampledRow,
    *,
    conclusion: Annotated[SampledRow.Conclusion, Field("Conclusion")],
    note: Annotated[
        str, Field("Note", help="What was looked at; for an exception, what is wrong.", long=True)
    ] = "",
) -> SampledRow:
    """Conclude about one row of the sample. The chain of evidence is kept as it is at this moment."""
    if row.sample.state != AuditSample.State.OPEN:
        refuse("sample.concluded", f"{row.sample.key} is concluded.", blocked_by=Ref.of(row.sample))
    if actor.user_id is None or actor.kind != "person":
        refuse("audit.person", "A row is concluded by a person.", status=403)
    if str(actor.user_id) in row.row.get("people", ()):
        refuse(
            "audit.independence",
            "You had a hand in this row, so somebody else concludes about it.",
            remedy="Ask another auditor.",
            status=403,
        )
    if conclusion == SampledRow.Conclusion.EXCEPTION and not note.strip():
        refuse("row.note", "An exception says what is wrong.", field="note")
    row.conclusion = conclusion
    row.note = note.strip()
    row.chain = evidence_chain.chain_of(row)
    row.concluded_by_id = actor.user_id
    row.concluded_at = now()
    row.save()
    return row


@action(
    "sample.conclude",
    on=AuditSample,
    requires="evidence.build",
    machine=SAMPLE_STATES,
    confirm="The conclusions can no longer be changed afterwards.",
)
def conclude_sample(
    actor: Actor,
    sample: AuditSample,
    *,
    conclusion: Annotated[AuditSample.Conclusion, Field("Conclusion")],
    summary: Annotated[str, Field("Summary", long=True)],
) -> AuditSample:
    """Conclude the whole sample, when every row is concluded."""
    if actor.user_id is None or actor.kind != "person":
        refuse("audit.person", "A sample is concluded by a person.", status=403)
    left = sample.rows.filter(conclusion="").count()
    if left:
        refuse(
            "sample.rows_open",
            f"{left} of {sample.size} rows are not concluded.",
            remedy="Conclude every row first.",
            blocked_by=Ref.of(sample),
        )
    exceptions = sample.rows.filter(conclusion=SampledRow.Conclusion.EXCEPTION).count()
    if exceptions and conclusion == AuditSample.Conclusion.EFFECTIVE:
        refuse(
            "sample.exceptions",
            f"{exceptions} rows are exceptions, so the sample does not show that it operates effectively.",
            field="conclusion",
        )
    sample.conclusion = conclusion
    sample.summary = summary.strip()
    sample.concluded_by_id = actor.user_id
    sample.concluded_at = now()
    return sample


@action(
    "sample.build_evidence", on=AuditSample, requires="evidence.build", label="Build evidence", step_up=True
)
def build_sample_evidence(actor: Actor, sample: AuditSample) -> EvidencePackage:
    """Ask for a package of the population, the sample, its conclusions and everything behind the drawn rows."""
    return queue(actor, sample)
