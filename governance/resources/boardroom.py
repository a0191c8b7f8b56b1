"""Change models, the approval policy and its decisions, and what happens around votes, as lists, pages and endpoints."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from governance.models import (
    ApprovalPolicy,
    ChangeModel,
    ChangeSignature,
    MeetingAction,
    PolicyDecision,
    Recusal,
    Reminder,
)
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now


def model_context(request: Any, model: ChangeModel) -> dict[str, Any]:
    from governance.pages.policies import model_page

    return model_page(request, model)


def policy_context(request: Any, policy: ApprovalPolicy) -> dict[str, Any]:
    from governance.pages.policies import policy_page

    return policy_page(request, policy)


def policies_context(request: Any) -> dict[str, Any]:
    from governance.pages.policies import publishing

    return {"publish": publishing(request)}


def _own(actor: Actor) -> QuerySet[Reminder]:
    return Reminder.objects.filter(user_id=actor.user_id)


register(
    Resource(
        ChangeModel,
        plural="change-models",
        section="change_models",
        icon="list",
        columns=("key", "name", "type", "service", "state", "standing"),
        filters=("state", "type", "service"),
        search=("key", "name"),
        order=("name",),
        hidden=("proposal",),
        template="governance/change_model.html",
        context=model_context,
    )
)
register(
    Resource(
        ApprovalPolicy,
        plural="approval-policies",
        section="approval_policies",
        icon="filter",
        columns=("number", "note", "published_by", "created_at"),
        order=("-number",),
        hidden=("questions", "rules", "bands"),
        template="governance/approval_policy.html",
        context=policy_context,
        list_template="governance/approval_policies.html",
        list_context=policies_context,
    )
)
register(
    Resource(
        PolicyDecision,
        plural="policy-decisions",
        section="changes",
        icon="gavel",
        columns=("change", "revision", "outcome", "rule", "sampled", "review", "created_at"),
        filters=(
            "outcome",
            "review",
            Filter(
                "look",
                "Sampled",
                lambda rows, value: (
                    rows.filter(sampled=True, review="") if value == "open" else rows.filter(sampled=True)
                ),
                (("open", "To be looked at"), ("all", "All sampled")),
            ),
        ),
        search=("change__key", "rule"),
        order=("-created_at",),
        select=("change",),
    )
)
register(
    Resource(
        Recusal,
        plural="recusals",
        section="changes",
        columns=("change", "user", "reason", "declared_by", "created_at"),
        order=("-created_at",),
    )
)
register(
    Resource(
        ChangeSignature,
        plural="change-signatures",
        section="changes",
        columns=("change", "revision", "user", "agrees", "created_at"),
        order=("-created_at",),
    )
)
register(
    Resource(
        MeetingAction,
        plural="meeting-actions",
        section="changes",
        columns=("title", "owner", "due_on", "done_at", "meeting", "change"),
        filters=(
            Filter(
                "open",
                "State",
                lambda rows, value: rows.filter(done_at__isnull=value == "yes"),
                (("yes", "Open"), ("no", "Done")),
            ),
        ),
        search=("title",),
        order=("due_on",),
        select=("meeting__board",),
    )
)
register(
    Resource(
        Reminder,
        plural="reminders",
        section="changes",
        columns=("sentence", "kind", "due_at", "change", "settled_at"),
        filters=(
            "kind",
            Filter(
                "due",
                "Due",
                lambda rows, value: (
                    rows.filter(settled_at__isnull=True, due_at__lte=now())
                    if value == "late"
                    else rows.filter(settled_at__isnull=True)
                ),
                (("late", "Overdue"), ("open", "Open")),
            ),
        ),
        order=("-due_at",),
        rows=_own,
        select=("meeting__board",),
    )
)
navigation.register(
    navigation.Place(
        "change_models", "Change models", "list", "change-models/", 131, "Release", "Templates of changes"
    )
)
navigation.register(
    navigation.Place(
        "approval_policies",
        "Approval policy",
        "filter",
        "approval-policies/",
        132,
        "Release",
        "Who must approve what",
    )
)
