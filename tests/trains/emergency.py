"""What lets an item into a frozen release: a critical defect of production, and an approved emergency change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

CRITERION = "error rate at most 0.2 % within 60 minutes"


def critical_defect(cast: Any, service: Any, severity: int = 1) -> dict[str, Any]:
    """An incident, as the source of an item."""
    from problems.actions.incidents import record_incident

    incident = record_incident(
        cast["service_account"], title="Payments are lost", service=service, severity=severity
    )
    return {"source_kind": "incident", "source_id": incident.pk, "source_key": incident.key}


def emergency_change(cast: Any, service: Any, *, approved: bool = True, **said: Any) -> str:
    """The key of an emergency change about a service."""
    from governance.actions import boards, changes
    from governance.models import Board, ChangeRequest, Vote
    from releasetrain.kernel.clock import now

    board = Board.objects.filter(name="Emergency board").first()
    if board is None:
        board = boards.create_board(
            cast["change_manager"], name="Emergency board", quorum=1, kind=Board.Kind.ECAB
        )
        boards.add_member(cast["change_manager"], board, email=cast.user("cab_member").email)
    change = changes.create_change(
        cast["release_manager"],
        **{
            "title": "Stop the loss of payments",
            "board": board,
            "service": service,
            "type": ChangeRequest.Type.EMERGENCY,
            "window_starts": now(),
            "window_ends": now() + timedelta(hours=3),
            "implementation_plan": "Deploy.",
            "test_plan": "Smoke test.",
            "backout_plan": "Deploy the version before.",
            **said,
        },
    )
    if approved:
        change = changes.submit(cast["release_manager"], change)
        changes.vote(cast["cab_member"], change, choice=Vote.Choice.APPROVE, rationale="It cannot wait.")
    return str(change.key)


def way_in(cast: Any, service: Any) -> dict[str, Any]:
    """Everything that an item needs to enter a frozen release of the service's train."""
    return {
        **critical_defect(cast, service),
        "cause": "Payments are lost in production",
        "emergency_change": emergency_change(cast, service),
    }
