"""The outside world in the demo: senders with events, some of them dead letters, an endpoint, and what people were told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from governance.models import Evaluation
from releasetrain.accounts.catalogue import Role
from releasetrain.audit.models import ConsumerCursor, LedgerEntry
from releasetrain.audit.sealing import horizon
from releasetrain.exchange.acting import Places, act
from releasetrain.exchange.actions import events, forges, notifications, webhooks
from releasetrain.exchange.intake import take
from releasetrain.exchange.models import EventSource, InboundEvent, MailState, Notification, WebhookEndpoint
from releasetrain.exchange.posting import note
from releasetrain.interface import notices
from releasetrain.kernel.clock import now
from trains.models import Environment, Release, Service

_TOLD = ("change.submit", "release.freeze", "release.mark_approved", "problem.reopen")


def build_integrations(bank: Any) -> None:
    """Three senders, what they sent, and who was told of what."""
    owner = bank.cast.one(Role.OWNER)
    service, other = Service.objects.order_by("tier", "name")[:2]
    staging = Environment.objects.exclude(kind=Environment.Kind.PRODUCTION).order_by("-rank").first()
    github = _connect(
        owner, "GitHub of the payments train", "github", services={f"northwind/{service.name}": service.name}
    )
    pager = _connect(owner, "PagerDuty", "pagerduty", service=service)
    alerts = _connect(owner, "Alertmanager of production", "alertmanager")
    if staging is not None:
        for number, state in ((1, "success"), (2, "failure"), (3, "success")):
            _deployment(github, service.name, staging.name, number, state)
        _deployment(github, "northwind-playground", staging.name, 4, "success")
    _ping(github)
    _page(pager, other)
    _alert(alerts, other)
    places = Places()
    for event in (
        InboundEvent.objects.filter(state="received").select_related("source__service").order_by("id")
    ):
        act(event, places)
    _endpoint(owner)
    _forge(owner, service)
    _tell(bank)


def _connect(owner: Any, name: str, kind: str, **names: Any) -> EventSource:
    made = events.connect(owner, name=name, kind=kind, **names)
    return EventSource.objects.get(pk=made["id"])


def _send(source: EventSource, body: dict[str, Any], **headers: str) -> None:
    take(source, {"content-type": "application/json", **headers}, orjson.dumps(body))


def _deployment(source: EventSource, repository: str, environment: str, number: int, state: str) -> None:
    began = now() - timedelta(hours=30 - 7 * number)
    body = {
        "action": "created",
        "repository": {"full_name": f"northwind/{repository}"},
        "sender": {"login": "northwind-deployer"},
        "deployment": {
            "id": 900_100 + number,
            "sha": f"{number}f95f852bd8fca8fcc58a9a2d6c842781e32a21"[:40],
            "ref": f"v2026.11.{number}",
            "environment": environment,
            "created_at": began.isoformat(),
            "creator": {"login": "northwind-deployer"},
        },
        "deployment_status": {"state": state, "updated_at": (began + timedelta(minutes=6)).isoformat()},
    }
    _send(source, body, **{"x-github-event": "deployment_status", "x-github-delivery": f"demo-{number}"})


def _ping(source: EventSource) -> None:
    body = {"zen": "Keep it logically awesome.", "sender": {"login": "northwind-deployer"}}
    _send(source, body, **{"x-github-event": "ping", "x-github-delivery": "demo-0"})


def _page(source: EventSource, service: Service) -> None:
    opened = now() - timedelta(hours=9)
    data = {
        "id": "PNWB042",
        "type": "incident",
        "title": f"{service.name}: queue grows faster than it is drained",
        "status": "resolved",
        "created_at": opened.isoformat(),
        "service": {"summary": service.name},
        "priority": {"summary": "P3"},
        "html_url": "https://northwind.pagerduty.example/incidents/PNWB042",
    }
    event = {
        "id": "demo-page",
        "event_type": "incident.resolved",
        "occurred_at": (opened + timedelta(minutes=38)).isoformat(),
    }
    _send(source, {"event": {**event, "data": data}})


def _alert(source: EventSource, service: Service) -> None:
    alert = {
        "status": "resolved",
        "labels": {"alertname": "HighLatency", "service": service.name, "severity": "warning"},
        "annotations": {"summary": f"{service.name}: p99 above one second"},
        "startsAt": (now() - timedelta(hours=9, minutes=4)).isoformat(),
        "endsAt": (now() - timedelta(hours=8, minutes=20)).isoformat(),
        "fingerprint": "4b1f0c77d2a3e915",
    }
    _send(source, {"version": "4", "status": "resolved", "receiver": "release-train", "alerts": [alert]})


def _endpoint(owner: Any) -> None:
    """Connected, and not called: the demo reaches out to nobody."""
    made = webhooks.create_endpoint(
        owner, name="Deployment platform", url="https://platform.northwind.example/hooks/release-train", verbs=["deployment.*", "incident.*"]
    )  # fmt: skip
    webhooks.disable_endpoint(
        owner, WebhookEndpoint.objects.get(pk=made["id"]), reason="The platform listens from next week on."
    )


def _forge(owner: Any, service: Service) -> None:
    """What the last evaluations would show at their commits; it waits, since the demo reaches out to nobody."""
    connection = forges.connect_forge(
        owner,
        name="Git of Northwind",
        form="gitlab-status",
        url="https://git.northwind.example/api/v4",
        credential="glpat-of-the-demo",
        repositories={service.name: f"payments/{service.name}"},
    )
    rows = Evaluation.objects.select_related("gate__environment", "release", "artifact__service__train")
    for evaluation in rows.order_by("-requested_at")[:12]:
        note(evaluation, [connection])
    forges.disable_forge(owner, connection, reason="The forge takes statuses from next week on.")


def _tell(bank: Any) -> None:
    engineer, manager = bank.cast.one(Role.RTE), bank.cast.one(Role.RELEASE_MANAGER)
    release = Release.objects.exclude(state__in=["closed", "cancelled"]).order_by("target_at").first()
    if release is not None:
        notifications.follow(engineer, kind="release", object=str(release.pk))
        notices.remind(
            [engineer.user_id, manager.user_id],
            f"demo:{release.pk}",
            f"{release} is due",
            about=release,
            mail=False,
        )
    recent = LedgerEntry.objects.filter(verb__in=_TOLD).order_by("-id")[:6]
    for entry in reversed(list(recent)):
        notices.tell(entry)
    # People of a demo have no mailboxes.
    Notification.objects.update(mail=MailState.NONE, mail_due_at=None)
    # The rest of the year that the demo has just written is news to nobody.
    for consumer in ("notices", "watches"):
        ConsumerCursor.objects.update_or_create(
            consumer=consumer, defaults={"xid": max(horizon(), _own_xid()), "entry_id": 2**63 - 1}
        )


def _own_xid() -> int:
    last = LedgerEntry.objects.order_by("-xid").values_list("xid", flat=True).first()
    return last or 0
