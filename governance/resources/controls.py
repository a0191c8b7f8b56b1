"""Control catalogues, controls, what they rest on, and their assessments as lists, pages and endpoints."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from governance.models import Control, ControlAssessment, ControlCatalogue, ControlMapping
from governance.pages.controls import assessment_context, control_context
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register
from releasetrain.kernel.clock import now


def _mapped(rows: QuerySet, value: str) -> QuerySet:
    mapped = Exists(ControlMapping.objects.filter(control=OuterRef("pk"), retired_at__isnull=True))
    return rows.filter(mapped if value == "yes" else ~mapped)


def _overdue(rows: QuerySet, value: str) -> QuerySet:
    late = {"state__in": ["scheduled", "sampled"], "scheduled_for__lt": now().date()}
    return rows.filter(**late) if value == "yes" else rows.exclude(**late)


navigation.register(
    navigation.Place(
        "controls", "Controls", "check", "control-coverage/", 121, "Assure", "Controls: what they rest on"
    )
)

YES_NO = (("yes", "Yes"), ("no", "No"))

register(
    Resource(
        ControlCatalogue,
        plural="control-catalogues",
        section="controls",
        icon="vault",
        columns=("title", "version", "code", "jurisdiction", "imported_at", "retired_at"),
        search=("title", "code"),
        order=("title", "version"),
        description="Editions of control frameworks, as imported.",
    )
)
register(
    Resource(
        Control,
        plural="controls",
        section="controls",
        icon="check",
        columns=("code", "title", "catalogue", "group", "owner", "applicable"),
        filters=(
            "catalogue",
            "group",
            "applicable",
            "withdrawn",
            "owner",
            Filter("mapped", "Rests on something", _mapped, YES_NO),
        ),
        search=("code", "identifier", "title", "statement"),
        order=("catalogue__title", "position", "id"),
        select=("catalogue",),
        template="governance/controls/control.html",
        context=control_context,
    )
)
register(
    Resource(
        ControlMapping,
        plural="control-mappings",
        section="controls",
        icon="tag",
        columns=("control", "kind", "target", "rationale", "source", "retired_at"),
        filters=("kind", "control"),
        search=("target", "rationale", "control__code"),
        order=("control__position", "kind", "target"),
        select=("control",),
    )
)
register(
    Resource(
        ControlAssessment,
        plural="control-assessments",
        section="controls",
        icon="review",
        columns=("key", "control", "starts", "ends", "scheduled_for", "assessor", "state", "conclusion"),
        filters=(
            "state",
            "conclusion",
            "assessor",
            "control",
            Filter("overdue", "Overdue", _overdue, YES_NO),
        ),
        search=("key", "control__code", "control__title", "statement"),
        order=("scheduled_for", "key"),
        select=("control",),
        hidden=("operators",),
        template="governance/controls/assessment.html",
        context=assessment_context,
    )
)
