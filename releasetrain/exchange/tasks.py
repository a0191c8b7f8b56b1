"""Celery envelopes of the exchange: mail, events and webhooks that are due. The database is the truth, so beat twice does no harm."""

from __future__ import annotations

import uuid

from celery import shared_task

from releasetrain.tenancy.models import Organization


@shared_task(name="releasetrain.exchange.tasks.send_mail_of")
def send_mail_of(organization_id: str) -> int:
    """Not in a tenant scope as a whole: a claim is committed before its mail is sent."""
    from .mailing import send_due

    return send_due(uuid.UUID(organization_id))


@shared_task(name="releasetrain.exchange.tasks.send_mail")
def send_mail() -> None:
    for organization_id in Organization.objects.filter(suspended_at__isnull=True).values_list(
        "id", flat=True
    ):
        send_mail_of.delay(str(organization_id))


@shared_task(name="releasetrain.exchange.tasks.act_on_events")
def act_on_events(organization_id: str) -> int:
    from .acting import act_on_due

    return act_on_due(uuid.UUID(organization_id))


@shared_task(name="releasetrain.exchange.tasks.sweep_events")
def sweep_events() -> None:
    for organization_id in Organization.objects.filter(suspended_at__isnull=True).values_list(
        "id", flat=True
    ):
        act_on_events.delay(str(organization_id))


@shared_task(name="releasetrain.exchange.tasks.send_webhooks_of")
def send_webhooks_of(organization_id: str) -> int:
    """Like mail: a claim is committed before its message is sent."""
    from .hooking import send_due

    return send_due(uuid.UUID(organization_id))


@shared_task(name="releasetrain.exchange.tasks.send_webhooks")
def send_webhooks() -> None:
    for organization_id in Organization.objects.filter(suspended_at__isnull=True).values_list(
        "id", flat=True
    ):
        send_webhooks_of.delay(str(organization_id))


@shared_task(name="releasetrain.exchange.tasks.post_statuses_of")
def post_statuses_of(organization_id: str) -> int:
    """Passes that have fallen are withdrawn first; a claim is committed before it is posted."""
    from .posting import send_due, withdraw_outdated

    withdraw_outdated(uuid.UUID(organization_id))
    return send_due(uuid.UUID(organization_id))


@shared_task(name="releasetrain.exchange.tasks.post_statuses")
def post_statuses() -> None:
    for organization_id in Organization.objects.filter(suspended_at__isnull=True).values_list(
        "id", flat=True
    ):
        post_statuses_of.delay(str(organization_id))


@shared_task(name="releasetrain.exchange.tasks.pull_series_of")
def pull_series_of(organization_id: str) -> int:
    """Servers are asked outside of any transaction."""
    from .pulling import pull

    return pull(uuid.UUID(organization_id))


@shared_task(name="releasetrain.exchange.tasks.pull_series")
def pull_series() -> None:
    for organization_id in Organization.objects.filter(suspended_at__isnull=True).values_list(
        "id", flat=True
    ):
        pull_series_of.delay(str(organization_id))


@shared_task(name="releasetrain.exchange.tasks.ask_vault_of")
def ask_vault_of(organization_id: str) -> int:
    """Vault is asked outside of any transaction."""
    from .vaulting import ask

    return ask(uuid.UUID(organization_id))


@shared_task(name="releasetrain.exchange.tasks.ask_vaults")
def ask_vaults() -> None:
    for organization_id in Organization.objects.filter(suspended_at__isnull=True).values_list(
        "id", flat=True
    ):
        ask_vault_of.delay(str(organization_id))
