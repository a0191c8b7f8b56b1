"""What the index holds of a row: its heading (key, name, title) and its further text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

from releasetrain.interface.resources import Resource

HEADINGS = ("title", "name", "version", "summary", "label")


@dataclass(frozen=True)
class Texts:
    """The texts of one row."""

    id: UUID
    made_at: Any
    heading: tuple[str, ...]
    body: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return self.heading + self.body


@cache
def heading_of(resource: Resource) -> tuple[str, ...]:
    """The fields that name an object of this kind."""
    named = [n for n in HEADINGS if resource.has(n) and n not in resource.hidden]
    return tuple(dict.fromkeys([resource.lookup, *named] if resource.lookup else named))


@cache
def body_of(resource: Resource) -> tuple[str, ...]:
    """What else is searched: the declared fields; without any, every text that its page shows."""
    declared = resource.search or tuple(f.name for f in resource.fields if _is_text(f))
    return tuple(path for path in declared if path not in heading_of(resource))


def _is_text(field: models.Field) -> bool:
    return isinstance(field, models.CharField | models.TextField) and not field.choices


@cache
def is_named(resource: Resource) -> bool:
    """Whether every object of this kind is called by a field of its own, beside its key."""
    names = [
        resource.model._meta.get_field(name)
        for name in heading_of(resource)
        if name != resource.lookup or name != "key"
    ]
    return any(isinstance(field, models.Field) and not field.blank and not field.null for field in names)


def is_nameless(resource: Resource) -> bool:
    """A kind that neither declares what is searched nor has a name is found by how it is written out, too."""
    return not resource.search and not heading_of(resource)


def texts_of(resource: Resource, ids: Sequence[Any], rows: QuerySet | None = None) -> Iterator[Texts]:
    """The texts of these rows, in one query; of all in the organization unless told which may be read."""
    rows = (resource.model._default_manager.all() if rows is None else rows).filter(pk__in=ids).order_by()
    if is_nameless(resource):
        for row in rows.select_related(*resource.joins) if resource.joins else rows:
            body = [str(row), *(_written(getattr(row, path)) for path in body_of(resource))]
            yield Texts(row.pk, row.created_at, (), _filled(body))
        return
    headings, bodies = heading_of(resource), body_of(resource)
    for pk, made_at, *values in rows.values_list("pk", "created_at", *headings, *bodies):
        written = [_written(value) for value in values]
        yield Texts(pk, made_at, _filled(written[: len(headings)]), _filled(written[len(headings) :]))


def texts_of_loaded(resource: Resource, objects: Mapping[Any, Any], rows: QuerySet) -> Iterator[Texts]:
    """The texts of objects that were loaded as their page needs them; only what they do not hold is read from `rows`."""
    headings, bodies = heading_of(resource), body_of(resource)
    if is_nameless(resource):
        for pk, row in objects.items():
            body = [str(row), *(_written(getattr(row, path)) for path in bodies)]
            yield Texts(pk, row.created_at, (), _filled(body))
    elif _are_own(resource):
        for pk, row in objects.items():
            heading, body = ([_written(getattr(row, path)) for path in paths] for paths in (headings, bodies))
            yield Texts(pk, row.created_at, _filled(heading), _filled(body))
    else:
        yield from texts_of(resource, list(objects), rows)


@cache
def _are_own(resource: Resource) -> bool:
    """Whether all that is searched stands in the row itself."""
    own = {f.attname for f in resource.model._meta.concrete_fields if not f.is_relation}
    return own.issuperset(heading_of(resource) + body_of(resource))


def _filled(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(_written(part) for part in value)
    return "" if value is None else str(value)
