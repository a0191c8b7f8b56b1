"""The value stream of a pipeline: waiting and working per stage and handoff, over a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from releasetrain.kernel.clock import now
from trains.models import Pipeline, Stage, StageEvent
from trains.rules import value_stream as rules

DAYS = 90
MOST_EVENTS = 50_000


@dataclass(frozen=True)
class StageLine:
    """A stage with its times as the page shows them."""

    stage: Stage
    times: rules.StageTimes
    before: Stage | None
    longest: bool
    share: int

    @property
    def handoff(self) -> str:
        """From which team to which, where the hands change."""
        if not self.times.handoff or self.before is None:
            return ""
        return f"{self.before.team} to {self.stage.team}"


@dataclass(frozen=True)
class Stream:
    """The whole way."""

    pipeline: Pipeline
    lines: list[StageLine]
    stream: rules.ValueStream
    days: int
    cut: bool

    @property
    def longest(self) -> StageLine | None:
        return next((line for line in self.lines if line.longest), None)

    @property
    def handoffs(self) -> list[StageLine]:
        return [line for line in self.lines if line.times.handoff]


def stream_of(pipeline: Pipeline, days: int = DAYS) -> Stream:
    """The value stream of the last days, in two queries."""
    stages = list(pipeline.stages.filter(retired_at__isnull=True).select_related("team").order_by("position"))
    rows = list(
        StageEvent.objects.filter(stage__in=[s.pk for s in stages], at__gte=now() - timedelta(days=days))
        .order_by("-at", "-id")
        .values_list("stage_id", "run", "kind", "at")[: MOST_EVENTS + 1]
    )
    found = rules.value_stream(
        [rules.StageOf(s.pk, s.team_id) for s in stages], (rules.Event(*row) for row in rows[:MOST_EVENTS])
    )
    most = max((t.waiting.median or rules.ZERO for t in found.stages), default=rules.ZERO)
    lines = [
        StageLine(
            stage,
            times,
            stages[place - 1] if place else None,
            stage.pk == found.longest,
            round(100 * ((times.waiting.median or rules.ZERO) / most)) if most else 0,
        )
        for place, (stage, times) in enumerate(zip(stages, found.stages, strict=True))
    ]
    return Stream(pipeline, lines, found, days, len(rows) > MOST_EVENTS)


def as_data(stream: Stream) -> dict[str, Any]:
    """The same as plain data; durations in seconds."""

    def times(each: rules.Times) -> dict[str, Any]:
        return {
            "runs": each.runs,
            "median_seconds": each.median.total_seconds() if each.median is not None else None,
            "worst_seconds": each.worst.total_seconds() if each.worst is not None else None,
        }

    return {
        "pipeline": str(stream.pipeline),
        "days": stream.days,
        "runs": stream.stream.runs,
        "waiting_seconds": stream.stream.waiting.total_seconds(),
        "working_seconds": stream.stream.working.total_seconds(),
        "flow_efficiency": stream.stream.efficiency,
        "longest_wait_before": stream.longest.stage.name if stream.longest else None,
        "stages": [
            {
                "stage": line.stage.name,
                "team": line.stage.team.code if line.stage.team else None,
                "waiting": times(line.times.waiting),
                "working": times(line.times.working),
                "handoff": line.handoff or None,
            }
            for line in stream.lines
        ],
    }
