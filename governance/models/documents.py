"""Documents that releases and services must have: their kinds with templates, and versions approved by a second person."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .changes import known
from .files import StoredFile


class DocumentKind(TenantModel):
    """A kind of document: what it is about, which tiers must have one, how long one counts, and its template."""

    class About(models.TextChoices):
        SERVICE = "service", "A service"
        RELEASE = "release", "A release"

    code = models.SlugField("short name", max_length=60)
    title = models.CharField(max_length=120)
    about = models.CharField(max_length=8, choices=About.choices, default=About.SERVICE)
    practice = models.CharField(max_length=120, blank=True, help_text="The practice it belongs to.")
    tiers = ArrayField(
        models.PositiveSmallIntegerField(),
        default=list,
        blank=True,
        verbose_name="required for tiers",
        help_text="1 is the most critical. Empty: required nowhere.",
    )
    regulated_only = models.BooleanField(
        default=False, help_text="Required only of services marked as regulated."
    )
    months_valid = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Then it has to be looked at again. Empty: no end."
    )
    template = models.TextField(blank=True, help_text="The outline that a new document starts from.")
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="document_kind_once"),
            known("about", "document_kind_about_known", "service release"),
        ]

    def __str__(self) -> str:
        return self.title


class Document(KeyedModel):
    """One document of a service or of a release; its versions carry the content."""

    key_prefix = "DOC"

    kind = TenantForeignKey(DocumentKind, related_name="documents")
    title = models.CharField(max_length=200)
    service = TenantForeignKey("trains.Service", related_name="documents", null=True, blank=True)
    release = TenantForeignKey("trains.Release", related_name="documents", null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(service__isnull=False, release__isnull=True)
                | Q(service__isnull=True, release__isnull=False),
                name="document_one_subject",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "service", "kind"], name="document_of_service"),
            models.Index(fields=["organization", "release", "kind"], name="document_of_release"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"[:200]

    @property
    def in_force(self) -> DocumentVersion | None:
        """The version that counts: the newest approved one that has not run out."""
        return (
            self.versions.filter(state=DocumentVersion.State.APPROVED)
            .filter(Q(expires_on__isnull=True) | Q(expires_on__gt=now().date()))
            .order_by("-number")
            .first()
        )

    def scope_path(self) -> list[ScopeKey]:
        if self.release is not None:
            return [("train", str(self.release.train_id))]
        assert self.service is not None
        path: list[ScopeKey] = [("service", str(self.service_id))]
        if self.service.train_id:
            path.append(("train", str(self.service.train_id)))
        return path


class DocumentVersion(TenantModel):
    """One version: text written here, a stored file, or an address with the digest of what lies there."""

    class State(models.TextChoices):
        DRAFT = "draft", "Waits for approval"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        SUPERSEDED = "superseded", "Superseded"

    document = TenantForeignKey(Document, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    file = TenantForeignKey(StoredFile, related_name="document_versions", null=True, blank=True)
    url = models.URLField("address", max_length=500, blank=True)
    digest = models.CharField(max_length=71)
    note = models.TextField("what changed", blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True)
    expires_on = models.DateField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["document", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "document", "number"], name="document_version_once"
            ),
            known("state", "document_version_state_known", "draft approved rejected superseded"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("author")),
                name="document_not_approved_by_author",
            ),
            models.CheckConstraint(
                condition=Q(state="draft")
                | Q(state="superseded")
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="document_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(text="") | Q(file__isnull=False) | ~Q(url=""), name="document_has_content"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document.key} version {self.number}"

    def scope_path(self) -> list[ScopeKey]:
        return self.document.scope_path()
