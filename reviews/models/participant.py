"""Who takes part in a review: the shared owners, who must attend, who did, and who acknowledged what came of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from problems.models.vocabulary import known
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .review import Review


class Part(models.TextChoices):
    """For whom somebody sits in a review. The first three own it together."""

    RELEASE = "release", "Release manager"
    OPERATIONS = "operations", "Operations lead"
    PRODUCT = "product", "Product stakeholder"
    DEVELOPMENT = "development", "Development"
    QUALITY = "quality", "Quality"
    SECURITY = "security", "Security"
    OTHER = "other", "Other"


OWNING_PARTS = (Part.RELEASE, Part.OPERATIONS, Part.PRODUCT)


class Attendance(models.TextChoices):
    """Whether somebody has to be there."""

    REQUIRED = "required", "Required"
    OPTIONAL = "optional", "Optional"
    INFORMED = "informed", "Informed"


class ReviewParticipant(TenantModel):
    """Somebody who takes part in a review. One of the owners is accountable."""

    Part = Part
    Attendance = Attendance

    review = TenantForeignKey(Review, related_name="participants", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    part = models.CharField("speaks for", max_length=12, choices=Part.choices)
    attendance = models.CharField(max_length=10, choices=Attendance.choices, default=Attendance.REQUIRED)
    accountable = models.BooleanField(default=False)
    attended_at = models.DateTimeField("took part", null=True, blank=True)
    acknowledged_at = models.DateTimeField("acknowledged", null=True, blank=True)
    acknowledgement = models.TextField(blank=True, help_text="What follows for the next phase.")
    left_at = models.DateTimeField("left", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-accountable", "part", "created_at"]
        verbose_name = "review participant"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "review", "user"],
                condition=Q(left_at__isnull=True),
                name="review_participant_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "review"],
                condition=Q(accountable=True, left_at__isnull=True),
                name="review_accountable_once",
            ),
            known("part", "review_part_known", " ".join(Part.values)),
            known("attendance", "review_attendance_known", "required optional informed"),
            models.CheckConstraint(
                condition=Q(accountable=False) | Q(part__in=["release", "operations", "product"]),
                name="review_accountable_is_an_owner",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True) | ~Q(acknowledgement=""),
                name="review_acknowledged_in_words",
            ),
        ]
        indexes = [models.Index(fields=["organization", "review"], name="review_participant_of")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_part_display()})"

    def scope_path(self) -> list[ScopeKey]:
        return self.review.scope_path()
