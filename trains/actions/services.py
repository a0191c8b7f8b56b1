"""Verbs of services."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from releasetrain.audit import ledger
from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.audit.history import bulk_create_tracked
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from trains.models import TIERS, Service, Team, Train
from trains.rules.names import name_fault

from .permission import require_permission

Tier = Annotated[int, Field("Tier", help="1 is mission critical.", min=1, max=4, choices=TIERS)]


def _aboard(train: Train | None, team: Team | None) -> Train | None:
    """The service's train; a team brings its own."""
    if team is None:
        return train
    if train is not None and team.train_id != train.pk:
        refuse("team.elsewhere", f"{team} is not a team of {train}.", field="team")
    return team.train


@action("service.create", creates=Service, requires="trains.manage", within="train")
def create_service(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", help="As pipelines write it.", max_length=120)],
    train: Train | None = None,
    team: Team | None = None,
    tier: Tier = 3,
    regulated: Annotated[bool, Field("Regulated")] = False,
    repository: Annotated[str, Field("Repository", max_length=300)] = "",
    description: Annotated[str, Field("Description", long=True)] = "",
) -> Service:
    """Register a service or deliverable."""
    fault = name_fault(name)
    if fault:
        refuse("name.unfit", fault, field="name")
    if Service.objects.filter(name=name).exists():
        refuse("service.exists", f"A service {name} exists.", field="name")
    return Service.objects.create(
        name=name,
        train=_aboard(train, team),
        team=team,
        tier=tier,
        regulated=regulated,
        repository=repository,
        description=description,
    )


@action("service.edit", on=Service, requires="trains.manage")
def edit_service(
    actor: Actor,
    service: Service,
    *,
    train: Train | None = None,
    team: Team | None = None,
    tier: Annotated[int | None, Field("Tier", min=1, max=4, choices=TIERS)] = None,
    regulated: Annotated[bool | None, Field("Regulated")] = None,
    repository: Annotated[str | None, Field("Repository", max_length=300)] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
) -> Service:
    """Change a service's owner, tier or description; what is left empty stays."""
    if train is not None or team is not None:
        service.train = _aboard(train, team)
        service.team = team if team is not None else service.team
        if service.team and service.team.train_id != service.train_id:
            service.team = None
    for name, value in (
        ("tier", tier),
        ("regulated", regulated),
        ("repository", repository),
        ("description", description),
    ):
        if value is not None:
            setattr(service, name, value)
    service.save()
    return service


OBLIGATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
MOST_OBLIGATIONS = 20


@action("service.set_obligations", on=Service, requires="controls.manage", label="Say what binds its records")
def set_obligations(
    actor: Actor,
    service: Service,
    *,
    jurisdictions: Annotated[
        list[str] | None, Field("Jurisdictions", help="Like EU or US. None: not known, so all of them.")
    ] = None,
    frameworks: Annotated[
        list[str] | None,
        Field("Frameworks", help="Short names of control catalogues. None: not known, so all of them."),
    ] = None,
) -> Service:
    """Say under which jurisdictions and frameworks the records of a service are kept. What is not known binds all."""
    service.jurisdictions = _obligations("jurisdictions", jurisdictions)
    service.frameworks = _obligations("frameworks", frameworks)
    service.save()
    return service


def _obligations(field: str, given: list[str] | None) -> list[str]:
    found = sorted({each.strip() for each in given or [] if each.strip()})
    if len(found) > MOST_OBLIGATIONS:
        refuse("service.obligations", f"At most {MOST_OBLIGATIONS} can be named.", field=field)
    for each in found:
        if not OBLIGATION.fullmatch(each):
            refuse(
                "service.obligation",
                f"{each[:80]!r} is not a short name: letters, digits, spaces, points, at most 60.",
                field=field,
            )
    return found


def ensure_services(actor: Actor, names: Iterable[str], *, train: Train | None = None) -> dict[str, Service]:
    """All services of these names, those unknown registered with default tier; for importers."""
    wanted = list(dict.fromkeys(names))
    known = {s.name: s for s in Service.objects.filter(name__in=wanted)}
    missing = [Service(name=name, train=train) for name in wanted if name not in known]
    if missing:
        faults = [
            Refusal("name.unfit", f"{s.name!r}: {f}", field="name", status=422)
            for s in missing
            if (f := name_fault(s.name))
        ]
        if faults:
            raise Refused(*faults)
        require_permission(actor, "imports.run", train)
        bulk_create_tracked(missing)
        ledger.append(actor, "service.ensure", None, {"created": [s.name for s in missing]})
    return known | {s.name: s for s in missing}
