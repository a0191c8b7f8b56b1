"""Where an organization's people come from: its identity provider, the domains it has proved, and what its directory says."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from releasetrain.audit.history import tracked
from releasetrain.kernel.clock import now
from releasetrain.kernel.ids import uuid7
from releasetrain.tenancy.models import Organization, TenantModel


class IdentityProvider(TenantModel):
    """The organization's own sign-in (OpenID Connect) and its directory (SCIM), and what their groups mean here."""

    name = models.CharField(max_length=80)
    issuer = models.CharField(
        max_length=300, blank=True, help_text="Its address as the provider's discovery document writes it."
    )
    client_id = models.CharField("client id", max_length=200, blank=True)
    sealed_secret = models.TextField(blank=True, editable=False)
    group_claim = models.CharField(max_length=80, default="groups")
    mapping = models.JSONField("groups and roles", default=list, blank=True)
    vouches = models.BooleanField(
        "vouches for addresses",
        default=False,
        help_text="Its addresses count as verified although it does not say so.",
    )
    directory_hash = models.CharField(max_length=64, blank=True, editable=False)
    directory_since = models.DateTimeField("directory connected", null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    history = tracked(excluded_fields=["sealed_secret", "directory_hash"])

    never_logged = ("sealed_secret", "directory_hash")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(disabled_at__isnull=True),
                name="identity_provider_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SignInDomain(models.Model):
    """An e-mail domain that an organization claims; once proved it is nobody else's. Read before a scope exists, by its name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    domain = models.CharField(max_length=253)
    challenge = models.CharField(max_length=64)
    claimed_at = models.DateTimeField(default=now)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["domain"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "domain"], name="sign_in_domain_once"),
            models.UniqueConstraint(
                fields=["domain"], condition=Q(verified_at__isnull=False), name="sign_in_domain_of_one"
            ),
            models.CheckConstraint(condition=Q(domain=Lower("domain")), name="sign_in_domain_lower_case"),
        ]

    def __str__(self) -> str:
        return self.domain


class Identity(TenantModel):
    """A person as the organization's provider and directory know them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="identities")
    issuer = models.CharField(max_length=300, blank=True, editable=False)
    subject = models.CharField(max_length=255, blank=True, editable=False)
    user_name = models.CharField(max_length=254)
    external_id = models.CharField("id in the directory", max_length=255, blank=True)
    attributes = models.JSONField(
        default=dict, blank=True, help_text="Names and addresses as the directory gives them."
    )
    claimed = models.JSONField("groups at the last sign-in", default=list, blank=True)
    given = models.JSONField("grants given by groups", default=list, blank=True, editable=False)
    active = models.BooleanField(default=True)
    directory = models.BooleanField("kept by the directory", default=False)
    changed_at = models.DateTimeField(default=now)
    signed_in_at = models.DateTimeField("last single sign-on", null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked(excluded_fields=["attributes"])

    never_logged = ("attributes",)

    class Meta:
        verbose_name_plural = "identities"
        ordering = ["user_name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"],
                condition=Q(removed_at__isnull=True),
                name="identity_of_user_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "issuer", "subject"],
                condition=Q(removed_at__isnull=True) & ~Q(subject=""),
                name="identity_of_subject_once",
            ),
            models.UniqueConstraint(
                "organization",
                Lower("user_name"),
                condition=Q(removed_at__isnull=True),
                name="identity_user_name_once",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(active=False), name="identity_removed_is_inactive"
            ),
        ]

    def __str__(self) -> str:
        return self.user_name


class DirectoryGroup(TenantModel):
    """A group that the organization's directory keeps; the mapping says which role it gives."""

    name = models.CharField(max_length=200)
    external_id = models.CharField("id in the directory", max_length=255, blank=True)
    members = models.JSONField(default=list, blank=True, help_text="Ids of identities.")
    changed_at = models.DateTimeField(default=now)
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("name"),
                condition=Q(removed_at__isnull=True),
                name="directory_group_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name
