"""Verbs of release trains."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from zoneinfo import available_timezones

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.refusals import refuse
from trains.models import Train
from trains.rules.versions import VersionError, check_scheme

Weeks = Annotated[int, Field("Weeks in a Program Increment", min=1, max=26)]
Scheme = Annotated[
    str, Field("Version scheme", help="semver, or a calendar scheme such as YYYY.0M.MICRO.", max_length=40)
]
IterationWeeks = Annotated[int, Field("Weeks in an iteration", min=1, max=8)]


def known_zone(time_zone: str) -> str:
    """The zone's name, or a refusal."""
    if time_zone not in available_timezones():
        refuse(
            "time_zone.unknown", f"{time_zone} is not a time zone of the IANA database.", field="time_zone"
        )
    return time_zone


def _fits(pi_weeks: int, iteration_weeks: int) -> None:
    if iteration_weeks > pi_weeks:
        refuse("cadence.unfit", "An iteration is longer than the Program Increment.", field="iteration_weeks")


def _known_scheme(scheme: str) -> str:
    try:
        check_scheme(scheme)
    except VersionError as error:
        refuse("version.scheme", str(error), field="version_scheme")
    return scheme


@action("train.create", creates=Train, requires="trains.manage")
def create_train(
    actor: Actor,
    *,
    key: Annotated[str, Field("Code", help="Short, spoken, e.g. PAY.", max_length=12)],
    name: Annotated[str, Field("Name", max_length=120)],
    cadence_start: Annotated[date, Field("First day of the first Program Increment")],
    description: Annotated[str, Field("Description", long=True)] = "",
    time_zone: Annotated[str, Field("Time zone", help="IANA name, e.g. Europe/Berlin.")] = "UTC",
    pi_weeks: Weeks = 10,
    iteration_weeks: IterationWeeks = 2,
    ip_iteration: Annotated[bool, Field("Last iteration is for innovation and planning")] = True,
    version_scheme: Scheme = "semver",
) -> Train:
    """Set up a release train with its cadence."""
    code = key.strip().upper()
    if not re.fullmatch(r"[A-Z][A-Z0-9-]{1,11}", code):
        refuse(
            "train.code",
            "A code is 2 to 12 letters, digits and hyphens and begins with a letter.",
            field="key",
        )
    if Train.objects.filter(key=code).exists():
        refuse("train.exists", f"A train {code} exists.", field="key")
    _fits(pi_weeks, iteration_weeks)
    return Train.objects.create(
        key=code,
        name=name,
        cadence_start=cadence_start,
        description=description,
        time_zone=known_zone(time_zone),
        pi_weeks=pi_weeks,
        iteration_weeks=iteration_weeks,
        ip_iteration=ip_iteration,
        version_scheme=_known_scheme(version_scheme),
    )


@action("train.edit", on=Train, requires="trains.manage")
def edit_train(
    actor: Actor,
    train: Train,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
    time_zone: Annotated[str | None, Field("Time zone")] = None,
    version_scheme: Annotated[str | None, Field("Version scheme", max_length=40)] = None,
) -> Train:
    """Change a train's name, description, time zone or version scheme."""
    if version_scheme:
        train.version_scheme = _known_scheme(version_scheme)
    if time_zone is not None:
        train.time_zone = known_zone(time_zone)
    train.name = name or train.name
    train.description = train.description if description is None else description
    train.save()
    return train


@action("train.set_cadence", on=Train, requires="trains.manage")
def set_cadence(
    actor: Actor,
    train: Train,
    *,
    cadence_start: Annotated[date, Field("First day of the first Program Increment")],
    pi_weeks: Weeks,
    iteration_weeks: IterationWeeks,
    ip_iteration: Annotated[bool, Field("Last iteration is for innovation and planning")] = True,
) -> Train:
    """Change the cadence; Program Increments that exist keep their days."""
    _fits(pi_weeks, iteration_weeks)
    train.cadence_start, train.pi_weeks = cadence_start, pi_weeks
    train.iteration_weeks, train.ip_iteration = iteration_weeks, ip_iteration
    train.save()
    return train
