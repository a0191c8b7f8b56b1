"""The SCIM server's storage: users are identities, groups are the directory's groups, and every write is a verb.

The protocol (discovery, filters, PATCH, paging, conditional requests, errors) is scim2-server's; here is only where
resources come from and where they go.
"""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import QuerySet
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    EnterpriseUser,
    ETag,
    Filter,
    GroupMember,
    Meta,
    Mutability,
    NotFoundException,
    Patch,
    PreconditionFailedException,
    Resource,
    ResourceType,
    SCIMException,
    ScimProvider,
    SearchRequest,
    ServiceProviderConfig,
    Sort,
    UniquenessException,
    User,
)
from scim2_models import Group as StandardGroup
from scim2_models.path import CompareOperator, Comparison
from scim2_server.handler import ScimHandler
from scim2_server.service import ScimService
from scim2_server.storage import ScimStorage, SearchPage

from releasetrain.exchange.actions import directory as verbs
from releasetrain.exchange.models import DirectoryGroup, Identity
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import row_id

MOST_RESULTS = 500
_KEPT_APART = {"schemas", "id", "meta", "externalId", "userName", "groups", "password"}

CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="The token that the organization's settings show once.",
            primary=True,
        )
    ],
)


class Member(GroupMember):
    """A member by id alone: the name is the person's own, and not the group's to say."""

    display: Annotated[str | None, Mutability.read_only] = None


class Group(StandardGroup):
    """A group as it is kept here."""

    members: list[Member] | None = None


PERSON = User[EnterpriseUser]
PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[ResourceType.from_resource(PERSON), ResourceType.from_resource(Group)],
    config=CONFIG,
)
SERVICE = ScimService(PROVIDER)


def handler(actor: Actor) -> ScimHandler:
    """The protocol over this organization's rows; call it inside the tenant scope."""
    return ScimHandler(SERVICE, Directory(actor))


def as_scim(refused: Refused) -> SCIMException:
    """A refusal in the protocol's terms, with our sentence."""
    first = refused.refusals[0]
    sentence = " ".join(filter(None, (first.sentence, first.remedy)))
    if first.code.endswith(".exists") or first.code.startswith("database."):
        return UniquenessException(detail=sentence)
    error = SCIMException(detail=sentence)
    error.status = {422: 400}.get(first.status, first.status)
    error.scim_type = "invalidValue" if error.status == 400 else ""
    return error


class Directory(ScimStorage):
    """What the organization's directory reads and writes."""

    def __init__(self, actor: Actor):
        self.actor = actor

    def get(
        self, resource_type: ResourceType, resource_id: str, *, response_parameters: Any = None
    ) -> Resource[Any]:
        return self._shown(resource_type, [self._row(resource_type, resource_id)])[0]

    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        start = search_request.start_index_0 or 0
        count = MOST_RESULTS if search_request.count is None else search_request.count
        if len(resource_types) == 1 and search_request.filter is None and search_request.sort_by is None:
            rows = _rows(resource_types[0])
            return SearchPage(rows.count(), self._shown(resource_types[0], rows[start : start + count]))
        found: list[Resource[Any]] = []
        for resource_type in resource_types:
            rows = _narrowed(resource_type, _rows(resource_type), search_request)
            found += [r for r in self._shown(resource_type, rows) if _matches(search_request, r)]
        if search_request.sort_by is not None:
            falling = search_request.sort_order == SearchRequest.SortOrder.descending
            keyed = [(search_request.sort_value(r), r) for r in found]
            present = sorted(
                (p for p in keyed if p[0] is not None), key=lambda p: (p[0], p[1].id), reverse=falling
            )
            found = [r for _, r in present] + [r for value, r in keyed if value is None]
        return SearchPage(len(found), found[start : start + count])

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        if isinstance(resource, User):
            row: Any = verbs.provision(
                self.actor,
                user_name=resource.user_name,
                email=_address(resource),
                external_id=resource.external_id or "",
                active=resource.active is not False,
                attributes={"active": True, **_attributes(resource)},
            )
        else:
            row = verbs.create_group(
                self.actor,
                name=resource.display_name,
                external_id=resource.external_id or "",
                members=[m.value for m in resource.members or [] if m.value],
            )
        return self.get(resource_type, str(row.pk))

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        row = self._row(resource_type, str(resource.id), expected_version)
        if isinstance(resource, User):
            self._update_person(row, resource)
        else:
            verbs.edit_group(
                self.actor,
                row,
                name=resource.display_name,
                external_id=resource.external_id or "",
                members=[m.value for m in resource.members or [] if m.value],
            )
        return self.get(resource_type, str(row.pk))

    def _update_person(self, identity: Identity, resource: Any) -> None:
        said = {
            "user_name": resource.user_name,
            "external_id": resource.external_id or "",
            "attributes": _attributes(resource),
        }
        changed = {name: value for name, value in said.items() if getattr(identity, name) != value}
        if changed:
            identity = verbs.edit(self.actor, identity, **changed)
        # Nobody comes back because a directory says nothing.
        if resource.active is True and not identity.active:
            verbs.readmit(self.actor, identity, reason="the directory made them active")
        elif resource.active is False and identity.active:
            verbs.deprovision(self.actor, identity, reason="the directory made them inactive")

    def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        row = self._row(resource_type, resource_id, expected_version)
        if isinstance(row, Identity):
            verbs.remove(self.actor, row, reason="the directory removed them")
        else:
            verbs.remove_group(self.actor, row, reason="the directory removed it")

    def _row(self, resource_type: ResourceType, resource_id: str, version: str | None = None) -> Any:
        found = _rows(resource_type).filter(pk=row_id(resource_id)).first() if row_id(resource_id) else None
        if found is None:
            raise NotFoundException(detail=f"No {resource_type.name} has the id {resource_id[:60]}.")
        if version is not None and version != _version(found):
            raise PreconditionFailedException
        return found

    def _shown(self, resource_type: ResourceType, rows: Any) -> list[Resource[Any]]:
        listed = list(rows)
        if resource_type.name == "User":
            groups = _groups_of({str(row.pk) for row in listed})
            return [_person(row, groups.get(str(row.pk), [])) for row in listed]
        return [_group(row) for row in listed]


def _rows(resource_type: ResourceType) -> QuerySet[Any]:
    if resource_type.name == "User":
        # People who only sign in are not the directory's; it learns of them when it provisions them itself.
        return Identity.objects.filter(removed_at__isnull=True, directory=True).order_by("created_at", "pk")
    return DirectoryGroup.objects.filter(removed_at__isnull=True).order_by("created_at", "pk")


_INDEXED = {
    ("User", "username"): "user_name__iexact",
    ("User", "externalid"): "external_id",
    ("Group", "displayname"): "name__iexact",
    ("Group", "externalid"): "external_id",
}


def _narrowed(resource_type: ResourceType, rows: QuerySet[Any], asked: SearchRequest[Any]) -> QuerySet[Any]:
    """Only the rows that can match: what directories ask for before each write (`userName eq "…"`) reads one row."""
    node = getattr(asked.filter, "ast", None)
    if not isinstance(node, Comparison) or node.op != CompareOperator.eq or not isinstance(node.value, str):
        return rows
    column = _INDEXED.get((str(resource_type.name), str(node.attr_path).rpartition(":")[2].lower()))
    return rows.filter(**{column: node.value}) if column else rows


def _matches(asked: SearchRequest[Any], resource: Resource[Any]) -> bool:
    return asked.filter is None or bool(asked.filter.match(resource))


def _version(row: Any) -> str:
    return f'W/"{row.row_version}"'


def _meta(kind: str, row: Any) -> Meta:
    return Meta(
        resource_type=kind,
        created=row.created_at,
        last_modified=max(row.changed_at, row.created_at),
        version=_version(row),
    )


def _attributes(resource: Resource[Any]) -> dict[str, Any]:
    said = resource.model_dump()
    return {name: value for name, value in said.items() if name not in _KEPT_APART and value is not None}


def _address(resource: Any) -> str:
    """The address that stands for the person: the primary one, else the first, else the user name if it is one."""
    given = [each for each in resource.emails or [] if each.value]
    for each in sorted(given, key=lambda email: not email.primary):
        return str(each.value)
    return resource.user_name if "@" in (resource.user_name or "") else ""


def _person(identity: Identity, groups: list[tuple[str, str]]) -> Resource[Any]:
    said = {
        **identity.attributes,
        "id": str(identity.pk),
        "userName": identity.user_name,
        "externalId": identity.external_id or None,
        "active": None if identity.attributes.get("active") is None else identity.active,
        "groups": [{"value": pk, "display": name, "$ref": f"Groups/{pk}"} for pk, name in groups] or None,
    }
    person: Resource[Any] = PERSON.model_validate(said)
    person.meta = _meta("User", identity)
    return person


def _group(row: DirectoryGroup) -> Resource[Any]:
    members = [{"value": member, "type": "User", "$ref": f"Users/{member}"} for member in row.members]
    said = {
        "id": str(row.pk),
        "displayName": row.name,
        "externalId": row.external_id or None,
        "members": members or None,
    }
    group: Resource[Any] = Group.model_validate(said)
    group.meta = _meta("Group", row)
    return group


def _groups_of(identities: set[str]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    if identities:
        for pk, name, members in DirectoryGroup.objects.filter(removed_at__isnull=True).values_list(
            "pk", "name", "members"
        ):
            for member in identities & set(members):
                found.setdefault(member, []).append((str(pk), name))
    return found
