"""Verbs of the register of feature flags: people register them, providers report their states."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from django.db import IntegrityError, transaction

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, FeatureFlag, Release, ScopeItem, Service, Team

from .permission import require_permission

AHEAD = timedelta(minutes=5)
MOST = 2_000
MOST_TIES = 50

explain_constraint("feature_flag_once", "This flag of this service is registered already.")

Name = Annotated[str, Field("Key", help="As the code and the provider name it.", max_length=200)]
Ties = Annotated[list[str], Field("Flags", help="Keys of other flags.")]
Purpose = Annotated[FeatureFlag.Purpose, Field("Purpose")]
Release_ = Annotated[Release | None, Field("Release", help="The release that brings what is behind it.")]
Item = Annotated[ScopeItem | None, Field("Scope item", help="What is dark while the flag is off.")]


def _clean_name(name: str) -> str:
    if not name.strip() or any(c.isspace() for c in name.strip()):
        refuse("feature_flag.name", "A flag has a key without spaces.", field="name")
    return name.strip()


def _clean_ties(names: list[str], own: str, field: str) -> list[str]:
    found = list(dict.fromkeys(n.strip() for n in names if n.strip()))
    if own in found:
        refuse("feature_flag.itself", "A flag neither requires nor excludes itself.", field=field)
    if len(found) > MOST_TIES or any(len(n) > 200 for n in found):
        refuse("feature_flag.ties", f"At most {MOST_TIES} keys of at most 200 characters.", field=field)
    return found


def _clean_item(item: ScopeItem | None, release: Release | None) -> Release | None:
    """The release that goes with the item; both must agree."""
    if item is None:
        return release
    if release is not None and item.release_id != release.pk:
        refuse("feature_flag.item", f"{item} is not in the scope of {release}.", field="item")
    if item.removed_at:
        refuse("feature_flag.item", f"{item} was taken out of the scope.", field="item")
    return item.release


@action(
    "feature_flag.register",
    creates=FeatureFlag,
    requires="releases.manage",
    within="service",
    label="Register a flag",
)
def register_flag(
    actor: Actor,
    *,
    name: Name,
    service: Annotated[Service | None, Field("Service", help="Empty: of several services.")] = None,
    purpose: Purpose = FeatureFlag.Purpose.RELEASE,
    description: Annotated[str, Field("What it is for", long=True, max_length=5_000)] = "",
    owner: Annotated[User | None, Field("Owner", help="Empty: you, unless a team is named.")] = None,
    team: Annotated[Team | None, Field("Owning team")] = None,
    release: Release_ = None,
    item: Item = None,
    requires: Ties = [],  # noqa: B006 - read only
    excludes: Ties = [],  # noqa: B006 - read only
    remove_by: Annotated[date | None, Field("Planned removal")] = None,
) -> FeatureFlag:
    """Put a flag on the register: whose it is, what it is for and until when it stays."""
    key = _clean_name(name)
    if service is None:
        require_permission(actor, "releases.manage", (release or (item and item.release)) or None)
    release = _clean_item(item, release)
    said = {
        "team": team,
        "purpose": purpose,
        "description": description,
        "release": release,
        "item": item,
        "requires": _clean_ties(requires, key, "requires"),
        "excludes": _clean_ties(excludes, key, "excludes"),
        "remove_by": remove_by,
    }
    flag = FeatureFlag(name=key, service=service, **said)
    flag.owner_id = owner.pk if owner else actor.user_id if team is None and actor.kind == "person" else None
    flag.save()
    return flag


KEEP: Any = None


@action("feature_flag.edit", on=FeatureFlag, requires="releases.manage")
def edit_flag(
    actor: Actor,
    flag: FeatureFlag,
    *,
    purpose: Annotated[FeatureFlag.Purpose | None, Field("Purpose")] = KEEP,
    description: Annotated[str | None, Field("What it is for", long=True, max_length=5_000)] = KEEP,
    owner: Annotated[User | None, Field("Owner")] = KEEP,
    team: Annotated[Team | None, Field("Owning team")] = KEEP,
    release: Release_ = KEEP,
    item: Item = KEEP,
    requires: Annotated[list[str] | None, Field("Requires", help="Keys of other flags.")] = KEEP,
    excludes: Annotated[list[str] | None, Field("Excludes", help="Keys of other flags.")] = KEEP,
    remove_by: Annotated[date | None, Field("Planned removal")] = KEEP,
) -> FeatureFlag:
    """Change what the register says of a flag; what is left empty stays."""
    _refuse_removed(flag)
    news: dict[str, Any] = {
        "purpose": purpose,
        "description": description,
        "owner": owner,
        "team": team,
        "release": _clean_item(item, release),
        "item": item,
        "requires": None if requires is None else _clean_ties(requires, flag.name, "requires"),
        "excludes": None if excludes is None else _clean_ties(excludes, flag.name, "excludes"),
        "remove_by": remove_by,
    }
    for field, value in news.items():
        if value is not None:
            setattr(flag, field, value)
    if flag.item and flag.release_id != flag.item.release_id:
        flag.item = None
    flag.save()
    return flag


@action("feature_flag.remove", on=FeatureFlag, requires="releases.manage", danger=True)
def remove_flag(
    actor: Actor, flag: FeatureFlag, *, reason: Annotated[str, Field("Reason", long=True)]
) -> FeatureFlag:
    """Say that the flag is gone from the code. If it is reported again, it comes back onto the register without owner."""
    _refuse_removed(flag)
    flag.removed_at = now()
    flag.save()
    return flag


def _refuse_removed(flag: FeatureFlag) -> None:
    if flag.removed_at:
        refuse("feature_flag.removed", f"{flag} was removed on {flag.removed_at:%d %b %Y}.")


@action(
    "feature_flag.report",
    creates=FeatureFlag,
    requires="deployments.record",
    within="service",
    label="Report a state",
)
def report_flag(
    actor: Actor,
    *,
    name: Name,
    environment: Annotated[Environment, Field("Environment")],
    on: Annotated[bool, Field("On")],
    share: Annotated[float, Field("Share in percent", help="Who gets it while it is on.")] = 100,
    variant: Annotated[str, Field("Variant", max_length=80)] = "",
    service: Annotated[Service | None, Field("Service")] = None,
    changed_at: Annotated[datetime | None, Field("Changed", help="Empty: now.")] = None,
    evaluations: Annotated[
        int | None,
        Field("Evaluations", help="How often it was asked since the last report.", min=0, max=2**53),
    ] = None,
    source: Annotated[str, Field("Provider", max_length=80)] = "",
) -> FeatureFlag:
    """Report a flag's state in an environment.

    An older report than the last one changes nothing. An unknown flag is registered without owner, so that it is seen.
    """
    moment = changed_at or now()
    if moment > now() + AHEAD:
        refuse("feature_flag.future", "It lies in the future.", field="changed_at")
    if not math.isfinite(share) or not 0 <= share <= 100:
        refuse("feature_flag.share", "A share lies between 0 and 100 percent.", field="share")
    flag = _named(_clean_name(name), service, source.strip())
    before = flag.states.get(str(environment.pk))
    if before and datetime.fromisoformat(before["at"]) > moment:
        return flag
    said = {"on": on, "share": share, "variant": variant}
    same = before is not None and all(before[key] == value for key, value in said.items())
    counted = (before or {}).get("evaluations") or 0
    flag.states = {
        **flag.states,
        str(environment.pk): {
            **said,
            "environment": environment.name,
            "since": before["since"] if same and before else moment.isoformat(),
            "at": moment.isoformat(),
            "evaluations": counted + evaluations if evaluations is not None else counted or None,
            "source": source.strip(),
        },
    }
    flag.source = source.strip() or flag.source
    flag.reported_at = max(moment, flag.reported_at or moment)
    flag.save()
    return flag


def _named(name: str, service: Service | None, source: str) -> FeatureFlag:
    """The flag that a report means, locked; registered now where nobody knows it."""
    rows = FeatureFlag.objects.filter(name=name, removed_at__isnull=True)
    found = list(rows.select_for_update(of=("self",)).order_by("pk"))
    mine = [f for f in found if f.service_id == (service.pk if service else None)]
    if mine:
        return mine[0]
    if service is None and len(found) == 1:
        return found[0]
    if service is None and found:
        refuse(
            "feature_flag.which",
            f"{name} is a flag of {len(found)} services.",
            remedy="Say of which service.",
            blocked_by=Ref.of(found[0]),
            field="service",
        )
    shared = [f for f in found if f.service_id is None]
    if shared:
        return shared[0]
    try:
        with transaction.atomic():
            return FeatureFlag.objects.create(name=name, service=service, source=source)
    except IntegrityError:  # somebody reported it first
        return rows.select_for_update(of=("self",)).get(service=service)


@action(
    "feature_flag.report_all",
    creates=FeatureFlag,
    requires="deployments.record",
    label="Report many states",
)
def report_flags(
    actor: Actor,
    *,
    environment: Annotated[Environment, Field("Environment")],
    flags: Annotated[
        list,
        Field(
            "Flags",
            help='A list of {"name", "on", "share", "variant", "service", "evaluations"}; services by name.',
        ),
    ],
    changed_at: Annotated[datetime | None, Field("Seen", help="Empty: now.")] = None,
    source: Annotated[str, Field("Provider", max_length=80)] = "",
) -> dict[str, int]:
    """Report everything that a provider knows of an environment: all rows or none."""
    if not flags or len(flags) > MOST:
        refuse("feature_flag.rows", f"Give between 1 and {MOST} flags.", field="flags")
    rows = [_row(number, row) for number, row in enumerate(flags, 1)]
    names = {row["service"] for row in rows if row["service"]}
    services = {s.name: s for s in Service.objects.filter(name__in=names)}
    for number, row in enumerate(rows, 1):
        if row["service"] and row["service"] not in services:
            refuse(
                "feature_flag.service",
                f"Row {number}: there is no service {row['service'][:80]}.",
                field="flags",
            )
    # In one order, so that two reporters never wait for each other.
    for row in sorted(rows, key=lambda r: (r["name"], r["service"])):
        service = services.get(row.pop("service"))
        report_flag(
            actor, environment=environment, service=service, changed_at=changed_at, source=source, **row
        )
    return {"reported": len(rows)}


def _row(number: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        refuse("feature_flag.row", f"Row {number} is no object.", field="flags")
    unknown = sorted(set(map(str, row)) - {"name", "on", "share", "variant", "service", "evaluations"})
    if unknown:
        refuse("feature_flag.row", f"Row {number}: there is no field {unknown[0][:40]}.", field="flags")
    texts = {key: row.get(key) or "" for key in ("name", "variant", "service")}
    if any(not isinstance(v, str) or "\x00" in v for v in texts.values()) or not texts["name"].strip():
        refuse("feature_flag.row", f"Row {number}: name, variant and service are texts.", field="flags")
    if len(texts["name"]) > 200 or len(texts["variant"]) > 80:
        refuse("feature_flag.row", f"Row {number}: the name or the variant is too long.", field="flags")
    on, share, asked = row.get("on"), row.get("share", 100), row.get("evaluations")
    if not isinstance(on, bool):
        refuse("feature_flag.row", f"Row {number}: on is true or false.", field="flags")
    if isinstance(share, bool) or not isinstance(share, int | float):
        refuse("feature_flag.row", f"Row {number}: share is a number.", field="flags")
    if asked is not None and (type(asked) is not int or not 0 <= asked <= 2**53):
        refuse("feature_flag.row", f"Row {number}: evaluations is a whole number.", field="flags")
    return {**texts, "on": on, "share": share, "evaluations": asked}
