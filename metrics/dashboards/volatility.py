"""Volatility: scope added, removed and changed after the baseline, and whom to coach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from metrics.asking import Question
from metrics.queries import volatility as queries
from metrics.queries.volatility import Scopes
from metrics.rules import volatility as rules
from metrics.rules.periods import Bucket
from metrics.rules.volatility import Coaching, Volatility
from releasetrain.interface.charts import bar_chart, line_chart

from . import cells
from .answer import Answer, Definition, Figure, Gap, Link, Table
from .registry import dashboard

_OF = (
    "Releases whose scope was frozen in the period, and plans of Program Increments committed in it. After the freeze an"
    " item comes in or leaves; in a committed plan an accepted change request adds, removes or moves a feature."
)
DEFINITIONS = (
    Definition(
        "volatility",
        "Volatility",
        _OF,
        "changes after the baseline ÷ items in the baseline, exact 95 % interval",
    ),
    Definition("added", "Added", _OF, "items added after the baseline"),
    Definition("removed", "Removed", _OF, "items removed after the baseline"),
    Definition(
        "changed", "Changed", f"{_OF} A moved feature counts as changed.", "items changed after the baseline"
    ),
    Definition(
        "coaching",
        "To be coached",
        "Teams and domains with at least two baselines whose volatility lies above that of all together by more than chance:"
        " the lower end of their interval is above it.",
        "count",
    ),
)


@dashboard(
    "volatility",
    title="Volatility",
    about="How much scope changes after it was agreed, where, and whom to talk with.",
    definitions=DEFINITIONS,
    order=170,
    days=365,
    bucketed=False,
)
def volatility(question: Question) -> Answer:
    """Releases, teams, domains, and the coaching list."""
    found = queries.scopes_of(question.period, question.wanted)
    if not found.by_release:
        return Answer(empty="No scope was frozen and no plan committed in this period.")
    whole = rules.total(found.by_release)
    teams, domains = rules.volatility(found.by_team), rules.volatility(found.by_domain)
    coached = [
        *((c, "Team") for c in rules.coaching(teams)),
        *((c, "Domain") for c in rules.coaching(domains)),
    ]
    figures = [
        Figure(
            "volatility", "Volatility", whole.rate.value, "share", count=whole.changes, rows=lambda: _changes(found.rows),
            note=f"{whole.changes} changes to {whole.baseline} items", sample=whole.sample, interval=whole.rate.interval,
        ),
        *(
            Figure(name, title, count, "items", count=count, rows=partial(_changes, found.rows, title))
            for name, title, count in (
                ("added", "Added", whole.added), ("removed", "Removed", whole.removed), ("changed", "Changed", whole.changed)
            )
        ),
        Figure("coaching", "To be coached", len(coached), "", count=len(coached), rows=lambda: _coaching(coached)),
    ]  # fmt: skip
    caused = sum(bool(row[5]) for row in found.rows)
    return Answer(
        figures=figures,
        charts=_charts(found, teams, question),
        tables=[
            _coaching(coached),
            _table("By team", "Team", teams, {}),
            _table("By domain", "Domain", domains, {}),
            _table(
                "By release and plan", "Release or plan", rules.volatility(found.by_release), found.objects
            ),
        ],
        quality=[Gap(f"{caused} of {len(found.rows)} changes say why.", caused / len(found.rows))]
        if found.rows
        else [],
        notes=[
            "A domain is the theme that a feature belongs to. Changes are counted, so one item can bring several."
        ],
    )


def _charts(found: Scopes, teams: Sequence[Volatility], question: Question) -> list[Any]:
    shown = [v for v in teams if v.changes][:12]
    charts = []
    if shown:
        charts.append(
            bar_chart(
                "Changes after the baseline by team",
                [(v.group[:40], (v.added, v.removed, v.changed)) for v in shown],
                parts=("Added", "Removed", "Changed"),
                unit="items",
            )
        )
    months = Counter(cells.bucket_of(row[0], Bucket.MONTH, question.zone) for row in found.rows)
    if len(months) > 1:
        listed = sorted(months)
        charts.append(
            line_chart(
                "Changes after the baseline by month",
                [cells.label_of(m, Bucket.MONTH) for m in listed],
                {"Changes": [float(months[m]) for m in listed]},
                unit="items",
            )
        )
    return charts


def _table(title: str, label: str, groups: Sequence[Volatility], objects: dict[str, Any]) -> Table:
    rows = [
        (Link(v.group, objects[v.group]) if v.group in objects else v.group, v.releases, v.baseline, v.added, v.removed,
         v.changed, cells.share(v.rate.value), cells.shares(v.rate.interval), v.sample)
        for v in groups[: cells.ROWS]
    ]  # fmt: skip
    columns = (
        label,
        "Baselines",
        "Items",
        "Added",
        "Removed",
        "Changed",
        "Volatility",
        "95 % interval",
        "Sample",
    )
    return Table(title, columns, rows, numbers=columns[1:7], total=len(groups))


def _coaching(coached: Sequence[tuple[Coaching, str]]) -> Table:
    rows = [
        (c.group, kind, cells.share(c.volatility.rate.value), c.reason, c.talk_about) for c, kind in coached
    ]
    return Table(
        "Coaching list",
        ("Whom", "Kind", "Volatility", "Why", "What to talk about"),
        rows,
        numbers=("Volatility",),
        empty="Nobody's scope changes more than the others' by more than chance.",
    )


def _changes(rows: Sequence[tuple[Any, ...]], act: str = "") -> Table:
    words = {"Added": ("Added", "Comes in"), "Removed": ("Removed", "Leaves"), "Changed": ("Moves",)}
    chosen = [r for r in rows if not act or r[3] in words[act]]
    shown = [
        (at, Link(str(where), where), item, said, team, cause or None) for at, where, item, said, team, cause, _ in
        chosen[: cells.ROWS]
    ]  # fmt: skip
    return Table("Changes", ("When", "Where", "Item", "What", "Team", "Cause"), shown, total=len(chosen))
