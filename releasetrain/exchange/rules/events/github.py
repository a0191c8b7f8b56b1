"""GitHub webhooks: deployments and their statuses mean something here; all others are kept with their key facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .facts import DeploymentSaid, Fact, Message, inner, link, moment, obj, text

# "inactive" only says that a later deployment took its place; the two that wait have not begun.
_STATUS = {
    "in_progress": "running",
    "success": "succeeded",
    "failure": "failed",
    "error": "failed",
}


def split(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """The one event of a delivery."""
    body = obj(load(raw))
    event, act = headers.get("x-github-event", ""), text(body.get("action"), 60)
    return [
        Message(
            id=text(headers.get("x-github-delivery", "")),
            type=f"{event}.{act}" if act else event,
            body=body,
            text=raw.decode(),
            at=moment(
                inner(body, "deployment_status", "updated_at") or inner(body, "deployment", "created_at")
            ),
            origin=text(inner(body, "repository", "full_name")),
        )
    ]


def facts(message: Message) -> list[Fact]:
    event = message.type.partition(".")[0]
    if event not in ("deployment", "deployment_status"):
        return []
    body, status = message.body, inner(message.body, "deployment_status") or {}
    deployment = obj(body.get("deployment"), "deployment")
    word = text(status.get("state")) if event == "deployment_status" else "in_progress"
    state = _STATUS.get(word)
    if state is None:
        return []
    ended = state != "running"
    payload = deployment.get("payload")
    said = payload if isinstance(payload, dict) else {}
    return [
        DeploymentSaid(
            service=text(inner(body, "repository", "full_name")),
            environment=text(status.get("environment") or deployment.get("environment")),
            status=state,
            external_id=text(deployment.get("id")),
            started_at=moment(deployment.get("created_at")),
            finished_at=moment(status.get("updated_at") or status.get("created_at")) if ended else None,
            version=text(said.get("version"), 120) or _tag(text(deployment.get("ref"), 120)),
            commit=text(deployment.get("sha"), 64),
            digest=text(said.get("digest"), 71),
            release=text(said.get("release"), 40),
            kind="rollback" if text(deployment.get("task")).startswith("rollback") else "deploy",
            by=text(inner(deployment, "creator", "login")),
            url=link(status.get("log_url") or status.get("target_url")),
        )
    ]


def _tag(ref: str) -> str:
    """A ref that looks like a version is one; the name of a branch is not."""
    return (
        ref.removeprefix("refs/tags/") if ref.removeprefix("refs/tags/").lstrip("v")[:1].isdecimal() else ""
    )


def key_facts(message: Message) -> dict[str, Any]:
    """What people look for in a delivery: by whom, where, about what."""
    event, body = message.type.partition(".")[0], message.body
    found: dict[str, Any] = {
        "event": event,
        "action": body.get("action"),
        "repository": inner(body, "repository", "full_name"),
        "sender": inner(body, "sender", "login"),
    }
    said = {name: inner(body, *path) for name, path in _KEY_FACTS.items()}
    return found | {name: value for name, value in said.items() if value is not None}


_KEY_FACTS: dict[str, tuple[str, ...]] = {
    "pr_number": ("pull_request", "number"),
    "pr_merged": ("pull_request", "merged"),
    "pr_merge_sha": ("pull_request", "merge_commit_sha"),
    "deployment_id": ("deployment", "id"),
    "deployment_sha": ("deployment", "sha"),
    "environment": ("deployment", "environment"),
    "workflow_run_id": ("workflow_run", "id"),
    "workflow_head_sha": ("workflow_run", "head_sha"),
    "workflow_conclusion": ("workflow_run", "conclusion"),
    "check_run_conclusion": ("check_run", "conclusion"),
    "check_run_head_sha": ("check_run", "head_sha"),
    "release_tag": ("release", "tag_name"),
    "release_draft": ("release", "draft"),
    "release_prerelease": ("release", "prerelease"),
}
