"""Organizations, and the base classes of everything that belongs to one."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import RegexValidator
from django.db import connection, models

from releasetrain.kernel import locales
from releasetrain.kernel.clock import now
from releasetrain.kernel.ids import uuid7

from .scope import require_scope


class Organization(models.Model):
    """A tenant. Read before a scope exists, by its slug."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$", "Use 3 to 40 lower-case letters, digits and hyphens."
            )
        ],
    )
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(
        max_length=2,
        choices=locales.languages(),
        blank=True,
        default="",
        db_default="",
        help_text="Of people who have chosen none; empty: as their browser asks.",
    )
    region = models.CharField(
        max_length=2,
        blank=True,
        default="",
        db_default="",
        help_text="Whose way of writing dates and numbers.",
    )
    demo = models.BooleanField(default=False, help_text="Generated sample data, labelled as such.")
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_by_operator = models.BooleanField(default=False, db_default=False)
    suspended_reason = models.CharField(max_length=300, blank=True, default="", db_default="")
    access_review_days = models.PositiveSmallIntegerField(
        default=180,
        db_default=180,
        help_text="After so many days without one an access review is due.",
    )
    single_sign_on = models.BooleanField(
        default=False, db_default=False, help_text="People enter only by the organization's own sign-in."
    )
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TenantManager(models.Manager):
    """Rows of the organization in scope; raises outside one."""

    def get_queryset(self) -> models.QuerySet:
        require_scope()
        return super().get_queryset()


class TenantForeignKey(models.ForeignKey):
    """A reference between rows of one organization.

    Ordinary foreign keys ignore row-level security, so the real constraint is the composite
    (organization_id, x_id) → (organization_id, id), which the guards add.
    """

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **kwargs: Any):
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)


class TenantModel(models.Model):
    """Base of every row that belongs to an organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, editable=False, related_name="+", db_index=False
    )
    row_version = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.prepare_save()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "row_version"}
        super().save(*args, **kwargs)

    def prepare_save(self) -> None:
        """Take the organization from the scope and count the version; bulk writes call it too."""
        if self.organization_id is None:
            self.organization_id = require_scope().organization_id
        self.row_version += 1


class KeySequence(models.Model):
    """The last number given out per organization and prefix, for keys that people speak."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    prefix = models.CharField(max_length=12)
    last = models.PositiveBigIntegerField(default=0)

    tenant_table = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "prefix"], name="key_sequence_once")]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.last}"


def next_keys(prefix: str, count: int = 1) -> list[str]:
    """Reserve `count` keys like CHG-142; the row lock makes them gapless per committed transaction."""
    organization_id = require_scope().organization_id
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tenancy_keysequence (id, organization_id, prefix, last) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (organization_id, prefix) DO UPDATE SET last = tenancy_keysequence.last + excluded.last"
            " RETURNING last",
            [uuid7(), organization_id, prefix, count],
        )
        last: int = cursor.fetchone()[0]
    return [f"{prefix}-{number}" for number in range(last - count + 1, last + 1)]


class KeyedModel(TenantModel):
    """A tenant row with a short key that people use in speech, unique in its organization."""

    key_prefix = "OBJ"

    key = models.CharField(max_length=40, editable=False)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="%(app_label)s_%(class)s_key"),
        ]

    def __str__(self) -> str:
        return self.key

    def prepare_save(self) -> None:
        super().prepare_save()
        if not self.key:
            self.key = next_keys(self.key_prefix)[0]


def row_id(value: Any) -> uuid.UUID | None:
    """The value as a UUID, or None when it is not one."""
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
    except ValueError:
        return None
