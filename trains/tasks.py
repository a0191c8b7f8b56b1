"""Celery envelopes of trains: the round of escalations, the mail of one level, the round of delivery."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone
from django.utils.translation import gettext

from releasetrain.interface import formats
from releasetrain.interface.addressing import written_to
from releasetrain.interface.wording import said
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from releasetrain.tenancy.tasks import tenant_task

from .models import Escalation
from .queries import escalations as queries


@shared_task(name="trains.tasks.sweep_escalations")  # type: ignore[untyped-decorator]
def sweep_escalations() -> int:
    """Raise and climb what is due in every organization; beat rings every quarter of a minute."""
    from .sweeping import sweep  # the verbs name this module's tasks

    acts = 0
    for organization in Organization.objects.filter(suspended_at__isnull=True):
        actor = Actor.system(organization.pk, "escalation round")
        with tenant_scope(organization.pk, actor):
            done = sweep(actor)
        acts += done.raised + done.climbed + done.resolved + done.lapsed
    return acts


@shared_task(name="trains.tasks.advance_delivery")  # type: ignore[untyped-decorator]
def advance_delivery() -> int:
    """Lead on rollouts, rollback plans and drills in every organization; beat rings every quarter of a minute."""
    from .delivering import advance  # the verbs name this module's tasks

    return sum(
        advance(pk)
        for pk in Organization.objects.filter(suspended_at__isnull=True).values_list("pk", flat=True)
    )


@shared_task(name="trains.tasks.remind_of_rollouts")  # type: ignore[untyped-decorator]
def remind_of_rollouts() -> int:
    """Remind of rollouts that wait for a person in every organization; beat rings every hour."""
    from .notices import remind_of_waiting

    told = 0
    for organization in Organization.objects.filter(suspended_at__isnull=True):
        with tenant_scope(organization.pk, Actor.system(organization.pk, "rollouts that wait")):
            told += remind_of_waiting()
    return told


@tenant_task()
def sweep_now(organization_id: uuid.UUID) -> int:
    """The same round for one organization, at once: for what must be told in real time."""
    from .sweeping import sweep

    done = sweep(Actor.system(organization_id, "escalation round"))
    return done.raised


@tenant_task()
def mail(organization_id: uuid.UUID, escalation_id: str, number: int) -> int:
    """Mail the people of one level."""
    escalation = Escalation.objects.select_related("policy").get(pk=escalation_id)
    level = next((each for each in queries.levels_of(escalation.policy) if each.number == number), None)
    people = queries.people_of(level, escalation.train_id) if level else []
    organization = Organization.objects.get(pk=organization_id)
    return sum(_mailed(escalation, number, person, organization) for person in people)


def _mailed(escalation: Escalation, number: int, person: Any, organization: Organization) -> int:
    """One mail, as this person reads it."""
    with written_to(person, organization):
        since = timezone.localtime(escalation.since)
        waits = gettext(
            "It waits since %(moment)s %(zone)s and has reached level %(level)s of “%(policy)s”."
        ) % {
            "moment": f"{formats.full_day(since)} {formats.clock(since)}",
            "zone": since.tzname(),
            "level": number,
            "policy": escalation.policy,
        }
        where = gettext("Acknowledge it in Release Train: %(organization)s, %(key)s.") % {
            "organization": organization.name,
            "key": escalation.key,
        }
        label = said(escalation.subject_label)
    return send_mail(
        f"[{escalation.key}] {label}",
        f"{label}\n\n{waits}\n{where}\n",
        settings.DEFAULT_FROM_EMAIL,
        [person.email],
        fail_silently=True,
    )


@shared_task(name="trains.tasks.clear_series")  # type: ignore[untyped-decorator]
def clear_series() -> int:
    """Remove the points of series that no policy keeps; beat rings every six hours."""
    from .actions.series import clear_out, something_outlived

    blocks = 0
    for organization in Organization.objects.filter(suspended_at__isnull=True):
        actor = Actor.system(organization.pk, "keeping of series")
        with tenant_scope(organization.pk, actor):
            if something_outlived():
                blocks += clear_out(actor)["blocks"]
    return blocks
