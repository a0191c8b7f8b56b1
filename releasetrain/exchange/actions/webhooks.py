"""Verbs of webhooks out: endpoints, their secrets, and messages sent once more."""

from __future__ import annotations

import base64
import fnmatch
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.conf import settings

from releasetrain.audit.doorway import Actor, Field, action, actions, explain_constraint
from releasetrain.exchange import hooking, sealing, tasks
from releasetrain.exchange.models import WebhookDelivery, WebhookEndpoint
from releasetrain.exchange.rules import addresses
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.tasks import enqueue

explain_constraint("webhook_endpoint_name_once", "There is an endpoint with this name already.")
State = WebhookDelivery.State
_MOST = 50

Url = Annotated[str, Field("Address", help="https:// and a public name.", max_length=500)]
Verbs = Annotated[
    list[str],
    Field(
        "Acts",
        help="One a line, e.g. deployment.* or change.approve. The API reference lists them all.",
        long=True,
    ),
]


def _checked_url(url: str) -> str:
    wrong = addresses.fault(url.strip(), addresses.networks(settings.WEBHOOK_ALLOWED_NETWORKS))
    if wrong:
        refuse(
            "webhook.url",
            wrong,
            remedy="Networks of your own are permitted by the operator: WEBHOOK_ALLOWED_NETWORKS.",
            field="url",
            status=422,
        )
    return url.strip()


def _checked_verbs(verbs: list[str]) -> list[str]:
    wanted = sorted({verb.strip() for verb in verbs if verb.strip()})
    if not wanted or len(wanted) > _MOST:
        refuse("webhook.verbs", f"Name between 1 and {_MOST} acts.", field="verbs", status=422)
    known = [verb for verb in actions() if not verb.startswith(hooking.PRIVATE)]
    for pattern in wanted:
        if not fnmatch.filter(known, pattern):
            refuse("webhook.verb", f"No act is called {pattern[:80]}.", field="verbs", status=422)
    return wanted


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@action(
    "webhook_endpoint.create",
    creates=WebhookEndpoint,
    requires="tokens.manage",
    quiet=("url",),
    label="Connect an endpoint",
)
def create_endpoint(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=80)],
    url: Url,
    verbs: Verbs,
    form: Annotated[
        WebhookEndpoint.Form, Field("Form", help="A chat's own webhook carries its secret in the address.")
    ] = WebhookEndpoint.Form.STANDARD,
) -> dict[str, Any]:
    """Tell another system of acts; the answer shows the signing secret once."""
    if WebhookEndpoint.objects.filter(name=name.strip()).exists():
        refuse("webhook.exists", f"There is an endpoint {name} already.", field="name")
    secret = _new_secret() if form == WebhookEndpoint.Form.STANDARD else ""
    endpoint = WebhookEndpoint.objects.create(
        name=name.strip(),
        url=_checked_url(url),
        form=form,
        verbs=_checked_verbs(verbs),
        sealed_secret=sealing.seal(secret),
    )
    return {"id": str(endpoint.pk), "secret": secret or None}


@action("webhook_endpoint.edit", on=WebhookEndpoint, requires="tokens.manage", quiet=("url",))
def edit_endpoint(
    actor: Actor, endpoint: WebhookEndpoint, *, url: Url = KEEP, verbs: Verbs = KEEP
) -> WebhookEndpoint:
    """Change the address or the acts. Messages that wait go to the new address."""
    if url is not KEEP:
        endpoint.url = _checked_url(url)
    if verbs is not KEEP:
        endpoint.verbs = _checked_verbs(verbs)
    endpoint.save()
    return endpoint


@action("webhook_endpoint.rotate", on=WebhookEndpoint, requires="tokens.manage", label="New secret")
def rotate_endpoint(
    actor: Actor,
    endpoint: WebhookEndpoint,
    *,
    overlap_hours: Annotated[int, Field("Hours during which both secrets sign", min=0, max=720)] = 24,
) -> dict[str, Any]:
    """Sign with a new secret; the answer shows it once."""
    if endpoint.form != WebhookEndpoint.Form.STANDARD:
        refuse("webhook.unsigned", "Messages to a chat are not signed.")
    secret = _new_secret()
    endpoint.sealed_previous, endpoint.sealed_secret = endpoint.sealed_secret, sealing.seal(secret)
    endpoint.previous_until = now() + timedelta(hours=overlap_hours) if overlap_hours else None
    endpoint.save()
    return {"id": str(endpoint.pk), "secret": secret}


@action(
    "webhook_endpoint.disable",
    on=WebhookEndpoint,
    requires="tokens.manage",
    danger=True,
    confirm="It is told of nothing from now on.",
)
def disable_endpoint(
    actor: Actor, endpoint: WebhookEndpoint, *, reason: Annotated[str, Field("Reason", max_length=200)]
) -> WebhookEndpoint:
    """Call it no more. Messages that wait stay."""
    if endpoint.disabled_at:
        refuse("webhook.disabled", f"{endpoint} is disabled already.")
    endpoint.disabled_at, endpoint.disabled_reason = now(), reason
    endpoint.save()
    return endpoint


@action("webhook_endpoint.enable", on=WebhookEndpoint, requires="tokens.manage")
def enable_endpoint(
    actor: Actor,
    endpoint: WebhookEndpoint,
    *,
    missed: Annotated[bool, Field("Tell it of what happened meanwhile")] = True,
) -> WebhookEndpoint:
    """Call it again."""
    if not endpoint.disabled_at:
        refuse("webhook.enabled", f"{endpoint} is not disabled.")
    if not missed:
        endpoint.since = now()
    endpoint.disabled_at, endpoint.disabled_reason, endpoint.failing_since = None, "", None
    endpoint.save()
    enqueue(tasks.send_webhooks_of, actor.organization_id)
    return endpoint


@action("webhook_endpoint.test", on=WebhookEndpoint, requires="tokens.manage", label="Send a test")
def test_endpoint(actor: Actor, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Send a message that means nothing, to see whether it arrives."""
    if endpoint.disabled_at:
        refuse("webhook.disabled", f"{endpoint} is disabled.", remedy="Enable it first.")
    body = (
        hooking.message(hooking.PING, plain(now()), {"endpoint": endpoint.name})
        if endpoint.form == WebhookEndpoint.Form.STANDARD
        else hooking.chat(endpoint.form, f"Release Train can reach {endpoint.name}.", "")
    )
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint, verb=hooking.PING, label=endpoint.name, body=body, due_at=now()
    )
    enqueue(tasks.send_webhooks_of, actor.organization_id)
    return delivery


@action("webhook_endpoint.replay", on=WebhookEndpoint, requires="tokens.manage", label="Replay")
def replay_endpoint(
    actor: Actor,
    endpoint: WebhookEndpoint,
    *,
    since: Annotated[datetime, Field("Messages since")],
    failed_only: Annotated[bool, Field("Only those that failed")] = True,
) -> dict[str, int]:
    """Send messages once more, under their own ids: a receiver that knows one drops it."""
    rows = endpoint.deliveries.filter(created_at__gte=since)
    rows = rows.filter(state=State.FAILED) if failed_only else rows.exclude(state=State.WAITING)
    return {"messages": _again(actor, rows)}


@action("webhook_delivery.replay", on=WebhookDelivery, requires="tokens.manage", label="Send again")
def replay_delivery(actor: Actor, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send the message once more, under its own id."""
    if delivery.endpoint.disabled_at:
        refuse("webhook.disabled", f"{delivery.endpoint} is disabled.", remedy="Enable it first.")
    if delivery.lease:
        refuse("webhook.under_way", "It is being sent right now.", remedy="See the log in a moment.")
    _again(actor, WebhookDelivery.objects.filter(pk=delivery.pk))
    delivery.refresh_from_db()
    return delivery


def _again(actor: Actor, rows: Any) -> int:
    changed: int = rows.update(state=State.WAITING, due_at=now(), attempts=0, claimed_until=None, lease=None)
    if changed:
        enqueue(tasks.send_webhooks_of, actor.organization_id)
    return changed
