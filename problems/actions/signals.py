"""Signals of recurrence: what is watched beside incidents, readings of it, and what a crossed threshold sets off."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Annotated

from problems.models import ObservationWindow, Problem, RecurrenceSignal, SignalReading
from problems.queries.measures import lines_between, values_between
from problems.queries.recurrence import running_window
from problems.rules import signals as rules
from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse

from .as_system import as_system
from .breaching import breached_by_reading

Kind, Comparison = RecurrenceSignal.Kind, RecurrenceSignal.Comparison

explain_constraint("recurrence_signal_once", "The problem is watched by this signal already.")
explain_constraint("signal_reading_once", "This was reported before.")


@action("problem.add_signal", on=Problem, requires="problems.manage", label="Add a signal")
def add_signal(
    actor: Actor,
    problem: Problem,
    *,
    kind: Annotated[Kind, Field("Kind")],
    name: Annotated[
        str, Field("Name", help="Of the metric, or what is counted in the logs.", max_length=120)
    ],
    threshold: Annotated[float, Field("Threshold")],
    comparison: Annotated[Comparison, Field("It is back when it is")] = Comparison.ABOVE,
    minutes: Annotated[
        int, Field("Minutes", help="A metric: on end. A count: added up within.", min=1, max=10_080)
    ] = 10,
    baseline: Annotated[
        float | None, Field("Before the fix", help="Empty: measured, where values are there.")
    ] = None,
    rolls_back: Annotated[bool, Field("Rolls the fix back")] = False,
) -> RecurrenceSignal:
    """Watch a metric of the service, or a count in its logs, while the fix is observed."""
    if not name.strip():
        refuse("required", "Name it.", field="name")
    for field, value in (("threshold", threshold), ("baseline", baseline)):
        if value is not None and not math.isfinite(value):
            refuse("signal.number", "This is no finite number.", field=field)
    _not_observed(problem)
    if baseline is None and kind == Kind.METRIC:
        at = now()
        before = values_between(problem.service, name.strip(), at - timedelta(days=28), at)
        baseline = sum(v for _, v in before) / len(before) if before else None
    return RecurrenceSignal.objects.create(
        problem=problem,
        kind=kind,
        name=name.strip(),
        comparison=comparison,
        threshold=threshold,
        minutes=minutes,
        baseline=baseline,
        rolls_back=rolls_back,
    )


def _not_observed(problem: Problem) -> None:
    window = running_window(problem)
    if window is not None:
        refuse(
            "problem.observed",
            f"{problem.key} is being observed; the rules of an observation do not change while it runs.",
            blocked_by=Ref.of(window),
        )


@action("recurrence_signal.retire", on=RecurrenceSignal, requires="problems.manage", danger=True)
def retire_signal(
    actor: Actor, signal: RecurrenceSignal, *, reason: Annotated[str, Field("Reason", long=True)]
) -> RecurrenceSignal:
    """Watch it no longer."""
    if signal.retired_at:
        refuse("signal.retired", f"{signal} is watched no longer.")
    _not_observed(signal.problem)
    signal.retired_at = now()
    signal.save()
    return signal


@action("recurrence_signal.post", on=RecurrenceSignal, requires="incidents.record", label="Post a count")
def post_count(
    actor: Actor,
    signal: RecurrenceSignal,
    *,
    count: Annotated[float, Field("Count", help="How often it stood in the logs in that time.")],
    starts: Annotated[datetime, Field("From")],
    ends: Annotated[datetime | None, Field("Until", help="Empty: now.")] = None,
    source: Annotated[str, Field("Source", help="The reporting system.", max_length=80)] = "",
) -> SignalReading:
    """Report how often it stood in the logs. Beyond the threshold it means that the problem is back.

    The same period from the same source counts once.
    """
    if signal.kind != Kind.LOG:
        refuse(
            "signal.not_posted",
            f"{signal.name} is a metric; its values come with the service's measurements.",
            remedy="Post measurements of the service.",
        )
    if signal.retired_at:
        refuse("signal.retired", f"{signal} is watched no longer.")
    if not math.isfinite(count) or count < 0:
        refuse("signal.count", "A count is a number of zero or more.", field="count")
    at = now()
    until = ends or at
    if until <= starts or until > at + timedelta(minutes=5):
        refuse("signal.period", "The period ends after it starts, and not in the future.", field="ends")
    known = SignalReading.objects.filter(signal=signal, starts=starts, ends=until, source=source).first()
    if known is not None:
        if known.value != count:
            refuse("signal.disagrees", f"{known.value:g} was reported for this period before.", field="count")
        return known
    window = _window_at(signal.problem, until)
    near = SignalReading.objects.filter(signal=signal, ends__gt=until - timedelta(minutes=signal.minutes))
    counts = [(r.starts, r.ends, r.value) for r in near.filter(window=window)]
    crossed = rules.counted(
        [*counts, (starts, until, count)], signal.comparison, signal.threshold, signal.minutes
    )
    made = SignalReading.objects.create(
        signal=signal,
        window=window,
        starts=starts,
        ends=until,
        value=count,
        crossed=crossed,
        source=source,
    )
    if crossed:
        _came_back(actor, made)
    return made


def _window_at(problem: Problem, at: datetime) -> ObservationWindow | None:
    """The observation that the moment falls into."""
    rows = problem.windows.filter(starts__lte=at, ends__gt=at).exclude(state=ObservationWindow.State.VOID)
    found: ObservationWindow | None = rows.order_by("-starts").first()
    return found


def _came_back(actor: Actor, reading: SignalReading) -> None:
    with as_system(actor, f"signal {reading.signal.name} crossed"[:100]) as system:
        breached_by_reading(system, reading)


def read_metrics(actor: Actor, problem: Problem, at: datetime) -> int:
    """Read the metric signals of a problem that is observed, or was closed as solved; returns how many crossed."""
    window = running_window(problem)
    closed = problem.state == Problem.State.CLOSED
    if window is None and not closed:
        return 0
    crossed = 0
    for signal in problem.signals.filter(kind=Kind.METRIC, retired_at__isnull=True):
        since = window.starts if window else max(problem.closed_at or at, at - timedelta(days=1))
        last = signal.readings.filter(window=window).order_by("-ends").first()
        # A stretch may have begun before the last reading: look back by the length that counts.
        starts = max(since, last.ends - timedelta(minutes=signal.minutes)) if last else since
        lines = lines_between(problem.service, signal.name, starts, at)
        # One instance or track beyond the threshold is enough; quiet ones do not hide it.
        read = [rules.sustained(p, signal.comparison, signal.threshold, signal.minutes) for p in lines]
        found = max((r for r in read if r), key=lambda r: (r.crossed, r.ends), default=None)
        if found is None or (last is not None and found.ends <= last.ends):
            continue
        made, fresh = SignalReading.objects.get_or_create(
            signal=signal,
            starts=found.starts,
            ends=found.ends,
            source="measurements",
            defaults={
                "window": window,
                "value": found.value,
                "samples": found.samples,
                "crossed": found.crossed,
            },
        )
        if fresh and found.crossed:
            crossed += 1
            _came_back(actor, made)
    return crossed


def read_all(actor: Actor) -> int:
    """Read the metric signals of every problem that is watched."""
    watched = Problem.objects.filter(
        signals__kind=Kind.METRIC,
        signals__retired_at__isnull=True,
        state__in=(Problem.State.OBSERVING, Problem.State.CLOSED),
    )
    return sum(read_metrics(actor, p, now()) for p in watched.select_related("service").distinct())
