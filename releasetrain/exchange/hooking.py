"""Webhooks out: the ledger becomes messages, messages are sent under a lease, and every attempt is put on the log."""

from __future__ import annotations

import fnmatch
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db.models import Q
from standardwebhooks import Webhook

from releasetrain.audit.doorway import actions
from releasetrain.audit.subscriptions import subscribe_among
from releasetrain.exchange import outgoing, sealing, tasks
from releasetrain.exchange.models import WebhookDelivery, WebhookEndpoint
from releasetrain.exchange.wording import told
from releasetrain.interface.links import api_url_of_ref, slug_of, url_of_ref
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from releasetrain.tenancy.scope import tenant_scope
from releasetrain.tenancy.tasks import enqueue

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
BATCH = 40
THREADS = 8
# Waits between attempts; all of them together are a day.
BACK_OFF = tuple(timedelta(seconds=s) for s in (5, 60, 300, 1_800, 7_200, 14_400, 21_600, 41_000))
GIVEN_UP = timedelta(days=5)
_KEPT_ATTEMPTS = 30
# What is everybody's own is told to no other system.
PRIVATE = (
    "notification.",
    "notification_settings.",
    "watch.",
    "saved_view.",
    "webhook_",
    "event_source.",
    "forge_",
)
PING = "webhook_endpoint.test"
State = WebhookDelivery.State


def _living() -> list[WebhookEndpoint]:
    return list(WebhookEndpoint.objects.filter(disabled_at__isnull=True))


def matches(verb: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(verb, each) for each in patterns)


def wanted_entries() -> Q | None:
    """What the endpoints of the organization want to hear of; None while there is none."""
    patterns = sorted({pattern for endpoint in _living() for pattern in endpoint.verbs})
    if not patterns:
        return None
    public = [verb for verb in actions() if not verb.startswith(PRIVATE) and matches(verb, patterns)]
    return Q(verb__in=public)


@subscribe_among(wanted_entries, name="webhooks")
def queue_deliveries(entry: Any) -> None:
    """One message for each endpoint that wants to hear of the act; repeated, it makes none."""
    for endpoint in _living():
        if entry.at < endpoint.since or not matches(entry.verb, endpoint.verbs):
            continue
        _, made = WebhookDelivery.objects.get_or_create(
            endpoint=endpoint,
            entry=entry.pk,
            defaults={
                "verb": entry.verb,
                "label": entry.subject_label,
                "body": body_of(endpoint, entry),
                "due_at": now(),
            },
        )
        if made:
            enqueue(tasks.send_webhooks_of, endpoint.organization_id)


def body_of(endpoint: WebhookEndpoint, entry: Any) -> str:
    """The message about a ledger entry in the endpoint's form."""
    said = orjson.loads(entry.body)
    ref = Ref(entry.subject_kind, entry.subject_id, entry.subject_label)
    link = url_of_ref(ref)
    if endpoint.form != WebhookEndpoint.Form.STANDARD:
        words = told(entry.subject_label, entry.verb)
        if said.get("reason"):
            words += f" ({said['reason'][:300]})"
        return chat(endpoint.form, words, f"{settings.PUBLIC_URL}{link}" if link else "")
    payload = said.get("payload", {})
    api = api_url_of_ref(ref)
    return message(
        entry.verb,
        plain(entry.at),
        {
            "organization": slug_of(entry.organization_id),
            "entry": entry.pk,
            "subject": {
                "kind": ref.kind,
                "id": ref.id,
                "label": ref.label,
                "href": f"{settings.PUBLIC_URL}{api}" if api else None,
            },
            "actor": {"kind": said["actor"]["kind"], "id": said["actor"]["id"]},
            "params": payload.get("params", {}),
            "changes": payload.get("changes", {}),
            "reason": said.get("reason", ""),
        },
    )


def message(kind: str, at: Any, data: dict[str, Any]) -> str:
    return orjson.dumps({"type": kind, "timestamp": at, "data": data}).decode()


def chat(form: str, words: str, link: str) -> str:
    """A line for people: Slack's and Mattermost's text, or a card for Teams."""
    if form == WebhookEndpoint.Form.SLACK:
        safe = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return orjson.dumps({"text": f"{safe}\n{link}".strip()}).decode()
    card: dict[str, Any] = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": words, "wrap": True}],
    }
    if link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return orjson.dumps({"type": "message", "attachments": [attachment]}).decode()


@dataclass(frozen=True)
class Call:
    """One attempt: everything that is needed outside of the database."""

    delivery_id: uuid.UUID
    url: str
    body: str
    secrets: tuple[str, ...]

    def headers(self) -> dict[str, str]:
        """Signed with the secret, and with the one before it while both are good."""
        found = {"Content-Type": "application/json", "User-Agent": "Release-Train/1"}
        if self.secrets:
            identity, moment = f"msg_{self.delivery_id.hex}", now()
            signatures = [Webhook(secret).sign(identity, moment, self.body) for secret in self.secrets]
            found |= {
                "webhook-id": identity,
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": " ".join(signatures),
            }
        return found


def send_due(organization_id: uuid.UUID) -> int:
    """Send what is due; returns how many messages were accepted."""
    accepted = 0
    while True:
        lease = uuid.uuid4()
        calls = claim(organization_id, lease)
        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(_send, calls))
        for call, answer in zip(calls, answers, strict=True):
            settle(organization_id, call.delivery_id, lease, answer)
            accepted += answer.accepted
        if len(calls) < BATCH:
            return accepted


def _send(call: Call) -> outgoing.Answer:
    return outgoing.post(call.url, call.body.encode(), call.headers())


def claim(organization_id: uuid.UUID, lease: uuid.UUID) -> list[Call]:
    """Take what is due for this worker alone; committed before anything is sent."""
    with tenant_scope(organization_id, Actor.system(organization_id, "webhooks")):
        moment = now()
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=moment)
        due = WebhookDelivery.objects.filter(free, state=State.WAITING, due_at__lte=moment)
        rows = list(
            due.filter(endpoint__disabled_at__isnull=True)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("endpoint")
            .order_by("due_at", "id")[:BATCH]
        )
        for row in rows:
            row.lease, row.claimed_until = lease, moment + LEASE
            row.attempts += 1
        WebhookDelivery.objects.bulk_update(rows, ["lease", "claimed_until", "attempts"])
        return [Call(row.pk, row.endpoint.url, row.body, secrets_of(row.endpoint)) for row in rows]


def secrets_of(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    found = [sealing.unseal(endpoint.sealed_secret)]
    if endpoint.previous_until and endpoint.previous_until > now():
        found.append(sealing.unseal(endpoint.sealed_previous))
    return tuple(each for each in found if each)


def settle(
    organization_id: uuid.UUID, delivery_id: uuid.UUID, lease: uuid.UUID, answer: outgoing.Answer
) -> None:
    """Note what came of an attempt, unless another worker has taken the message over."""
    with tenant_scope(organization_id, Actor.system(organization_id, "webhooks")):
        rows = WebhookDelivery.objects.select_for_update(of=("self",)).select_related("endpoint")
        row = rows.filter(pk=delivery_id, lease=lease, state=State.WAITING).first()
        if row is None:
            return
        moment = now()
        row.lease, row.claimed_until = None, None
        said = {
            "at": plain(moment),
            "status": answer.status or None,
            "seconds": answer.seconds,
            "error": answer.error,
            "answer": answer.text[:500],
        }
        row.log = [*row.log, said][-_KEPT_ATTEMPTS:]
        if answer.accepted:
            row.state, row.delivered_at, row.due_at = State.DELIVERED, moment, None
        elif row.attempts > len(BACK_OFF):
            row.state, row.due_at = State.FAILED, None
        else:
            wait = max(BACK_OFF[row.attempts - 1], timedelta(seconds=answer.retry_after))
            row.due_at = moment + wait
        row.save()
        _health(row.endpoint, answer)


def _health(endpoint: WebhookEndpoint, answer: outgoing.Answer) -> None:
    """An endpoint that says it is gone, or fails for days, is called no more until somebody enables it."""
    moment = now()
    if answer.accepted:
        if endpoint.failing_since is None:
            return
        endpoint.failing_since = None
    elif endpoint.failing_since is None:
        endpoint.failing_since = moment
    elif moment - endpoint.failing_since > GIVEN_UP:
        endpoint.disabled_at, endpoint.disabled_reason = moment, "It failed for five days."
    elif answer.status != 410:
        return
    if answer.status == 410:
        endpoint.disabled_at, endpoint.disabled_reason = moment, "It answered that it is gone (410)."
    endpoint.save()
