"""Control charts: is this variation, or did something change; and did a declared change change anything."""

from __future__ import annotations

from metrics.asking import Option, Question
from metrics.charts import process_chart
from metrics.points import BASELINE, LEAST, MEASURES, Measured, Point, known, points_of
from metrics.queries.happenings import Happening, happenings
from metrics.queries.quality import data_quality
from metrics.report import PURPOSE, report
from metrics.rules.samples import wording
from releasetrain.interface.charts import limits
from releasetrain.interface.charts.run_rules import RULES, Signal, Standard

from .answer import Answer, Definition, Figure, Link, Table
from .delivery import LEAD_START, gaps_of
from .registry import dashboard

MEASURE = Option("measure", "Measure", tuple((m.name, m.title) for m in MEASURES.values()), "lead_time")
STANDARD = Option(
    "standard",
    "Rules of",
    ((Standard.NELSON.value, "Nelson"), (Standard.WESTERN_ELECTRIC.value, "Western Electric")),
    Standard.NELSON.value,
)
RULE = Option(
    "rules",
    "Rules",
    tuple((str(rule.number), f"{rule.number}: {rule.text}") for rule in RULES[Standard.NELSON]),
    "1,2,3",
    help="By number; Western Electric has the first four.",
    multiple=True,
)
DEFINITIONS = (
    Definition(
        "signals",
        "Signals",
        "Points or runs that the chosen rules call something other than common variation. A point on a limit is none, "
        "and a run does not go on across a declared change.",
        "signals of the chosen rules",
    ),
    Definition(
        "mean",
        "Process average",
        "The centre of the present limits: for single values their mean, for shares and rates all cases together.",
        "Σ values ÷ points, or Σ cases ÷ Σ totals, of the baseline",
    ),
    Definition(
        "upper",
        "Upper limit",
        "Three sigma above the centre. For single values sigma is the mean moving range ÷ 1.128, for shares "
        "√(p(1−p)÷n), for rates √(u÷n), with the n of the last point.",
        "centre + 3 sigma",
    ),
    Definition(
        "lower",
        "Lower limit",
        "Three sigma below the centre, and never below zero.",
        "centre − 3 sigma",
    ),
)


@dashboard(
    "control",
    title="Control charts",
    about="What is common variation, what is a signal, and whether a declared change changed anything.",
    definitions=DEFINITIONS,
    order=20,
    options=(MEASURE, STANDARD, RULE, LEAD_START, PURPOSE),
    days=210,
)
def control(question: Question) -> Answer:
    """One measure against its own limits."""
    measured = MEASURES[question.options["measure"]]
    found = report(question)
    points = known(points_of(found, measured.name))
    quality = gaps_of(data_quality(found.cells, question.period, question.wanted))
    if not points:
        return Answer([], quality=quality, empty="No point of this measure lies in the period.")
    told = happenings(question)
    standard, rules = Standard(question.options["standard"]), chosen_rules(question)
    changes = sorted({at for h in told if h.resets and 0 < (at := place(points, h)) < len(points)})
    events = [(at, h.short) for h in told if 0 <= (at := place(points, h)) < len(points)]
    drawn = process_chart(
        measured, points, question.bucket.value, changes=changes, events=events, standard=standard, rules=rules,
        width=1040, height=280,
    )  # fmt: skip
    fitted = fit(measured, points, changes)
    signals = fitted.signals(standard, rules) if fitted else ()
    return Answer(
        _figures(measured, points, fitted, signals),
        [drawn],
        [_answers(measured, points, told, standard), _told(told)],
        quality,
        [f"{standard.value.replace('_', ' ').title()} rules: " + "; ".join(
            f"{rule.number} {rule.text}" for rule in RULES[standard] if rule.number in rules) + "."],
    )  # fmt: skip


def chosen_rules(question: Question) -> tuple[int, ...]:
    """The chosen rules, those that the standard has."""
    has = {rule.number for rule in RULES[Standard(question.options["standard"])]}
    return tuple(n for each in question.options["rules"].split(",") if (n := int(each)) in has)


def place(points: list[Point], happening: Happening) -> int:
    """The point in whose bucket something happened; the number of points when after all of them."""
    return next((at for at, p in enumerate(points[1:]) if p.day > happening.day), len(points) - 1)


def fit(measured: Measured, points: list[Point], changes: list[int]) -> limits.Chart | None:
    """The limits of the measure, anew from each change; None with too few points before the first."""
    stretch = min([len(points), *changes])
    if stretch < LEAST:
        return None
    baseline = (0, min(BASELINE, stretch))
    if measured.kind == "x":
        return limits.xmr([p.value or 0.0 for p in points], baseline=baseline, changes=changes, floor=0.0)
    chart = limits.p_chart if measured.kind == "p" else limits.u_chart
    return chart([p.count for p in points], [p.total for p in points], baseline=baseline, changes=changes)


def _figures(
    measured: Measured, points: list[Point], fitted: limits.Chart | None, signals: tuple[Signal, ...]
) -> list[Figure]:
    sample = (
        wording(len(points), "points") if fitted else f"Limits need {LEAST} points; there are {len(points)}."
    )
    scale = 100.0 if measured.kind == "p" else 1.0

    def last(values: tuple[float, ...] | None) -> float | None:
        return scale * values[-1] if values else None

    return [
        Figure("signals", "Signals", len(signals) if fitted else None, "", count=len(signals),
               rows=lambda: _signal_table(points, signals), sample=sample, note=f"{len(points)} points",
               band="" if not fitted else "in control" if not signals else "out of control",
               tone="ok" if not signals else "warn"),
        Figure("mean", "Process average", last(fitted.center if fitted else None), measured.unit, sample=sample),
        Figure("upper", "Upper limit", last(fitted.upper if fitted else None), measured.unit),
        Figure("lower", "Lower limit", last(fitted.lower if fitted else None), measured.unit),
    ]  # fmt: skip


def _signal_table(points: list[Point], signals: tuple[Signal, ...]) -> Table:
    rows = [
        (points[s.first].day, points[s.last].day, s.rule, s.text, f"{points[s.at].value:.2f}")
        for s in signals
    ]
    return Table(
        "Signals",
        ("From", "To", "Rule", "What", "Value at the signal"),
        rows,
        numbers=("Rule", "Value at the signal"),
    )


def _answers(measured: Measured, points: list[Point], told: list[Happening], standard: Standard) -> Table:
    """Did it change anything: limits before against the points after, for every declared change."""
    rows = []
    for each in told:
        at = place(points, each)
        if each.change is None or not 2 <= at <= len(points) - 2:
            continue
        verdict = compared(measured, points, at, standard)
        rows.append(
            (
                each.day,
                Link(each.title, each.url),
                "yes" if verdict.changed else "no signal",
                verdict.sentence,
                each.change.expected,
            )
        )
    return Table(
        "Did it change anything?",
        ("On", "Declared change", "Changed", "Limits before against points after", "Expected"),
        rows,
        empty="No change with points before and after it is declared in this period.",
        note="Limits from all points before the change, against the points after it.",
    )


def compared(measured: Measured, points: list[Point], at: int, standard: Standard) -> limits.Comparison:
    """Limits of the measure before a point against the points from it on."""
    if measured.kind == "x":
        return limits.compare([p.value or 0.0 for p in points], at, standard)
    chart = limits.p_chart if measured.kind == "p" else limits.u_chart
    said = "{:.1%}".format if measured.kind == "p" else "{:.3g}".format
    return limits.compare_counts(
        chart, [p.count for p in points], [p.total for p in points], at, standard, said
    )


def _told(told: list[Happening]) -> Table:
    rows = [
        (each.day, each.kind, Link(each.title, each.url), "new limits" if each.resets else "")
        for each in told
    ]
    return Table(
        "What happened",
        ("On", "Kind", "What", "Limits"),
        rows,
        empty="No change is declared, and no freeze and no incident of severity 1 is recorded in this period.",
    )
