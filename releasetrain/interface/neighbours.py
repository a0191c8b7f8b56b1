"""Neighbours: what an object is connected with, derived from the references between registered models.

One query per panel: the first rows carry the count of all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Count, QuerySet, Window

from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import TenantForeignKey

from . import links
from .resources import Related, Resource, resource_of, resources

SHOWN = 5


@dataclass(frozen=True)
class Tool:
    """Something that can be done from the page of an object, beside following it."""

    label: str
    icon: str
    url: str


_everywhere: list[Related] = []
_tools: list[Callable[[Actor, Any], Tool | None]] = []


def on_every_page(related: Related, tool: Callable[[Actor, Any], Tool | None] | None = None) -> None:
    """Add a panel to the pages of all kinds, shown where it has rows, and a tool where it answers one."""
    _everywhere.append(related)
    if tool:
        _tools.append(tool)


def tools_of(actor: Actor, obj: Any) -> list[Tool]:
    return [tool for each in _tools if (tool := each(actor, obj))]


@dataclass
class Panel:
    """Neighbours of one kind. `more` is the address of the whole list."""

    relation: str
    title: str
    count: int
    rows: list[Any] = field(default_factory=list)
    more: str = ""
    icon: str = "list"
    resource: Resource | None = None


@dataclass(frozen=True)
class Link:
    """A reverse relation: rows of `resource` whose `path` names the object."""

    resource: Resource
    path: str
    title: str
    field: str


def of(actor: Actor, resource: Resource, obj: Any) -> list[Panel]:
    """All neighbours: what the object names, what names it, and what the declaration adds."""
    return [*forward(resource, obj), *reverse(actor, resource, obj), *_declared(actor, resource, obj)]


def forward(resource: Resource, obj: Any) -> list[Panel]:
    """What the object itself names."""
    found = []
    for reference in resource.references:
        target = getattr(obj, reference.name) if getattr(obj, reference.attname) is not None else None
        neighbour = resource_of(target) if target is not None else None
        if neighbour:
            title = str(reference.verbose_name).capitalize()
            found.append(Panel(reference.name, title, 1, [target], "", neighbour.icon, neighbour))
    return found


def reverse(actor: Actor, resource: Resource, obj: Any) -> list[Panel]:
    """What names the object, with the number of all and the first few."""
    found = []
    for link in links_to(resource.model):
        rows, count = _first(
            link.resource.loaded(actor).filter(**{link.path: obj}).order_by(*link.resource.order)
        )
        if count:
            direct = link.path == link.field
            more = (
                f"{links.list_url(link.resource)}?{link.path}={resource.reference_of(obj)}"
                if direct and count > SHOWN
                else ""
            )
            found.append(
                Panel(
                    f"{link.resource.plural}.{link.field}",
                    link.title,
                    count,
                    rows,
                    more,
                    link.resource.icon,
                    link.resource,
                )
            )
    return found


@functools.cache
def links_to(model: type[models.Model]) -> tuple[Link, ...]:
    """Reverse relations: direct ones, and those through an unregistered row that joins two objects."""
    found: list[Link] = []
    for resource in resources():
        named = [f for f in resource.references if f.related_model is model]
        for reference in named:
            title = resource.title if len(named) == 1 else f"{resource.title} ({reference.verbose_name})"
            found.append(Link(resource, reference.name, title, reference.name))
    for joining in _joining_models():
        ends = [f for f in joining._meta.concrete_fields if isinstance(f, TenantForeignKey)]
        for near in (f for f in ends if f.related_model is model):
            for far in (f for f in ends if f is not near):
                resource = resource_of(far.related_model)  # type: ignore[assignment]
                if resource is not None and not far.remote_field.hidden:
                    path = f"{far.related_query_name()}__{near.name}"
                    found.append(
                        Link(resource, path, f"{resource.title} ({joining._meta.verbose_name})", path)
                    )
    return tuple(found)


def _joining_models() -> Iterable[Any]:
    """Unregistered models between two registered ones; histories copy references and do not count."""
    from django.apps import apps

    for model in apps.get_models():
        if resource_of(model) is None and not hasattr(model, "instance_type"):
            ends = [
                f
                for f in model._meta.concrete_fields
                if isinstance(f, TenantForeignKey) and resource_of(f.related_model)
            ]
            if len(ends) == 2:
                yield model


def _first(rows: QuerySet) -> tuple[list[Any], int]:
    found = list(rows.annotate(all_of_them=Window(Count("pk")))[:SHOWN])
    return found, found[0].all_of_them if found else 0


def _declared(actor: Actor, resource: Resource, obj: Any) -> list[Panel]:
    found = []
    for related in (*resource.related, *_everywhere):
        rows = related.rows(actor, obj)
        if isinstance(rows, QuerySet):
            first, count = _first(rows) if not rows.query.distinct else (list(rows[:SHOWN]), rows.count())
        else:
            everything = list(rows)
            first, count = everything[:SHOWN], len(everything)
        if count:
            neighbour = resource_of(first[0])
            found.append(
                Panel(
                    related.title,
                    related.title,
                    count,
                    first,
                    "",
                    neighbour.icon if neighbour else "list",
                    neighbour,
                )
            )
    return found
