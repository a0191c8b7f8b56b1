"""A plausible row of any model, so that structural tests meet objects of every kind without knowing them."""

from __future__ import annotations

import uuid
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.postgres.fields import ArrayField
from django.db import DatabaseError, models, transaction

from planning.rules.tiering import STANDARD
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope

# Of several things that a row may be of, only one may be named.
_LEFT_EMPTY = {
    "accessreview": ("closed_at",),
    "accessreviewitem": ("decided_by", "decided_at"),
    "auditoraccess": ("user", "grant", "accepted_at"),
    "dutyexception": ("granted_by", "decided_at", "expires_at", "used_at", "used_for"),
    "dutymatrix": ("confirmed_by",),
    "rollbackrule": ("service",),
    "recurringwindow": ("vendor", "environment"),
    "loadlimit": ("team",),
    "workinghours": ("user",),
    "controlassessment": ("conclusion", "concluded_by", "concluded_at"),
    "document": ("release",),
    "stagerun": ("cause",),
    "documentversion": ("decided_by", "decided_at"),
    "attachment": ("withdrawn_at", "withdrawn_reason"),
    "tooluse": ("team", "connector_kind", "connector", "exception_reason", "exception_until", "ended_on"),
    "deviation": ("recorded_by", "caught_up_at", "caught_up_by"),
    "windowproposal": ("window", "replaces"),
}
_PLAUSIBLE = {
    "rrule": "FREQ=YEARLY",
    "time_zone": "UTC",
    "conditions": ["sub=x"],
    "metrics": [{"name": "errors"}],
}
# What a kind's own verbs always write into its rows.
_WRITTEN = {
    ("planbaseline", "content"): {
        "features": [],
        "dependencies": [],
        "capacity": [],
        "objectives": [],
        "confidence": None,
    },
    ("configurationbaseline", "content"): {"items": [], "relations": [], "units": []},
    ("tierrule", "content"): STANDARD,
}
_TEXTS = ("1.2.3", "sha256:" + "a" * 64, "x", "2026-11-21")


def row_of(model: type[models.Model], depth: int = 0) -> Any | None:
    """A row that is there, or a new one with plausible values; None where the model's own rules refuse them."""
    if model is Organization:
        return Organization.objects.get(pk=require_scope().organization_id)
    if model is get_user_model():
        return model.objects.filter(memberships__organization_id=require_scope().organization_id).first()
    found = model._default_manager.first()
    if found is not None or depth > 6:
        return found
    return _new_row(model, depth)


def _another(model: type[models.Model], than: Any, depth: int) -> Any | None:
    """A second row, where two ends must differ: a dependency, a coupling."""
    return model._default_manager.exclude(pk=than.pk).first() or _new_row(model, depth, "2")


def _new_row(model: type[models.Model], depth: int, suffix: str = "") -> Any | None:
    for optional in (True, False):
        for text in _TEXTS:
            try:
                with transaction.atomic():
                    row = model(**_values(model, text + suffix, optional, depth))
                    row.save()
                    _complete(row)
                    row.refresh_from_db()
                    return row
            except (DatabaseError, Refused, ValueError, TypeError, AttributeError):
                continue
    return None


def _complete(row: Any) -> None:
    """What no row of its kind goes without, although the database lets it."""
    if row._meta.model_name == "scoringmodel":
        criteria = [{"key": "x", "title": "X", "weight": 1, "direction": "benefit", "source": "rated"}]
        row.versions.create(number=row.version, criteria=criteria, published_at=now())


def _values(model: type[models.Model], text: str, optional: bool, depth: int) -> dict[str, Any]:
    """Values for the fields: dates in the order of the fields, so that starts come before ends."""
    values: dict[str, Any] = {}
    ends: dict[Any, Any] = {}
    for step, field in enumerate(model._meta.concrete_fields):
        if (
            field.primary_key
            or field.name == "organization"
            or (field.has_default() and not field.is_relation)
            or field.name in _LEFT_EMPTY.get(model._meta.model_name or "", ())
        ):
            continue
        if isinstance(field, models.ForeignKey):
            if not field.null or (optional and field.related_model is not model):
                related = field.related_model
                one = ends.get(related)
                tenant = one is not None and hasattr(related, "organization_id")
                values[field.name] = (
                    _another(related, one, depth + 1) if tenant else row_of(related, depth + 1)
                )
                if field.name == "reviewer" and one is not None:
                    values[field.name] = related.objects.exclude(pk=one.pk).first()
                ends.setdefault(related, values[field.name])
        elif not field.null or optional:
            values[field.name] = _value(field, text, step)
    return values


def _value(field: models.Field, text: str, step: int) -> Any:
    if field.choices:
        return field.flatchoices[0][0]
    if (field.model._meta.model_name, field.name) in _WRITTEN:
        return _WRITTEN[field.model._meta.model_name, field.name]
    if field.name in _PLAUSIBLE:
        return _PLAUSIBLE[field.name]
    if field.name == "week":
        return now().date() - timedelta(days=now().weekday())
    for kinds, value in (
        (models.BooleanField, True),
        (models.UUIDField, uuid.uuid4()),
        (models.DateTimeField, now() + timedelta(hours=step)),
        (models.DateField, now().date() + timedelta(days=step)),
        (models.TimeField, time(step % 24)),
        (models.DurationField, timedelta(hours=1)),
        (models.DecimalField, Decimal(1)),
        (models.FloatField, 1.0),
        (models.IntegerField, 1),
        (models.JSONField, {}),
        (models.BinaryField, b"x"),
        (ArrayField, ["x"]),
    ):
        if isinstance(field, kinds):
            return value
    return text[: field.max_length] if getattr(field, "max_length", None) else text
