"""The faces of escalation: policies with their ladder, escalations with their timeline, everybody's inbox."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from releasetrain.interface import navigation
from releasetrain.interface.links import url_for
from releasetrain.interface.resources import Filter, Resource, register
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Ref
from trains.models import Escalation, EscalationLevel, EscalationPolicy, EscalationStep, InboxEntry
from trains.queries import escalations as queries


def _shown(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.exclude(state=Escalation.State.RESOLVED) if value == "open" else rows


def _own(actor: Actor) -> QuerySet[InboxEntry]:
    return InboxEntry.objects.filter(user_id=actor.user_id)


def _unread(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(read_at__isnull=value == "unread")


def _timeline(request: Any, escalation: Escalation) -> dict[str, Any]:
    kind = escalation.subject_kind.partition(".")[0]
    ref = Ref(kind, str(escalation.subject_id), escalation.subject_label)
    return {
        "subject_url": url_for(ref),
        "kind_title": queries.title_of_kind(escalation.subject_kind),
        "steps": list(escalation.steps.select_related("by")),
        "levels": queries.levels_of(escalation.policy),
    }


def _ladder(request: Any, policy: EscalationPolicy) -> dict[str, Any]:
    return {
        "kind_title": queries.title_of_kind(policy.subject_kind),
        "levels": list(policy.levels.select_related("person").order_by("number")),
        "escalations": list(policy.escalations.exclude(state=Escalation.State.RESOLVED)[:50]),
    }


register(
    Resource(
        Escalation,
        plural="escalations",
        section="escalations",
        icon="alert",
        columns=("key", "subject_label", "state", "level", "since", "next_at", "train", "policy"),
        filters=(
            Filter("show", "Show", _shown, (("open", "Not resolved"), ("all", "All"))),
            "state",
            "train",
            "policy",
            "subject_kind",
        ),
        search=("key", "subject_label"),
        order=("-created_at",),
        template="trains/escalation.html",
        context=_timeline,
        description="Policies raise them by themselves when something waits too long.",
    )
)
register(
    Resource(
        EscalationPolicy,
        plural="escalation-policies",
        section="escalations",
        icon="alert",
        columns=("name", "subject_kind", "train", "retired_at"),
        filters=("subject_kind", "train"),
        search=("name",),
        template="trains/escalation_policy.html",
        context=_ladder,
        description="Say what must not wait for ever, and who is told when it does.",
    )
)
register(
    Resource(
        EscalationLevel,
        plural="escalation-levels",
        section="escalations",
        columns=("policy", "number", "after_minutes", "role", "person", "on_call", "channel"),
        filters=("policy", "role"),
        part_of=lambda level: level.policy,
    )
)
register(
    Resource(
        EscalationStep,
        plural="escalation-steps",
        section="escalations",
        columns=("escalation", "at", "act", "level", "by", "note"),
        filters=("escalation", "act"),
        order=("-at",),
        part_of=lambda step: step.escalation,
    )
)
register(
    Resource(
        InboxEntry,
        plural="inbox",
        section="notifications",
        icon="bell",
        columns=("title", "escalation", "told_at", "read_at"),
        filters=(Filter("show", "Show", _unread, (("unread", "Unread"), ("read", "Read"))),),
        search=("title",),
        order=("-told_at",),
        hidden=("user",),
        rows=_own,
        select=("escalation",),
        description="What is escalated to you arrives here.",
    )
)
navigation.register(navigation.Place("escalations", "Escalations", "alert", "escalations/", 115, "Plan"))
