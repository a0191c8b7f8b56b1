"""Success rate: rollbacks, failed deployments and incidents per item, release, team, application and environment."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from metrics.asking import Option, Question
from metrics.queries import outcomes
from metrics.queries.outcomes import Turnout
from metrics.rules import rates
from releasetrain.interface.charts import bar_chart
from trains.models import Deployment, Environment, Release, Service

from . import cells
from .answer import Answer, Definition, Figure, Gap, Link, Table
from .delivery import deployment_table
from .registry import dashboard

GROUPS = (
    ("application", "Application"),
    ("team", "Team"),
    ("environment", "Environment"),
    ("release", "Release"),
    ("item", "Backlog item"),
)
BY = Option("by", "Grouped by", GROUPS, "application")
WHERE = Option(
    "environment",
    "Environments",
    (*((k.value, k.label) for k in Environment.Kind), ("all", "All")),
    Environment.Kind.PRODUCTION.value,
)
_ENDED = "Deployments that ended in the period; rollbacks themselves are not counted, what they undid is."
DEFINITIONS = (
    Definition(
        "success_rate",
        "Success rate",
        f"{_ENDED} One counts as a success unless it failed, was rolled back, or caused or contributed to an incident"
        " (accepted links only).",
        "successes ÷ deployments, with Wilson's 95 % interval",
    ),
    Definition(
        "rolled_back", "Rolled back", f"{_ENDED} A later rollback undid it.", "rolled back ÷ deployments"
    ),
    Definition("failed", "Failed", f"{_ENDED} Its own reports say that it failed.", "failed ÷ deployments"),
    Definition(
        "incidents",
        "With incidents",
        f"{_ENDED} An accepted link says that it caused or contributed to an incident.",
        "with incidents ÷ deployments",
    ),
)


@dashboard(
    "success",
    title="Success",
    about="How many deployments went well, and where those that did not belong.",
    definitions=DEFINITIONS,
    order=140,
    options=(BY, WHERE),
    bucketed=False,
)
def success(question: Question) -> Answer:
    """Success by group."""
    chosen = outcomes.ended(question.period, question.wanted, question.options["environment"])
    whole = outcomes.turnouts(chosen)[0]
    if not whole.total:
        return Answer(figures=_figures(chosen, whole), empty="No deployment ended in this period.")
    by = question.options["by"]
    groups = outcomes.turnouts(chosen, by)
    label = dict(GROUPS)[by]
    undecided = outcomes.proposed_links(chosen)
    counted = sum(g.total for g in groups)
    gaps = [
        Gap(f"{undecided} links of deployments to incidents are proposed and not decided; they do not count.")
    ]
    if by != "item":
        gaps.append(
            Gap(
                f"{counted:,} of {whole.total:,} deployments belong to a {label.lower()}.",
                counted / whole.total,
            )
        )
    worst = [g for g in groups if g.bad][:12]
    return Answer(
        figures=_figures(chosen, whole),
        charts=[
            bar_chart(
                f"Went badly, by {label.lower()}",
                [(g.label[:40], (g.rolled_back, g.failed, max(0, g.bad - g.rolled_back - g.failed))) for g in worst],
                parts=("Rolled back", "Failed", "Incident only"),
                unit="deployments",
            )
        ] if worst else [],
        tables=[_table(groups, by, label)],
        quality=gaps,
    )  # fmt: skip


def _figures(chosen: QuerySet[Deployment], whole: Turnout) -> list[Figure]:
    kinds = (
        ("success_rate", "Success rate", whole.total - whole.bad, chosen),
        ("rolled_back", "Rolled back", whole.rolled_back, chosen.filter(state=Deployment.State.ROLLED_BACK)),
        ("failed", "Failed", whole.failed, chosen.filter(state=Deployment.State.FAILED)),
        (
            "incidents",
            "With incidents",
            whole.incidents,
            chosen.annotate(harmed=outcomes.harmed()).filter(harmed=True),
        ),
    )
    return [_figure(name, title, hits, whole.total, rows) for name, title, hits, rows in kinds]


def _figure(name: str, title: str, hits: int, total: int, rows: QuerySet[Deployment]) -> Figure:
    found = rates.share(hits, total, "deployments")
    return Figure(
        name,
        title,
        found.value,
        "share",
        count=total if name == "success_rate" else hits,
        rows=lambda: deployment_table(outcomes.ids_of(rows, cells.ROWS), rows.count()),
        note=f"{hits:,} of {total:,} deployments",
        sample=found.sample,
        interval=found.interval,
    )


def _table(groups: list[Turnout], by: str, label: str) -> Table:
    shown = groups[: cells.ROWS]
    objects = _objects(by, [g.id for g in shown])
    rows = []
    for g in shown:
        found = rates.share(g.total - g.bad, g.total, "deployments")
        name: Any = Link(g.label, objects[g.id]) if g.id in objects else g.label
        rows.append(
            (name, g.total, g.rolled_back, g.failed, g.incidents, cells.share(found.value), cells.shares(found.interval),
             found.sample)
        )  # fmt: skip
    return Table(
        f"By {label.lower()}",
        (
            label,
            "Deployments",
            "Rolled back",
            "Failed",
            "With incidents",
            "Success",
            "95 % interval",
            "Sample",
        ),
        rows,
        numbers=("Deployments", "Rolled back", "Failed", "With incidents", "Success"),
        total=len(groups),
        note="An item counts every deployment of the releases that carry it.",
    )


def _objects(by: str, ids: list[Any]) -> dict[Any, Any]:
    model = {"application": Service, "release": Release, "environment": Environment}.get(by)
    if model is None:
        return {}
    rows: Any = model.objects.filter(pk__in=ids)
    return {each.pk: each for each in (rows.select_related("train") if by == "release" else rows)}
