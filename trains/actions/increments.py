"""Verbs of Program Increments. Committing one belongs to planning."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.audit.history import bulk_create_tracked
from releasetrain.kernel.refusals import refuse
from trains.models import Iteration, ProgramIncrement, Train
from trains.rules import cadence
from trains.states import INCREMENT_STATES


@action("pi.create", creates=ProgramIncrement, requires="trains.manage", within="train")
def create_increment(
    actor: Actor,
    *,
    train: Train,
    name: Annotated[str, Field("Name", help="Empty: year and number, e.g. 26.4.", max_length=40)] = "",
    starts: Annotated[date | None, Field("Starts", help="Empty: the next boundary of the cadence.")] = None,
    ends: Annotated[date | None, Field("Ends", help="First day after it. Empty: by the cadence.")] = None,
) -> ProgramIncrement:
    """Open the next Program Increment of a train, with its iterations."""
    starts = starts or _next_start(train)
    ends = ends or cadence.increment_ends(starts, train.pi_weeks)
    weeks, rest = divmod((ends - starts).days, 7)
    if weeks < train.iteration_weeks or rest:
        refuse(
            "pi.length", "A Program Increment lasts whole weeks, and at least one iteration.", field="ends"
        )
    name = name or cadence.increment_name(train.cadence_start, train.pi_weeks, starts)
    if ProgramIncrement.objects.filter(train=train, name=name).exists():
        refuse(
            "pi.exists", f"{train} has a Program Increment {name}.", remedy="Give another name.", field="name"
        )
    neighbour = ProgramIncrement.objects.filter(train=train, starts__lt=ends, ends__gt=starts).first()
    if neighbour:
        last = neighbour.ends - timedelta(days=1)
        refuse(
            "pi.overlap",
            f"{neighbour} of {train} covers {neighbour.starts} to {last}.",
            remedy="Choose days outside it.",
            blocked_by=Ref.of(neighbour),
            field="starts",
        )
    pi = ProgramIncrement.objects.create(train=train, name=name, starts=starts, ends=ends)
    bulk_create_tracked(
        [
            Iteration(
                pi=pi,
                number=each.number,
                name=f"{name} IP" if each.innovation else f"{name}.{each.number}",
                starts=each.starts,
                ends=each.ends,
                innovation=each.innovation,
            )
            for each in cadence.iterations(starts, weeks, train.iteration_weeks, ip=train.ip_iteration)
        ]
    )
    return pi


def _next_start(train: Train) -> date:
    latest = ProgramIncrement.objects.filter(train=train).order_by("-ends").first()
    after = latest.ends if latest else train.cadence_start
    return cadence.boundary_on_or_after(train.cadence_start, train.pi_weeks, after)


@action("pi.open_planning", on=ProgramIncrement, requires="planning.commit", machine=INCREMENT_STATES)
def open_planning(actor: Actor, pi: ProgramIncrement) -> ProgramIncrement:
    """Open a Program Increment for planning."""
    return pi


@action("pi.start", on=ProgramIncrement, requires="planning.commit", machine=INCREMENT_STATES)
def start_increment(actor: Actor, pi: ProgramIncrement) -> ProgramIncrement:
    """Start a committed Program Increment."""
    running = ProgramIncrement.objects.filter(train=pi.train, state=ProgramIncrement.State.ACTIVE).first()
    if running:
        refuse(
            "pi.running",
            f"{running} of {pi.train} is active.",
            remedy="Close it first.",
            blocked_by=Ref.of(running),
        )
    return pi


@action("pi.close", on=ProgramIncrement, requires="planning.commit", machine=INCREMENT_STATES)
def close_increment(actor: Actor, pi: ProgramIncrement) -> ProgramIncrement:
    """Close an active Program Increment."""
    return pi
