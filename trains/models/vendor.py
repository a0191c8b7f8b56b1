"""Vendors and SaaS providers: who to call, what was agreed, what they announced, which services need them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .service import Service


class Vendor(TenantModel):
    """An external vendor or SaaS provider that services depend on."""

    class Kind(models.TextChoices):
        VENDOR = "vendor", "Vendor"
        SAAS = "saas", "SaaS provider"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.VENDOR)
    time_zone = models.CharField(max_length=64, default="UTC")
    description = models.TextField(blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="vendor_name_once"),
            models.CheckConstraint(condition=Q(kind__in=["vendor", "saas"]), name="vendor_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


class VendorContact(TenantModel):
    """Somebody at the vendor."""

    vendor = TenantForeignKey(Vendor, related_name="contacts")
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(email="") | ~Q(phone=""), name="vendor_contact_reachable")
        ]

    def __str__(self) -> str:
        return self.name


class VendorContract(TenantModel):
    """What was agreed with the vendor: it runs from `starts` up to, not including, `ends`."""

    vendor = TenantForeignKey(Vendor, related_name="contracts")
    reference = models.CharField(max_length=120)
    starts = models.DateField()
    ends = models.DateField(null=True, blank=True)
    notice_days = models.PositiveSmallIntegerField("days of notice before updates", default=0)
    terms = models.TextField(blank=True)
    history = tracked()

    class Meta:
        ordering = ["-starts", "reference"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "vendor", "reference"], name="vendor_contract_once"
            ),
            models.CheckConstraint(
                condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")),
                name="vendor_contract_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class VendorNotice(TenantModel):
    """What the vendor announced; with a window it stands on the calendar and in conflicts."""

    class Kind(models.TextChoices):
        MAINTENANCE = "maintenance", "Maintenance"
        UPDATE = "update", "Update"
        BREAKING = "breaking", "Breaking change"
        END_OF_LIFE = "end_of_life", "End of life"

    vendor = TenantForeignKey(Vendor, related_name="notices")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    starts = models.DateTimeField(null=True, blank=True)
    ends = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts__isnull=True, ends__isnull=True)
                | Q(starts__isnull=False, ends__isnull=False, ends__gt=F("starts")),
                name="vendor_notice_window_whole",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["maintenance", "update", "breaking", "end_of_life"]),
                name="vendor_notice_kind_known",
            ),
        ]
        indexes = [models.Index(fields=["organization", "starts"], name="vendor_notice_by_start")]

    def __str__(self) -> str:
        return self.title


class VendorService(TenantModel):
    """A service that does not work while the vendor does not."""

    vendor = TenantForeignKey(Vendor, related_name="services")
    service = TenantForeignKey(Service, related_name="vendors")
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["service__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "vendor", "service"],
                condition=Q(removed_at__isnull=True),
                name="vendor_service_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} needs {self.vendor}"
