"""How objects are written in the API: fields, references with label and address; and the schema of that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.postgres.fields import ArrayField
from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from releasetrain.audit.doorway import allowed_verbs
from releasetrain.interface import links
from releasetrain.interface.resources import Resource, resource_of
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import NotCanonical, plain
from releasetrain.kernel.refusals import Refusal, Refused


def reference(obj: Any) -> dict[str, Any] | None:
    """A reference to an object: id, key where it has one, label, API address where it has one."""
    if obj is None:
        return None
    resource = resource_of(obj)
    return {
        "id": str(obj.pk),
        "key": str(getattr(obj, resource.lookup)) if resource and resource.lookup else None,
        "label": str(obj),
        "href": links.api_url_for(obj) or None,
    }


def represent(resource: Resource, obj: Any, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The object as a mapping; `names` limits it to some fields (the id is always there)."""
    wanted = set(names) if names is not None else None
    written: dict[str, Any] = {"id": obj.pk}
    for field in resource.fields:
        if field.name != "id" and (wanted is None or field.name in wanted):
            written[field.name] = _value(obj, field)
    for name in resource.computed:
        if wanted is None or name in wanted:
            written[name] = loose(_attribute(obj, name))
    if wanted is None or "display" in wanted:
        written["display"] = str(obj)
    if wanted is None or "links" in wanted:
        written["links"] = {"self": links.api_url_for(obj), "page": links.url_for(obj)}
    return written


def names_of(resource: Resource) -> list[str]:
    """What `fields=` may name."""
    return [
        "id",
        *(f.name for f in resource.fields if f.name != "id"),
        *resource.computed,
        "display",
        "links",
    ]


def wanted_names(resource: Resource, text: str) -> list[str] | None:
    """The fields asked for; Refused (422) for one that does not exist."""
    if not text:
        return None
    asked = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(asked) - set(names_of(resource)))
    if unknown:
        raise Refused(
            Refusal("field.unknown", f"There is no field {unknown[0][:60]}.", field="fields", status=422)
        )
    return asked


def decisions(actor: Actor, obj: Any) -> list[dict[str, Any]]:
    """Every verb of the object, whether it is allowed now, and why not."""
    return [
        {
            "verb": decision.verb,
            "allowed": decision.allowed,
            "reasons": [
                {
                    "code": r.code,
                    "detail": r.sentence,
                    "remedy": r.remedy,
                    "blocked_by": r.blocked_by and r.blocked_by.label,
                }
                for r in decision.refusals
            ],
        }
        for decision in allowed_verbs(actor, obj).values()
    ]


def loose(value: Any) -> Any:
    """Any result or computed value in JSON terms."""
    if isinstance(value, models.Model):
        return reference(value)
    if isinstance(value, dict):
        return {str(k): loose(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset | models.QuerySet):
        return [loose(v) for v in value]
    if isinstance(value, float | int | bool | str) or value is None:
        return value
    try:
        return plain(value)
    except NotCanonical:
        return (
            {k: loose(v) for k, v in vars(value).items() if not k.startswith("_")}
            if hasattr(value, "__dict__")
            else str(value)
        )


def _value(obj: Any, field: models.Field) -> Any:
    if isinstance(field, models.ForeignKey):
        return reference(getattr(obj, field.name)) if getattr(obj, field.attname) is not None else None
    value = getattr(obj, field.name)
    if isinstance(field, models.FileField):
        return value.name if value else None
    if isinstance(field, models.DecimalField) and isinstance(value, int | float):
        # A default as the model says it, before the row is read again.
        return f"{value:.{field.decimal_places}f}"
    return value


def _attribute(obj: Any, name: str) -> Any:
    value = getattr(obj, name)
    return value() if callable(value) else value


class ObjectReferenceSerializer(serializers.Serializer):
    """A reference to another object."""

    id = serializers.CharField()
    key = serializers.CharField(allow_null=True)
    label = serializers.CharField()  # type: ignore[assignment]
    href = serializers.CharField(allow_null=True, help_text="Its API address; null for people.")


class ObjectLinksSerializer(serializers.Serializer):
    """Addresses of the object."""

    self = serializers.CharField()
    page = serializers.CharField()


@extend_schema_field({})
class AnyField(serializers.Field):
    """Any JSON value."""

    def to_representation(self, value: Any) -> Any:
        return value


@cache
def serializer_of(model: type[models.Model]) -> type[serializers.Serializer]:
    """The serializer class that documents how objects of this model are written."""
    resource = resource_of(model)
    assert resource is not None
    members: dict[str, Any] = {"id": _schema_field(resource.model._meta.pk)}
    for field in resource.fields:
        if field.name != "id":
            members[field.name] = _schema_field(field)
    members |= {name: AnyField(required=False) for name in resource.computed}
    members |= {"display": serializers.CharField(), "links": ObjectLinksSerializer()}
    members["__doc__"] = resource.description or (model.__doc__ or "").strip().split("\n", 1)[0]
    return type(f"{model.__name__}Serializer", (serializers.Serializer,), members)


@cache
def list_serializer_of(model: type[models.Model]) -> type[serializers.Serializer]:
    """A page of a list."""
    members = {
        "items": serializer_of(model)(many=True),
        "next": serializers.CharField(
            allow_null=True, help_text="Address of the next page; null on the last."
        ),
        "__doc__": f"A page of {model._meta.verbose_name_plural}.",
    }
    return type(f"{model.__name__}PageSerializer", (serializers.Serializer,), members)


def _schema_field(field: Any) -> serializers.Field:
    options: dict[str, Any] = {"allow_null": field.null, "help_text": str(field.help_text or "")}
    if isinstance(field, models.ForeignKey):
        return ObjectReferenceSerializer(allow_null=field.null, label=_person_or_object(field))
    if field.choices:
        blank = field.blank and not field.null and isinstance(field, models.CharField)
        return serializers.ChoiceField(choices=field.flatchoices, allow_blank=blank, **options)
    for kind, made in _SCHEMA:
        if isinstance(field, kind):
            return made(field, options)
    return serializers.CharField(**options)


def _person_or_object(field: models.ForeignKey) -> str:
    return "A person" if field.related_model is get_user_model() else str(field.verbose_name)


_SCHEMA: tuple[tuple[Any, Callable[[Any, dict[str, Any]], serializers.Field]], ...] = (
    (models.UUIDField, lambda f, o: serializers.UUIDField(**o)),
    (models.BooleanField, lambda f, o: serializers.BooleanField(**o)),
    (models.DateTimeField, lambda f, o: serializers.DateTimeField(**o)),
    (models.DateField, lambda f, o: serializers.DateField(**o)),
    (
        models.DecimalField,
        lambda f, o: serializers.DecimalField(max_digits=f.max_digits, decimal_places=f.decimal_places, **o),
    ),
    (models.FloatField, lambda f, o: serializers.FloatField(**o)),
    (models.IntegerField, lambda f, o: serializers.IntegerField(**o)),
    (ArrayField, lambda f, o: serializers.ListField(child=_schema_field(f.base_field), **o)),
    (models.JSONField, lambda f, o: AnyField(help_text=o["help_text"])),
)
