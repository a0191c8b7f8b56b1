"""GitLab webhooks: deployments mean something here; all others are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .facts import DeploymentSaid, Fact, Message, inner, link, moment, obj, text

_STATUS = {"running": "running", "success": "succeeded", "failed": "failed", "canceled": "cancelled"}
# The same through every attempt at delivery, best first.
_ID_HEADERS = ("idempotency-key", "webhook-id", "x-gitlab-event-uuid")


def split(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """The one event of a delivery."""
    body = obj(load(raw))
    kind = text(body.get("object_kind") or body.get("event_name"), 60)
    word = text(body.get("status") or inner(body, "object_attributes", "action") or body.get("action"), 60)
    given = next((headers[name] for name in _ID_HEADERS if headers.get(name)), "")
    return [
        Message(
            id=text(given),
            type=f"{kind}.{word}" if word else kind,
            body=body,
            text=raw.decode(),
            at=moment(body.get("status_changed_at") or inner(body, "object_attributes", "updated_at")),
            origin=text(inner(body, "project", "path_with_namespace")),
        )
    ]


def facts(message: Message) -> list[Fact]:
    body = message.body
    state = _STATUS.get(text(body.get("status")))
    if body.get("object_kind") != "deployment" or state is None:
        return []
    at = moment(body.get("status_changed_at"))
    address = text(body.get("commit_url"), 500)
    commit = (
        address.rpartition("/-/commit/")[2] if "/-/commit/" in address else text(body.get("short_sha"), 64)
    )
    return [
        DeploymentSaid(
            service=text(inner(body, "project", "path_with_namespace")),
            environment=text(body.get("environment")),
            status=state,
            external_id=f"{text(inner(body, 'project', 'id'))}:{text(body.get('deployment_id'))}",
            started_at=at,
            finished_at=at if state != "running" else None,
            version=_version(text(body.get("ref"), 120)),
            commit=commit[:64],
            by=text(inner(body, "user", "name")),
            url=link(body.get("deployable_url")),
        )
    ]


def _version(ref: str) -> str:
    """A ref that looks like a version is one; the name of a branch is not."""
    return ref if ref.lstrip("v")[:1].isdecimal() else ""
