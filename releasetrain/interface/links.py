"""Addresses: where the page and the API of an object, a list or a verb are."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from releasetrain.audit.doorway import Action
from releasetrain.kernel.refusals import Ref
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import current_scope

from .resources import Resource, by_kind, resource_of


@lru_cache(maxsize=4096)
def slug_of(organization_id: uuid.UUID) -> str:
    """The organization's word in addresses. It never changes, so it is remembered."""
    return Organization.objects.values_list("slug", flat=True).get(pk=organization_id)


def _slug() -> str:
    scope = current_scope()
    return slug_of(scope.organization_id) if scope else ""


def page_root() -> str:
    return f"/o/{_slug()}/"


def api_root() -> str:
    return f"/api/v1/orgs/{_slug()}"


def url_for(obj: Any) -> str:
    """The page of an object or of a `Ref` to one; empty when its kind has none."""
    if isinstance(obj, Ref):
        return url_of_ref(obj)
    resource = resource_of(obj)
    if resource is None:
        return page_root() if isinstance(obj, Organization) else ""
    return f"{list_url(resource)}{quote(resource.reference_of(obj), safe='')}/"


def api_url_for(obj: Any) -> str:
    """The API address of an object; empty when its kind has none."""
    resource = resource_of(obj)
    return f"{api_list_url(resource)}/{quote(resource.reference_of(obj), safe='')}" if resource else ""


def list_url(resource: Resource) -> str:
    return f"{page_root()}{resource.plural}/"


def api_list_url(resource: Resource) -> str:
    return f"{api_root()}/{resource.plural}"


def verb_url(action: Action, subject: Any = None) -> str:
    """The form of a verb."""
    resource = resource_of(action.on or action.creates)
    if resource is None:
        return f"{page_root()}do/{action.verb}"
    if action.on is not None:
        return f"{url_for(subject)}do/{resource.segment(action)}"
    segment = resource.segment(action)
    return list_url(resource) + ("new" if segment == "create" else f"do/{segment}")


def api_verb_url(action: Action, subject: Any = None) -> str:
    """The API address of a verb."""
    resource = resource_of(action.on or action.creates)
    if resource is None:
        return f"{api_root()}/do/{action.verb}"
    if action.on is not None:
        return f"{api_url_for(subject)}/{resource.segment(action)}"
    segment = resource.segment(action)
    return api_list_url(resource) + ("" if segment == "create" else f"/{segment}")


def url_of_ref(ref: Ref | None) -> str:
    """The page of a referenced object."""
    resource = by_kind(ref.kind) if ref else None
    return f"{list_url(resource)}{quote(ref.id, safe='')}/" if resource and ref else ""


def api_url_of_ref(ref: Ref | None) -> str:
    resource = by_kind(ref.kind) if ref else None
    return f"{api_list_url(resource)}/{quote(ref.id, safe='')}" if resource and ref else ""
