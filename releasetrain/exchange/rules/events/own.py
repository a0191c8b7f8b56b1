"""Our own types of CloudEvents, for senders that nobody has written a reader for: a deployment or an incident in plain words."""

from __future__ import annotations

from .facts import DeploymentSaid, Fact, FlagSaid, IncidentSaid, Message, Unreadable, link, moment, obj, text

DEPLOYMENT, INCIDENT, FLAG = "releasetrain.deployment", "releasetrain.incident", "releasetrain.flag"


def facts(message: Message) -> list[Fact]:
    """Nothing for a type that is not ours: it is kept, and that is all."""
    if message.type == DEPLOYMENT:
        return [_deployment(message)]
    if message.type == INCIDENT:
        return [_incident(message)]
    if message.type == FLAG:
        return [_flag(message)]
    return []


def _deployment(message: Message) -> DeploymentSaid:
    data = obj(message.body, "data")
    status = text(data.get("status"), 20) or "succeeded"
    started = moment(data.get("started_at")) or message.at
    finished = moment(data.get("finished_at")) or (message.at if status != "running" else None)
    return DeploymentSaid(
        service=text(data.get("service")),
        environment=text(data.get("environment")),
        status=status,
        external_id=text(data.get("external_id")) or message.id[:200],
        started_at=started,
        finished_at=finished if status != "running" else None,
        version=text(data.get("version"), 120),
        commit=text(data.get("commit"), 64),
        digest=text(data.get("digest"), 71),
        release=text(data.get("release"), 40),
        kind=text(data.get("kind"), 20) or "deploy",
        by=text(data.get("deployed_by_name")),
        url=link(data.get("url")),
    )


def _incident(message: Message) -> IncidentSaid:
    data = obj(message.body, "data")
    detected = moment(data.get("detected_at")) or message.at
    if detected is None:
        raise Unreadable("data has no detected_at, and the event no time.")
    severity = data.get("severity", 3)
    return IncidentSaid(
        service=text(data.get("service")),
        title=text(data.get("title")) or message.id[:200],
        external_id=text(data.get("external_id")) or message.id[:200],
        detected_at=detected,
        severity=severity if severity in (1, 2, 3, 4) else 3,
        started_at=moment(data.get("started_at")),
        mitigated_at=moment(data.get("mitigated_at")),
        resolved_at=moment(data.get("resolved_at")),
        impact=text(data.get("impact"), 4000),
        fingerprint=text(data.get("fingerprint"), 100),
        url=link(data.get("url")),
    )


def _flag(message: Message) -> FlagSaid:
    data = obj(message.body, "data")
    at = moment(data.get("at")) or message.at
    enabled = data.get("enabled")
    if at is None or not isinstance(enabled, bool):
        raise Unreadable("data needs enabled, true or false, and the event a time.")
    return FlagSaid(
        flag=text(data.get("flag")),
        environment=text(data.get("environment")),
        enabled=enabled,
        at=at,
        by=text(data.get("by")),
        variant=text(data.get("variant")),
        project=text(data.get("project")),
    )
