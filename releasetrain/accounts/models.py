"""Users, memberships, scopes, grants, object permissions, service accounts and tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.functions import Lower
from guardian.models import UserObjectPermissionAbstract

from releasetrain.audit.history import tracked
from releasetrain.kernel import locales
from releasetrain.kernel.clock import now
from releasetrain.kernel.ids import uuid7
from releasetrain.tenancy.models import Organization, TenantForeignKey, TenantModel

from .catalogue import PERMISSIONS, Role


class UserManager(BaseUserManager["User"]):
    """Users are found by e-mail address, whatever its case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> User:
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in: a person, or a service account behind a token."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        SERVICE = "service", "Service account"

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the device"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    time_zone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(
        max_length=2, choices=locales.languages(), blank=True, default="", db_default=""
    )
    region = models.CharField(max_length=2, blank=True, default="", db_default="")
    theme = models.CharField(max_length=10, choices=Theme.choices, default=Theme.SYSTEM)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=now)

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["person", "service"]), name="user_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email.split("@")[0]

    @property
    def initials(self) -> str:
        words = str(self).replace(".", " ").split()
        return "".join(w[0] for w in words[:2]).upper()

    @property
    def is_staff(self) -> bool:
        return self.is_superuser


class Membership(models.Model):
    """A person belongs to an organization. Read before a scope exists, by user and organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="memberships")
    joined_at = models.DateTimeField(default=now)
    suspended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="membership_once")]

    def __str__(self) -> str:
        return str(self.user)


class Scope(TenantModel):
    """Something a role is given on: the organization, a train, a team, a service, a change board.

    django-guardian ties a permission to one content type; roles carry one bundle over several kinds of object, so
    the guardian object is this row, which names the real one.
    """

    kind = models.CharField(max_length=20)
    object_id = models.UUIDField()
    label = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()
        permissions = list(PERMISSIONS.items())
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "object_id"], name="scope_once")
        ]

    def __str__(self) -> str:
        return self.label


class Grant(TenantModel):
    """A role given to somebody on a scope, from a day to a day."""

    user = models.ForeignKey(User, models.PROTECT, related_name="grants")
    role = models.CharField(max_length=30, choices=Role.choices)
    scope = TenantForeignKey(Scope, related_name="grants")
    starts_at = models.DateTimeField(default=now)
    ends_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="grant_role_known"),
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=models.F("starts_at")),
                name="grant_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["organization", "user", "role", "scope"],
                condition=models.Q(revoked_at__isnull=True),
                name="grant_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.get_role_display()} on {self.scope}"


class ObjectPermission(UserObjectPermissionAbstract):
    """django-guardian's row for one person, permission and scope, with its organization and its grant."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="permissions", db_constraint=False)
    scope = models.ForeignKey(Scope, models.PROTECT, related_name="+", db_constraint=False)
    starts_at = models.DateTimeField(default=now)
    ends_at = models.DateTimeField(null=True)

    tenant_table = True

    class Meta(UserObjectPermissionAbstract.Meta):
        abstract = False
        unique_together = [["user", "permission", "object_pk", "grant"]]
        indexes = [models.Index(fields=["organization", "user"], name="object_permission_of_user")]


def scope_content_type() -> ContentType:
    return ContentType.objects.get_for_model(Scope)


class ServiceAccount(TenantModel):
    """A pipeline or another machine that acts with a token; a person answers for it."""

    name = models.CharField(max_length=80)
    user = models.OneToOneField(User, models.PROTECT, related_name="service_account")
    responsible = models.ForeignKey(User, models.PROTECT, related_name="+")
    disabled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="service_account_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A token `rtk_<id>_<secret><crc32>`: only the secret's hash is kept. Read before a scope exists, by its id."""

    id = models.CharField(primary_key=True, max_length=16)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="tokens")
    label = models.CharField(max_length=80)
    secret_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=now)
    created_by = models.UUIDField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # The token that takes its place while both still work.
    successor = models.CharField(max_length=16, blank=True, default="", db_default="")
    # Of an access that a pipeline got for its ID token: by which rule, as whom, and the digest that is spent with it.
    trust_rule = models.UUIDField(null=True, blank=True)
    subject = models.CharField(max_length=300, blank=True, default="", db_default="")
    assertion = models.BinaryField(max_length=32, null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "user"], name="token_of_user"),
            models.Index(
                fields=["organization", "trust_rule", "-created_at"],
                condition=models.Q(trust_rule__isnull=False),
                name="token_of_trust_rule",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organization", "assertion"], name="token_assertion_once"),
            models.CheckConstraint(
                condition=models.Q(trust_rule__isnull=True)
                | models.Q(
                    assertion__isnull=False,
                    expires_at__lte=models.F("created_at") + timedelta(minutes=15),
                ),
                name="token_of_workload_short_lived",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} (rtk_{self.id}_…)"

    @property
    def acts_as(self) -> str:
        """How the ledger names who acts with it: the workload by its subject, where there is one."""
        return f"{self.user} ({self.subject})" if self.subject else ""
