"""Deployments told by tools that run them: the Jenkins notification plugin and Argo CD notifications."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .facts import DeploymentSaid, Fact, Message, Unreadable, inner, link, moment, obj, text

_JENKINS = {
    "SUCCESS": "succeeded",
    "UNSTABLE": "succeeded",
    "FAILURE": "failed",
    "ABORTED": "cancelled",
    "NOT_BUILT": "cancelled",
}
# Parameters of a job that say where it deploys to.
_PLACES = ("ENVIRONMENT", "DEPLOY_ENV", "TARGET_ENV", "STAGE")
_ARGO = {"Succeeded": "succeeded", "Failed": "failed", "Error": "failed", "Running": "running"}


def split_jenkins(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """One phase of one build."""
    body = obj(load(raw))
    build = obj(body.get("build"), "build")
    name, number, phase = text(body.get("name")), text(build.get("number")), text(build.get("phase"), 20)
    if not name or not number:
        raise Unreadable("The body has no name of a job or no build.number.")
    return [
        Message(
            id=f"{text(body.get('url')) or name}#{number}:{phase}:{text(build.get('status'), 20)}",
            type=f"build.{phase.lower() or 'unknown'}",
            body=body,
            text=raw.decode(),
            at=moment(build.get("timestamp")),
            origin=name,
            thread=f"{name}#{number}"[:100],
        )
    ]


def jenkins(message: Message) -> list[Fact]:
    """A build with a parameter that names an environment is a deployment; any other is only kept."""
    build = message.body["build"]
    parameters = {str(k).upper(): text(v) for k, v in (inner(build, "parameters") or {}).items()}
    place = next((parameters[name] for name in _PLACES if parameters.get(name)), "")
    phase, began = text(build.get("phase")), moment(build.get("timestamp"))
    state = _JENKINS.get(text(build.get("status"))) if phase in ("COMPLETED", "FINALIZED") else None
    if phase == "STARTED":
        state = "running"
    if not place or state is None or began is None:
        return []
    length = build.get("duration")
    took = timedelta(milliseconds=length) if isinstance(length, int | float) and length > 0 else timedelta()
    scm = inner(build, "scm") or {}
    return [
        DeploymentSaid(
            service=parameters.get("SERVICE") or text(message.body.get("name")),
            environment=place,
            status=state,
            external_id=message.thread,
            started_at=began,
            finished_at=began + took if state != "running" else None,
            version=parameters.get("VERSION", "")[:120],
            commit=text(scm.get("commit"), 64),
            digest=parameters.get("DIGEST", "")[:71],
            release=parameters.get("RELEASE", "")[:40],
            url=link(build.get("full_url")),
        )
    ]


def split_argocd(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """An application, bare or under `app`, as the webhook template {"app": {{toJson .app}}} sends it."""
    body = obj(load(raw))
    app = obj(body.get("app", body), "app")
    name = text(inner(app, "metadata", "name"))
    if not name:
        raise Unreadable("The application has no metadata.name.")
    operation = inner(app, "status", "operationState") or {}
    phase = text(operation.get("phase"), 20) or text(inner(app, "status", "sync", "status"), 20)
    return [
        Message(
            id="",
            type=f"application.{phase.lower() or 'changed'}",
            body=app,
            text=raw.decode(),
            at=moment(operation.get("finishedAt") or operation.get("startedAt")),
            origin=name,
            thread=text(operation.get("startedAt"), 100),
        )
    ]


def argocd(message: Message) -> list[Fact]:
    """A sync is a deployment to the application's destination."""
    app = message.body
    operation = inner(app, "status", "operationState")
    state = _ARGO.get(text(inner(operation, "phase")))
    began = moment(inner(operation, "startedAt"))
    if state is None or began is None:
        return []
    name = text(inner(app, "metadata", "name"))
    labels = inner(app, "metadata", "labels") or {}
    place = (
        text(labels.get("environment"))
        or text(inner(app, "spec", "destination", "namespace"))
        or text(inner(app, "spec", "destination", "name"))
    )
    image = text((inner(app, "status", "summary", "images") or [""])[0], 500)
    return [
        DeploymentSaid(
            service=text(labels.get("service")) or name,
            environment=place,
            status=state,
            external_id=f"{name}@{began.isoformat()}",
            started_at=began,
            finished_at=moment(inner(operation, "finishedAt")) or began if state != "running" else None,
            version=image.rpartition(":")[2][:120] if ":" in image and "@" not in image else "",
            commit=text(
                inner(operation, "syncResult", "revision") or inner(app, "status", "sync", "revision"), 64
            ),
            digest=image.rpartition("@")[2] if "@sha256:" in image else "",
            release=text(labels.get("release"), 40),
            by=text(inner(operation, "operation", "initiatedBy", "username")),
        )
    ]
