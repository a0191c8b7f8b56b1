"""The faces of verdicts told to forges: connections with their health, and what each commit shows."""

from __future__ import annotations

from releasetrain.exchange.models import ForgeConnection, ForgeStatus
from releasetrain.exchange.pages.forges import connection_page, status_page
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        ForgeConnection,
        plural="forge-connections",
        section="integrations",
        icon="out",
        columns=("name", "form", "host", "context", "failing_since", "disabled_at"),
        filters=("form",),
        search=("name", "host"),
        order=("name",),
        facts=(
            "form",
            "url",
            "host",
            "app",
            "installation",
            "context",
            "listed_only",
            "since",
            "failing_since",
            "disabled_at",
            "disabled_reason",
        ),
        hidden=("sealed_credential",),
        template="exchange/forge_connection.html",
        context=connection_page,
        description="Forges that show the verdicts of gates at commits.",
    )
)
register(
    Resource(
        ForgeStatus,
        plural="forge-statuses",
        section="integrations",
        icon="gate",
        columns=("context", "repository", "commit", "says", "state", "attempts", "posted_at", "connection"),
        filters=("connection", "state", "says", "gate"),
        search=("repository", "commit", "context"),
        order=("-created_at", "-id"),
        facts=(
            "connection",
            "gate",
            "evaluation",
            "repository",
            "commit",
            "context",
            "says",
            "description",
            "state",
            "attempts",
            "due_at",
            "posted",
            "posted_at",
        ),
        hidden=("lease", "claimed_until", "answers", "revision"),
        template="exchange/forge_status.html",
        context=status_page,
        description="What each commit shows of each gate, and whether the forge has it.",
    )
)
