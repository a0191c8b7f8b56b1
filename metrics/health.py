"""The state of delivery at a glance: few measures, each with its trend, its deviation and what to expect."""

from __future__ import annotations

from dataclasses import dataclass

from metrics.asking import Question
from metrics.dashboards.control import fit, place
from metrics.points import MEASURES, Measured, Point, known, points_of
from metrics.queries.happenings import Happening, happenings
from metrics.report import Report, report
from metrics.rules.vitals import Deviation, Vital, vital

WATCHED = ("deployments", "lead_time", "fail_rate", "recovery", "incidents")


@dataclass(frozen=True)
class Sign:
    """One measure: its points, how the last of them stands, and where its limits begin anew."""

    measured: Measured
    points: list[Point]
    vital: Vital
    changes: list[int]
    events: list[tuple[int, str]]

    @property
    def last(self) -> Point | None:
        return self.points[-1] if self.points else None


@dataclass(frozen=True)
class Health:
    """All signs of a question, with what happened meanwhile."""

    found: Report
    signs: list[Sign]
    told: list[Happening]

    def beside(self, sign: Sign, deviation: Deviation) -> list[Happening]:
        """What happened in the buckets of a deviation, or in the one before it."""
        first = sign.points[max(0, deviation.first - 1)].day
        after = next((p.day for p in sign.points[deviation.last + 1 :]), None)
        return [h for h in self.told if h.day >= first and (after is None or h.day < after)]


def health_of(question: Question) -> Health:
    """The signs of a question."""
    found, told = report(question), happenings(question)
    return Health(
        found, [_sign(MEASURES[name], known(points_of(found, name)), told) for name in WATCHED], told
    )


def _sign(measured: Measured, points: list[Point], told: list[Happening]) -> Sign:
    placed = [(place(points, each), each) for each in told] if points else []
    changes = sorted({at for at, each in placed if each.resets and 0 < at < len(points)})
    fitted = fit(measured, points, changes) if points else None
    scale = 100.0 if measured.kind == "p" else 1.0
    values = [(p.value or 0.0) / scale for p in points]
    judged = vital(values, fitted, measured.fewer_is_better)
    expected = judged.expected
    if expected is not None and scale != 1.0:
        judged = Vital(
            judged.word, judged.tone, judged.deviations, (scale * expected[0], scale * expected[1])
        )
    return Sign(measured, points, judged, changes, [(at, each.short) for at, each in placed])
