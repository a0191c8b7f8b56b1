"""What the interface itself remembers: saved views, answers given under an idempotency key, and the index of search."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now

from releasetrain.tenancy.models import Organization, TenantModel


class SavedView(TenantModel):
    """A list with its search, filters and order under a name; private to its owner unless shared."""

    name = models.CharField(max_length=80)
    listed = models.CharField("list", max_length=80, help_text="The list's word in addresses, e.g. releases.")
    query = models.CharField(
        max_length=2000, blank=True, help_text="The list's address behind the question mark."
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    shared = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "owner", "listed", "name"], name="saved_view_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class IdempotentReply(TenantModel):
    """The answer to a request with an Idempotency-Key, kept for a day; encrypted, for it may hold a secret."""

    user_id = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=71)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()

    class Meta:
        verbose_name_plural = "idempotent replies"
        constraints = [
            models.UniqueConstraint(fields=["organization", "user_id", "key"], name="idempotent_reply_once")
        ]
        indexes = [models.Index(fields=["organization", "created_at"], name="idempotent_reply_age")]

    def __str__(self) -> str:
        return self.key


class SearchEntry(models.Model):
    """What search knows of one object. Derived from its row, and made anew by `rebuild_search`."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=60)
    object_id = models.UUIDField()
    changed_at = models.DateTimeField()
    document = SearchVectorField()

    tenant_table = True

    class Meta:
        verbose_name_plural = "search entries"
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "object_id"], name="search_entry_once")
        ]
        indexes = [models.Index(fields=["organization", "kind", "-changed_at"], name="search_entry_latest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class SearchNote(models.Model):
    """An object whose row was written since search last read it. Written by the database, any number of times."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=60)
    object_id = models.UUIDField()
    noted_at = models.DateTimeField(db_default=Now())

    tenant_table = True

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class SearchWord(models.Model):
    """A word that occurs in the index: what a beginning may mean, or a word that is mistyped."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    word = models.CharField(max_length=60, db_collation="C")

    tenant_table = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "word"], name="search_word_once")]

    def __str__(self) -> str:
        return self.word
