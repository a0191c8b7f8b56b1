"""The governance report without names: outcomes of changes, emergencies, waivers and waits, for whoever may not see persons."""

from __future__ import annotations

from datetime import timedelta

from governance.models import ChangeRequest
from governance.queries.coverage import Period
from governance.queries.governance_report import Figure as Counted
from governance.queries.governance_report import Group, report
from governance.queries.governance_report import Table as Section
from metrics.asking import Question
from metrics.rules.samples import wording
from releasetrain.interface.formats import duration
from trains.models import Train

from .answer import Answer, Definition, Figure, Link, Table
from .registry import dashboard

LEAST = 5
ROWS = 200
OTHERS = f"Groups of fewer than {LEAST}, together"
DEFINITIONS = (
    Definition(
        "counts",
        "Governance figures",
        "Changes completed, refused or withdrawn, emergencies and waivers of the period, as the governance report counts "
        f"them. Groups of fewer than {LEAST} are put together, so that no line speaks of one person's work.",
        "count of the period",
    ),
    Definition(
        "approval_wait",
        "Time to approval",
        "From the submission of a change until it was approved.",
        "median of approved − submitted",
    ),
)


@dashboard(
    "governance",
    title="Governance",
    about="Outcomes of changes, emergencies, waivers and waits for approval; no names, no group of fewer than five.",
    definitions=DEFINITIONS,
    order=300,
    filters=("train",),
    bucketed=False,
)
def governance(question: Question) -> Answer:
    """The governance report in the forms of a dashboard."""
    train = Train.objects.filter(pk=question.wanted.train).first() if question.wanted.train else None
    found = report(Period(question.first, question.last + timedelta(days=1), question.zone), train)
    waits = found.waits
    median = waits.median.total_seconds() if waits.median is not None else None
    slowest = f"slowest {duration(waits.slowest)}" if waits.slowest is not None else ""
    return Answer(
        [
            *(_figure(each) for each in found.totals),
            Figure(
                "approval_wait", "Time to approval", median, "seconds", count=len(waits.changes),
                rows=lambda: _changes(waits.changes), note=slowest, sample=wording(len(waits.changes), "changes"),
            ),
        ],
        tables=[
            *(_table(each) for each in found.tables),
            Table(
                "Where changes waited",
                ("State", "Median time"),
                [(name, duration(taken)) for name, taken in waits.by_state],
            ),
        ],
        notes=[f"{table.title}: {table.definition}" for table in found.tables],
    )  # fmt: skip


def _figure(each: Counted) -> Figure:
    share = each.share
    return Figure(
        each.key.replace(":", "_"), each.title, float(each.count), "", "counts", count=each.count,
        note=f"{share:.0%} of {each.of}" if share is not None else "",
        rows=(lambda: _changes(each.rows)) if each.kind == "changerequest" else None,
    )  # fmt: skip


def _changes(ids: list) -> Table:  # type: ignore[type-arg]
    """Changes by key and title only."""
    rows = [
        (Link(str(c), c), c.get_type_display(), c.get_state_display())
        for c in ChangeRequest.objects.filter(pk__in=ids[:ROWS]).order_by("-created_at")
    ]
    return Table("Changes", ("Change", "Type", "State"), rows, total=len(ids))


def _table(section: Section) -> Table:
    """A section with its small groups put together."""
    large = [group for group in section.groups if _size(group) >= LEAST]
    small = [group for group in section.groups if _size(group) < LEAST]
    rows = [(group.name, *(figure.count for figure in group.figures)) for group in large]
    if small:
        sums = [sum(counts) for counts in zip(*([f.count for f in g.figures] for g in small), strict=True)]
        rows.append((OTHERS, *sums) if sums and sums[0] >= LEAST else (OTHERS, *("–" for _ in sums)))
    return Table(
        section.title,
        ("Group", *section.columns),
        rows,
        note=section.definition,
        numbers=tuple(section.columns),
    )


def _size(group: Group) -> int:
    return group.figures[0].count if group.figures else 0
