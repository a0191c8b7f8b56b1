"""The faces of planning events, confidence rounds, risks, impediments, plan changes and agile health."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from planning.models import (
    Assessment,
    AssessmentScore,
    Ceremony,
    CeremonyAction,
    ConfidenceBallot,
    ConfidenceRound,
    ConfidenceTurnout,
    EventAttendee,
    EventRoom,
    EventSlot,
    Impediment,
    Interruption,
    ParkingItem,
    PlanChange,
    PlanChangeItem,
    PlanningEvent,
    Risk,
    RiskLink,
    Threat,
    ThreatControl,
    ThreatSession,
)
from planning.pages.events import event_page
from planning.pages.impediments import impediment_page
from planning.pages.plan_changes import plan_change_page
from planning.pages.risks import risk_page, session_page
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register


def _open(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(state__in=("raised", "working")) if value == "open" else rows


def _live(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.exclude(roam="resolved") if value == "open" else rows


def _level(field: str) -> Filter:
    """A filter for 1 to 5: the cells of the heat map open with two of them."""
    return Filter(
        field,
        field.capitalize(),
        lambda rows, value: rows.filter(**{field: int(value)}) if value.isdigit() else rows,
        tuple((str(n), str(n)) for n in range(1, 6)),
    )


register(
    Resource(
        PlanningEvent,
        plural="planning-events",
        section="board",
        icon="users",
        columns=("key", "title", "pi", "state", "time_zone", "place"),
        filters=("pi", "state"),
        search=("key", "title", "place"),
        select=("pi__train",),
        hidden=("code",),
        template="planning/event.html",
        context=event_page,
        description="Set one up: its agenda comes from a template.",
    )
)
register(
    Resource(
        EventSlot,
        plural="agenda-slots",
        section="board",
        columns=("starts_at", "title", "kind", "minutes", "room", "state", "event"),
        filters=("event", "kind", "state"),
        order=("starts_at",),
        select=("event__pi",),
        part_of=lambda slot: slot.event,
    )
)
register(
    Resource(
        EventRoom,
        plural="event-rooms",
        section="board",
        columns=("name", "team", "place", "link", "event"),
        filters=("event",),
        select=("event__pi",),
        part_of=lambda room: room.event,
    )
)
register(
    Resource(
        EventAttendee,
        plural="event-attendees",
        section="board",
        columns=("user", "team", "presence", "joined_at", "left_at", "event"),
        filters=("event", "presence", "team"),
        select=("event__pi",),
        part_of=lambda attendee: attendee.event,
    )
)
register(
    Resource(
        ParkingItem,
        plural="parking-lot",
        section="board",
        columns=("text", "raised_by", "state", "outcome", "event"),
        filters=("event", "state"),
        search=("text", "outcome"),
        select=("event__pi",),
        part_of=lambda item: item.event,
    )
)
register(
    Resource(
        ConfidenceRound,
        plural="confidence-rounds",
        section="board",
        columns=("pi", "number", "state", "anonymous", "quorum", "rework", "closed_at"),
        filters=("pi", "state"),
    )
)
register(
    Resource(
        ConfidenceTurnout,
        plural="confidence-turnout",
        section="board",
        columns=("round", "voter"),
        filters=("round",),
        select=("round__pi",),
    )
)
register(
    Resource(
        ConfidenceBallot,
        plural="confidence-ballots",
        section="board",
        columns=("round", "fingers", "comment"),
        filters=("round",),
        select=("round__pi",),
        order=("fingers", "id"),
    )
)
register(
    Resource(
        Risk,
        plural="risks",
        section="risks",
        icon="alert",
        columns=(
            "key",
            "title",
            "roam",
            "likelihood",
            "impact",
            "exposure",
            "residual",
            "owner",
            "due_on",
            "accepted_by",
            "accepted_until",
            "pi",
        ),
        filters=(
            Filter("show", "Show", _live, (("open", "Not resolved"), ("all", "All"))),
            "train",
            "pi",
            "roam",
            "owner",
            _level("likelihood"),
            _level("impact"),
        ),
        search=("key", "title", "description", "mitigation"),
        order=("-created_at",),
        computed=("exposure", "residual"),
        template="planning/risk.html",
        context=risk_page,
        description="Raise the first one, or find some in a threat-model session.",
    )
)
register(
    Resource(
        RiskLink,
        plural="risk-links",
        section="risks",
        columns=("risk", "feature", "release"),
        filters=("risk", "feature", "release"),
        part_of=lambda link: link.risk,
    )
)
register(
    Resource(
        ThreatSession,
        plural="threat-sessions",
        section="risks",
        columns=("key", "title", "held_on", "train", "feature", "release", "service", "closed_at"),
        filters=("train", "feature", "release", "service"),
        search=("key", "title"),
        template="planning/threat_session.html",
        context=session_page,
        description="Ask how somebody could do harm, before somebody does.",
    )
)
register(
    Resource(
        Threat,
        plural="threats",
        section="risks",
        columns=("title", "kind", "likelihood", "impact", "exposure", "session", "risk"),
        filters=("session", "kind"),
        search=("title",),
        computed=("exposure",),
        select=("session__train",),
        part_of=lambda threat: threat.session,
    )
)
register(
    Resource(
        ThreatControl,
        plural="threat-controls",
        section="risks",
        columns=("title", "threat", "feature", "in_place"),
        filters=("threat",),
        search=("title",),
        select=("threat__session",),
        part_of=lambda control: control.threat.session,
    )
)
register(
    Resource(
        Impediment,
        plural="impediments",
        section="impediments",
        icon="flag",
        columns=("key", "title", "team", "state", "raised_at", "owner", "resolved_at", "pi"),
        filters=(
            Filter("show", "Show", _open, (("open", "Open"), ("all", "All"))),
            "state",
            "team",
            "pi",
            "owner",
        ),
        search=("key", "title", "description"),
        template="planning/impediment.html",
        context=impediment_page,
        select=("team__train",),
        description="A team raises one when it cannot help itself.",
    )
)
register(
    Resource(
        Interruption,
        plural="interruptions",
        section="impediments",
        columns=("on", "team", "iteration", "hours", "cause", "what", "impediment", "feature", "logged_by"),
        filters=("team", "iteration", "cause", "impediment"),
        search=("what",),
        select=("team__train",),
    )
)
register(
    Resource(
        PlanChange,
        plural="plan-changes",
        section="board",
        icon="branch",
        columns=("key", "title", "pi", "cause", "cause_label", "state", "requested_by", "decided_by"),
        filters=("pi", "cause", "state"),
        search=("key", "title", "cause_label"),
        template="planning/plan_change.html",
        context=plan_change_page,
        select=("pi__train",),
        description="A committed plan changes by request: why, what comes, what leaves.",
    )
)
register(
    Resource(
        PlanChangeItem,
        plural="plan-change-items",
        section="board",
        columns=("change", "feature", "act", "team", "iteration", "from_label"),
        filters=("change", "act", "feature"),
        select=("change__pi",),
        part_of=lambda item: item.change,
    )
)
register(
    Resource(
        Ceremony,
        plural="ceremonies",
        section="health",
        icon="users",
        columns=("key", "kind", "team", "held_at", "facilitator", "present", "train"),
        filters=("train", "team", "kind", "facilitator"),
        search=("key", "notes"),
    )
)
register(
    Resource(
        CeremonyAction,
        plural="ceremony-actions",
        section="health",
        columns=("key", "title", "owner", "due_on", "state", "finished_on", "ceremony"),
        filters=("state", "owner", "ceremony"),
        search=("key", "title"),
        select=("ceremony__train",),
    )
)
register(
    Resource(
        Assessment,
        plural="assessments",
        section="health",
        columns=("team", "held_on", "facilitator", "note"),
        filters=("team",),
        select=("team__train",),
    )
)
register(
    Resource(
        AssessmentScore,
        plural="assessment-scores",
        section="health",
        columns=("assessment", "dimension", "score"),
        filters=("assessment", "dimension"),
        select=("assessment__team",),
        part_of=lambda score: score.assessment,
    )
)
navigation.register(
    navigation.Place("risks", "Risks", "alert", "risks/roam/", 112, "Plan", "Risks: the ROAM board")
)
navigation.register(navigation.Place("impediments", "Impediments", "flag", "impediments/open/", 113, "Plan"))
navigation.register(navigation.Place("health", "Agile health", "users", "ceremonies/health/", 114, "Learn"))
