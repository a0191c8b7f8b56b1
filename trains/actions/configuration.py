"""Verbs of configuration items and their relations."""

from __future__ import annotations

from typing import Annotated, Any

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import (
    TIERS,
    ConfigurationItem,
    ConfigurationRelation,
    Environment,
    Service,
    SharedPlatform,
    Team,
)
from trains.models.configuration import ItemKind, ItemState, RelationKind
from trains.rules.configuration import attributes_fault

Name = Annotated[str, Field("Name", max_length=200)]
Version = Annotated[str, Field("Version", help="The version that should run.", max_length=120)]
Criticality = Annotated[int, Field("Criticality", choices=TIERS, help="1 is mission critical.")]
Expected = Annotated[
    dict[str, Any],
    Field(
        "How it should be",
        help='Attributes with their values, compared with what scanners see: {"tls": "1.3", "replicas": 3}.',
    ),
]
Owner = Annotated[User | None, Field("Owner", help="The person who answers for it.")]
Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("configuration_relation_once", "This relation is recorded already.")
explain_constraint("configuration_item_source_once", "Another item has this id at this source.")


@action(
    "configuration_item.create",
    creates=ConfigurationItem,
    requires="trains.manage",
    within="service",
    label="Add item",
)
def create_item(
    actor: Actor,
    *,
    name: Name,
    kind: Annotated[ItemKind, Field("Kind")],
    version: Version = "",
    state: Annotated[ItemState, Field("State")] = ItemState.IN_USE,
    criticality: Criticality = 3,
    regulated: Annotated[bool, Field("Regulated")] = False,
    owner: Owner = None,
    team: Annotated[Team | None, Field("Team")] = None,
    service: Annotated[Service | None, Field("Service", help="The service that it stands for.")] = None,
    environment: Environment | None = None,
    platform: Annotated[SharedPlatform | None, Field("Shared platform")] = None,
    expected: Expected | None = None,
) -> ConfigurationItem:
    """Put something under configuration management."""
    item = ConfigurationItem(
        name=_named(name),
        kind=kind,
        version=version.strip(),
        state=state,
        criticality=criticality,
        regulated=regulated or bool(service and service.regulated),
        owner=owner,
        team=team or (service.team if service else None),
        service=service,
        environment=environment,
        platform=platform,
        expected=_attributes(expected),
    )
    item.save()
    return item


@action("configuration_item.edit", on=ConfigurationItem, requires="trains.manage")
def edit_item(
    actor: Actor,
    item: ConfigurationItem,
    *,
    name: Annotated[str | None, Field("Name", max_length=200)] = None,
    kind: Annotated[ItemKind | None, Field("Kind")] = None,
    version: Annotated[str | None, Field("Version that should run", max_length=120)] = None,
    state: Annotated[ItemState | None, Field("State")] = None,
    criticality: Annotated[int | None, Field("Criticality", choices=TIERS)] = None,
    regulated: Annotated[bool | None, Field("Regulated")] = None,
    owner: Annotated[User | None, Field("Owner")] = KEEP,
    team: Annotated[Team | None, Field("Team")] = KEEP,
    service: Annotated[Service | None, Field("Service")] = KEEP,
    environment: Annotated[Environment | None, Field("Environment")] = KEEP,
    platform: Annotated[SharedPlatform | None, Field("Shared platform")] = KEEP,
    expected: Annotated[dict[str, Any] | None, Field("How it should be")] = None,
    reason: Reason = "",
) -> ConfigurationItem:
    """Change an item; what is left empty stays."""
    plain: dict[str, Any] = {"kind": kind, "version": version, "state": state, "criticality": criticality}
    for field, value in {**plain, "regulated": regulated}.items():
        if value is not None:
            setattr(item, field, value)
    links: dict[str, Any] = {"owner": owner, "team": team, "service": service, "environment": environment}
    for field, value in {**links, "platform": platform}.items():
        if value is not KEEP:
            setattr(item, field, value)
    if name is not None:
        item.name = _named(name)
    if expected is not None:
        item.expected = _attributes(expected)
    item.save()
    return item


@action(
    "configuration_item.retire",
    on=ConfigurationItem,
    requires="trains.manage",
    danger=True,
    confirm="Its relations no longer carry an impact, and scanners no longer expect it.",
)
def retire_item(actor: Actor, item: ConfigurationItem, *, reason: Reason) -> ConfigurationItem:
    """Take an item out of use; it stays on record."""
    item.state = ItemState.RETIRED
    item.save()
    return item


@action(
    "configuration_item.relate",
    on=ConfigurationItem,
    requires="trains.manage",
    label="Add relation",
)
def relate_items(
    actor: Actor,
    item: ConfigurationItem,
    *,
    kind: Annotated[RelationKind, Field("How")],
    target: Annotated[ConfigurationItem, Field("To which item")],
) -> ConfigurationRelation:
    """Record how this item hangs on another one."""
    if item.pk == target.pk:
        refuse("configuration_relation.self", "An item hangs on no relation with itself.", field="target")
    known = ConfigurationRelation.objects.filter(
        source=item, target=target, kind=kind, ended_at__isnull=True
    ).first()
    if known:
        refuse(
            "configuration_relation.exists",
            f"{known}: this is recorded already.",
            blocked_by=Ref.of(known),
            field="target",
        )
    return ConfigurationRelation.objects.create(source=item, target=target, kind=kind)


@action(
    "configuration_relation.end",
    on=ConfigurationRelation,
    requires="trains.manage",
    danger=True,
    confirm="An impact no longer travels over this relation.",
)
def end_relation(actor: Actor, relation: ConfigurationRelation, *, reason: Reason) -> ConfigurationRelation:
    """Say that two items no longer hang together in this way."""
    if relation.ended_at:
        refuse("configuration_relation.ended", "The relation has ended already.")
    relation.ended_at = now()
    relation.save()
    return relation


def _named(name: str) -> str:
    if not name.strip():
        refuse("configuration_item.name", "An item needs a name.", field="name")
    return name.strip()


def _attributes(given: dict[str, Any] | None) -> dict[str, Any]:
    fault = attributes_fault(given or {})
    if fault:
        refuse("configuration_item.expected", fault, field="expected")
    return given or {}


def _standing(actor: Actor, item: ConfigurationItem, params: dict[str, Any]) -> Refusal | None:
    if item.state == ItemState.RETIRED:
        return Refusal(
            "configuration_item.retired",
            f"{item} is retired.",
            remedy="Put it back in use by editing its state.",
            blocked_by=Ref.of(item),
        )
    return None


for _verb in ("retire", "relate"):
    register_guard(f"configuration_item.{_verb}", _standing)
