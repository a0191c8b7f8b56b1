"""The faces of what releases are held to and what is said about them."""

from __future__ import annotations

from releasetrain.interface.resources import Filter, Resource, register
from trains.models import (
    CommitmentChange,
    ContentBrief,
    DataMigration,
    MigrationStep,
    PackagingLimit,
    PublicLog,
    ReadinessAnswer,
    ReleaseNote,
    RollbackCriterion,
    ScopeChange,
    Walkthrough,
    WalkthroughAttendee,
    WalkthroughQuestion,
)
from trains.pages.briefs import brief_page, notes_page
from trains.pages.public_log import address_of

register(
    Resource(
        ContentBrief,
        plural="content-briefs",
        section="releases",
        icon="file",
        columns=("title", "release", "number", "author", "written_at", "generated"),
        filters=("release", "generated"),
        search=("title", "functionality", "impact"),
        order=("-written_at", "-id"),
        hidden=("content_digest",),
        template="trains/brief.html",
        context=brief_page,
    )
)
register(
    Resource(
        ReleaseNote,
        plural="release-notes",
        section="releases",
        icon="file",
        columns=("release", "state", "published_at"),
        filters=("release", "state"),
        search=("summary", "resolved", "public_resolved", "limitations"),
        order=("-created_at", "id"),
        template="trains/notes.html",
        context=notes_page,
    )
)
register(
    Resource(
        PublicLog,
        plural="public-logs",
        section="releases",
        columns=("product", "train", "slug", "opened_at", "closed_at"),
        filters=("train",),
        search=("product", "slug"),
        order=("product", "id"),
        template="trains/public_log_settings.html",
        context=address_of,
    )
)
register(
    Resource(
        Walkthrough,
        plural="walkthroughs",
        section="releases",
        icon="users",
        columns=("release", "audience", "starts_at", "state", "readiness", "facilitator"),
        filters=("release", "audience", "state", "readiness"),
        search=("place", "conclusion"),
        order=("-starts_at", "id"),
    )
)
register(
    Resource(
        WalkthroughAttendee,
        plural="walkthrough-attendees",
        section="releases",
        columns=("person", "name", "walkthrough", "attended"),
        filters=("walkthrough",),
        order=("created_at", "id"),
        select=("walkthrough__release",),
        part_of=lambda attendee: attendee.walkthrough,
    )
)
register(
    Resource(
        WalkthroughQuestion,
        plural="walkthrough-questions",
        section="releases",
        columns=("question", "asked_by", "walkthrough", "answered_at", "answered_by"),
        filters=(
            "walkthrough",
            Filter(
                "open",
                "Answered",
                lambda rows, value: rows.filter(answered_at__isnull=value == "no"),
                (("yes", "Yes"), ("no", "Not yet")),
            ),
        ),
        search=("question", "answer"),
        order=("created_at", "id"),
        select=("walkthrough__release",),
    )
)
register(
    Resource(
        CommitmentChange,
        plural="commitment-changes",
        section="releases",
        columns=(
            "contract",
            "customer",
            "release",
            "notice_days",
            "state",
            "legal_at",
            "account_at",
            "notified_on",
        ),
        filters=("release", "state"),
        search=("contract", "customer", "change"),
        order=("-created_at", "id"),
    )
)
register(
    Resource(
        RollbackCriterion,
        plural="rollback-criteria",
        section="releases",
        columns=("indicator", "rule", "release", "item", "success", "window_minutes", "retired_at"),
        filters=("release", "item"),
        search=("indicator", "success"),
        order=("created_at", "id"),
    )
)
register(
    Resource(
        PackagingLimit,
        plural="packaging-limits",
        section="releases",
        columns=("classification", "at_most", "train", "criticality", "risk", "reason", "retired_at"),
        filters=("train", "classification", "criticality", "risk"),
        order=("classification", "criticality", "risk", "id"),
    )
)
register(
    Resource(
        ScopeChange,
        plural="scope-changes",
        section="releases",
        columns=("item", "act", "release", "at", "by", "after_baseline", "authority", "cause"),
        filters=("release", "act", "after_baseline", "release__train"),
        search=("cause", "by", "authority", "item__title", "item__source_key"),
        order=("-at", "-id"),
    )
)
register(
    Resource(
        ReadinessAnswer,
        plural="readiness-answers",
        section="releases",
        columns=("question", "release", "topic", "weight", "mandatory", "answer", "owner", "due_on"),
        filters=("release", "topic", "answer", "mandatory"),
        search=("question", "evidence"),
        order=("due_on", "created_at", "id"),
    )
)
register(
    Resource(
        DataMigration,
        plural="data-migrations",
        section="releases",
        icon="refresh",
        columns=(
            "key",
            "title",
            "kind",
            "source_system",
            "target_system",
            "state",
            "cutover_starts",
            "release",
        ),
        filters=("train", "release", "state", "kind"),
        search=("key", "title", "source_system", "target_system"),
        order=("-cutover_starts", "key"),
    )
)
register(
    Resource(
        MigrationStep,
        plural="migration-steps",
        section="releases",
        columns=(
            "position",
            "title",
            "kind",
            "migration",
            "state",
            "minutes",
            "waits_for_service",
            "point_of_no_return",
            "result",
        ),
        filters=("migration", "state", "kind"),
        search=("title", "verification_query"),
        order=("migration", "position"),
    )
)
