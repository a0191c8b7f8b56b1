"""The vocabulary of a field, held by the database too."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


def known(
    field: str, name: str, choices: type[models.TextChoices], *, blank: bool = False
) -> models.CheckConstraint:
    """The field holds one of the choices."""
    words = [*choices.values, *([""] if blank else [])]
    return models.CheckConstraint(condition=Q(**{f"{field}__in": words}), name=name)
