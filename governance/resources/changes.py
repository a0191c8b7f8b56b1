"""Changes, boards and meetings as lists, pages and endpoints."""

from __future__ import annotations

from typing import Any

from governance.models import (
    AgendaItem,
    Board,
    BoardMember,
    ChangeContributor,
    ChangeDeployment,
    ChangeRequest,
    Condition,
    Meeting,
    Vote,
)
from releasetrain.interface.resources import Resource, register


def change_context(request: Any, change: ChangeRequest) -> dict[str, Any]:
    from governance.pages.cab import decision_context
    from governance.pages.duties import duties_panel

    return {**decision_context(request, change), "duties": duties_panel(request, change)}


register(
    Resource(
        ChangeRequest,
        plural="changes",
        section="changes",
        icon="gavel",
        columns=("key", "title", "type", "risk", "state", "approved_by", "release", "window_starts"),
        filters=("state", "type", "risk", "board", "approved_by", "model", "service"),
        search=("key", "title"),
        order=("-created_at",),
        hidden=("content", "assessment", "collisions"),
        select=("release__train",),
        template="governance/change.html",
        context=change_context,
    )
)
register(
    Resource(
        Board,
        plural="boards",
        section="changes",
        icon="gavel",
        columns=("name", "kind", "quorum", "rule", "vote_hours", "escalates_to"),
        filters=("kind",),
        search=("name",),
        order=("name",),
    )
)
register(
    Resource(
        BoardMember,
        plural="board-members",
        section="changes",
        icon="user",
        columns=("board", "user", "represents", "deputy_of", "starts_at", "ends_at", "removed_at"),
        filters=("board",),
        search=("user__name",),
        order=("board__name", "user__name"),
    )
)
register(
    Resource(
        Meeting,
        plural="meetings",
        section="changes",
        icon="cal",
        columns=("board", "starts_at", "state", "joint", "chair"),
        filters=("board", "state"),
        order=("-starts_at",),
        select=("current__change",),
    )
)
register(
    Resource(
        Vote,
        plural="votes",
        section="changes",
        columns=("change", "voter", "choice", "revision", "cast_at"),
        filters=("choice",),
        order=("-cast_at",),
    )
)
register(
    Resource(
        Condition,
        plural="conditions",
        section="changes",
        columns=("change", "text", "met_at", "met_by"),
        order=("-created_at",),
        search=("text",),
    )
)
register(
    Resource(
        AgendaItem,
        plural="agenda-items",
        section="changes",
        columns=("meeting", "position", "change", "minutes", "decision"),
        order=("meeting", "position"),
        select=("meeting__board",),
    )
)
register(
    Resource(
        ChangeContributor,
        plural="change-contributors",
        section="changes",
        columns=("change", "user", "act"),
        filters=("act",),
        order=("-created_at",),
    )
)
register(
    Resource(
        ChangeDeployment,
        plural="deployment-authorisations",
        section="changes",
        columns=("deployment", "change", "authorised", "reason"),
        filters=("authorised",),
        order=("-created_at",),
        select=("deployment__service", "deployment__environment"),
    )
)
