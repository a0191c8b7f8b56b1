"""Lists: search, filters and order of a resource, validated; one for the page, the CSV file and the API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refusal, Refused

from .parameters import FIRST_YEAR, LARGEST, LAST_YEAR, condition_for, people_of
from .resources import Filter, Resource, resource_of

MOST_CHOICES = 200


def field_at(model: type[models.Model], path: str) -> models.Field:
    """The field at the end of a path such as ``train__portfolio``."""
    head, _, rest = path.partition("__")
    field: Any = model._meta.get_field(head)
    return field_at(field.related_model, rest) if rest else field


def kind_of(field: models.Field) -> str:
    """How values of the field are compared: object, choice, yes, moment, day, number, id or text."""
    if isinstance(field, models.ForeignKey):
        return "object"
    if field.choices:
        return "choice"
    for types, kind in _KINDS:
        if isinstance(field, types):
            return kind
    return ""


_KINDS: tuple[tuple[Any, str], ...] = (
    (models.BooleanField, "yes"),
    (models.DateTimeField, "moment"),
    (models.DateField, "day"),
    ((models.IntegerField, models.DecimalField, models.FloatField), "number"),
    (models.UUIDField, "id"),
    (models.TextField, ""),
    (models.CharField, "text"),
)


@dataclass(frozen=True)
class Criterion:
    """One filter of a list: its parameters in the query, and the condition they mean."""

    name: str
    label: str
    kind: str
    field: Any = None
    own: Filter | None = None

    @property
    def parameters(self) -> list[str]:
        """The names of its query parameters."""
        if self.kind in ("moment", "day"):
            return [self.name, f"{self.name}_from", f"{self.name}_before"]
        if self.kind == "number":
            return [self.name, f"{self.name}_min", f"{self.name}_max"]
        if self.kind == "object":
            return [self.name, f"{self.name}_missing"]
        return [self.name]

    def apply(self, rows: QuerySet, query: dict[str, list[str]], actor: Actor) -> QuerySet:
        """The rows that meet what the query says; Refused (422) for a value that makes no sense."""
        for name in self.parameters:
            values = [v for v in query.get(name, []) if v != ""]
            if values:
                rows = self._apply(rows, name, values, actor)
        return rows

    def _apply(self, rows: QuerySet, name: str, values: list[str], actor: Actor) -> QuerySet:
        if self.own is not None:
            known = {value for value, _ in self.own.choices}
            if known and values[-1] not in known:
                self._refuse(name, values[-1], ", ".join(sorted(known)))
            return self.own.apply(rows, values[-1])
        suffix = name.removeprefix(self.name)
        if self.kind == "object" and suffix == "_missing":
            return rows.filter(**{f"{self.name}__isnull": self._yes(name, values[-1])})
        if self.kind == "object":
            return rows.filter(self._objects(name, values, actor))
        if suffix:
            lookup = {"_from": "gte", "_min": "gte", "_before": "lt", "_max": "lte"}[suffix]
            return rows.filter(**{f"{self.name}__{lookup}": self._value(name, values[-1])})
        if self.kind == "moment":
            day = self._day(name, values[-1])
            return rows.filter(**{f"{self.name}__date": day})
        parts = [
            part
            for value in values
            for part in (value.split(",") if self.kind in ("choice", "id") else [value])
        ]
        return rows.filter(**{f"{self.name}__in": [self._value(name, part) for part in parts]})

    def _objects(self, name: str, values: list[str], actor: Actor) -> Q:
        target = self.field.related_model
        resource = resource_of(target)
        rows = (
            people_of(actor)
            if target is get_user_model()
            else resource.visible(actor)
            if resource
            else target._default_manager.all()
        )
        found = Q(pk__in=[])
        for value in values:
            condition = condition_for(target, value)
            if condition is None:
                self._refuse(name, value, f"the id or key of a {target._meta.verbose_name}")
            found |= condition
        return Q(**{f"{self.name}__in": rows.filter(found).values("pk")})

    def _value(self, name: str, text: str) -> Any:
        readers = {
            "choice": self._choice,
            "yes": self._yes,
            "moment": self._moment,
            "day": self._day,
            "number": self._number,
            "id": self._id,
        }
        return readers[self.kind](name, text) if self.kind in readers else text[:500]

    def _choice(self, name: str, text: str) -> Any:
        values = {str(value): value for value, _ in self.field.flatchoices}
        if text not in values:
            self._refuse(name, text, ", ".join(values))
        return values[text]

    def _yes(self, name: str, text: str) -> bool:
        if text.lower() not in _BOOLEANS:
            self._refuse(name, text, "true or false")
        return _BOOLEANS[text.lower()]

    def _id(self, name: str, text: str) -> Any:
        try:
            return self.field.to_python(text)
        except ValidationError:
            self._refuse(name, text, "an id")

    def _number(self, name: str, text: str) -> Decimal:
        try:
            number = Decimal(text[:40])
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number) > LARGEST:
            self._refuse(name, text, "a number")
        return number

    def _day(self, name: str, text: str) -> date:
        try:
            day = parse_date(text)
        except ValueError:
            day = None
        if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
            self._refuse(name, text, "a date like 2026-11-21")
        return day

    def _moment(self, name: str, text: str) -> datetime:
        try:
            # A plus sign in a query string means a blank unless encoded; people forget that in offsets.
            moment = parse_datetime(text.replace(" ", "+")) if "T" in text else None
        except ValueError:
            moment = None
        if moment is None:
            day = self._day(name, text)
            moment = datetime(day.year, day.month, day.day)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            self._refuse(name, text, "a time like 2026-11-21T10:00:00Z")
        return timezone.make_aware(moment) if timezone.is_naive(moment) else moment

    def _refuse(self, name: str, text: str, wanted: str) -> NoReturn:
        raise Refused(
            Refusal(
                "filter.invalid",
                f"{name}={text[:60]} is not understood: give {wanted}.",
                field=name,
                status=422,
            )
        )

    def options(self, actor: Actor) -> list[tuple[str, str]] | None:
        """What can be chosen on the page; None where a value is typed."""
        if self.own is not None:
            return list(self.own.choices) or None
        if self.kind == "choice":
            return [(str(value), str(label)) for value, label in self.field.flatchoices]
        if self.kind == "yes":
            return [("true", "Yes"), ("false", "No")]
        if self.kind == "object":
            return self._object_options(actor)
        return None

    def _object_options(self, actor: Actor) -> list[tuple[str, str]] | None:
        target = self.field.related_model
        resource = resource_of(target)
        if target is get_user_model():
            rows: Iterable[Any] = people_of(actor)[: MOST_CHOICES + 1]
        elif resource is not None:
            rows = resource.loaded(actor).order_by(*resource.order)[: MOST_CHOICES + 1]
        else:
            return None
        found = [(resource.reference_of(row) if resource else str(row.pk), str(row)) for row in rows]
        return found if len(found) <= MOST_CHOICES else None


_BOOLEANS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def declared_criteria(resource: Resource) -> list[Criterion]:
    """The filters shown above the list."""
    found = []
    for each in resource.filters:
        if isinstance(each, Filter):
            found.append(Criterion(each.name, each.label, "own", own=each))
        else:
            field = field_at(resource.model, each)
            found.append(Criterion(each, str(field.verbose_name).capitalize(), kind_of(field), field))
    return found


def criteria(resource: Resource) -> list[Criterion]:
    """All filters: those declared, and every reference, choice, date, number and flag of the rows."""
    found = {c.name: c for c in declared_criteria(resource)}
    for field in resource.fields:
        kind = kind_of(field)
        if kind and field.name not in found and not (kind == "text" and field.name != resource.lookup):
            found[field.name] = Criterion(field.name, str(field.verbose_name).capitalize(), kind, field)
    return list(found.values())


@dataclass(frozen=True)
class SortKey:
    """One key of an order: a path, its direction, and whether rows may lack it (they come last)."""

    path: str
    descending: bool
    nullable: bool

    @property
    def expression(self) -> Any:
        if not self.nullable:
            return f"-{self.path}" if self.descending else self.path
        return F(self.path).desc(nulls_last=True) if self.descending else F(self.path).asc(nulls_last=True)

    def value_of(self, obj: Any) -> Any:
        for name in self.path.split("__"):
            obj = getattr(obj, name, None)
        return obj


def sortable(resource: Resource, name: str) -> str | None:
    """The path that sorting by this column means, or None when it cannot be sorted by."""
    try:
        field = field_at(resource.model, name)
    except (FieldDoesNotExist, AttributeError):
        return None
    if isinstance(field, models.ForeignKey):
        return _path_of_reference(name, field)
    if "__" not in name and field not in resource.fields:
        return None
    return (
        name
        if getattr(field, "concrete", False) and not isinstance(field, models.JSONField | models.BinaryField)
        else None
    )


def _path_of_reference(name: str, field: models.ForeignKey) -> str:
    target = field.related_model
    names = {f.name for f in target._meta.concrete_fields}
    best = next((n for n in ("name", "key", "title", "label", "slug", "email") if n in names), None)
    return f"{name}__{best}" if best else field.attname


def sort_keys(resource: Resource, asked: str = "") -> list[SortKey]:
    """The order of a list, made total by the id; Refused (422) for an unknown name."""
    keys: list[SortKey] = []
    for part in (p for p in (asked.split(",") if asked else resource.order) if p):
        name = part.lstrip("-")
        path = (
            ("id" if resource.has("id") else "pk")
            if name == "pk"
            else sortable(resource, name)
            if asked
            else name
        )
        if path is None:
            raise Refused(
                Refusal(
                    "field.unknown", f"The list cannot be sorted by {name[:60]}.", field="sort", status=422
                )
            )
        if path not in {k.path for k in keys}:
            keys.append(SortKey(path, part.startswith("-"), _nullable(resource, path)))
    pk = resource.model._meta.pk.name
    if pk not in {k.path for k in keys}:
        keys.append(SortKey(pk, keys[-1].descending if keys else False, nullable=False))
    return keys


def _nullable(resource: Resource, path: str) -> bool:
    model: Any = resource.model
    for name in path.split("__"):
        field = model._meta.get_field(name) if name != "pk" else model._meta.pk
        if field.null:
            return True
        model = field.related_model
    return False


def ordered(rows: QuerySet, keys: list[SortKey]) -> QuerySet:
    return rows.order_by(*[key.expression for key in keys])


def searched(resource: Resource, rows: QuerySet, text: str) -> QuerySet:
    """Rows in which every word of the text occurs in one of the search fields."""
    paths = resource.search or ((resource.lookup,) if resource.lookup else ())
    for word in text.split()[:8]:
        found = Q(pk__in=[])
        for path in paths:
            found |= Q(**{f"{path}__icontains": word[:100]})
        rows = rows.filter(found)
    return rows


def filtered(resource: Resource, rows: QuerySet, query: dict[str, list[str]], actor: Actor) -> QuerySet:
    """The rows that meet search and filters of the query; all mistakes are said at once."""
    refusals: list[Refusal] = []
    for criterion in criteria(resource):
        try:
            rows = criterion.apply(rows, query, actor)
        except Refused as refused:
            refusals.extend(refused.refusals)
    if refusals:
        raise Refused(*refusals)
    text = (query.get("q") or [""])[-1].strip()
    return searched(resource, rows, text) if text else rows
