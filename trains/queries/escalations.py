"""What waits, what is escalated, and who is to be told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q

from releasetrain.accounts.models import Grant, Membership, User
from releasetrain.kernel.clock import now
from trains import escalating
from trains.models import Escalation, EscalationLevel, EscalationPolicy, Team, Train

from .on_call import who_is_on_call


def levels_of(policy: EscalationPolicy) -> list[EscalationLevel]:
    """The levels from the bottom up; those loaded with the policy are taken as they are."""
    return sorted(policy.levels.all(), key=lambda level: level.number)


def afters(levels: Sequence[EscalationLevel]) -> list[timedelta]:
    return [timedelta(minutes=level.after_minutes) for level in levels]


def title_of_kind(kind: str) -> str:
    found = escalating.kind_of(kind)
    return found.title.lower() if found else kind


def waiting_of(policy: EscalationPolicy) -> dict[uuid.UUID, escalating.Waiting]:
    """What waits now under a policy, by id."""
    kind = escalating.kind_of(policy.subject_kind)
    return {each.id: each for each in kind.waiting(policy.train)} if kind else {}


def present(policy: EscalationPolicy, subject_id: uuid.UUID) -> Escalation | None:
    rows = Escalation.objects.filter(policy=policy, subject_id=subject_id)
    return rows.exclude(state=Escalation.State.RESOLVED).first()


def people_of(level: EscalationLevel, train_id: uuid.UUID | None) -> list[User]:
    """The active members whom a level tells: one person, all holders of a role on the train, or who is on call for it.

    A role held for the whole organization counts everywhere; one held on a team counts on the team's train.
    """
    members = Membership.objects.filter(organization_id=level.organization_id, suspended_at__isnull=True)
    users = User.objects.filter(is_active=True, kind="person", pk__in=members.values("user_id"))
    if level.person_id:
        return list(users.filter(pk=level.person_id))
    if level.on_call:
        train = Train.objects.filter(pk=train_id).first() if train_id else None
        answering = [each.person.pk for each in who_is_on_call(train=train) if each.person]
        return list(users.filter(pk__in=answering).order_by("name", "email"))
    where = Q(scope__kind="organization")
    if train_id:
        where |= Q(scope__kind="train", scope__object_id=train_id)
        where |= Q(
            scope__kind="team", scope__object_id__in=Team.objects.filter(train_id=train_id).values("pk")
        )
    moment = now()
    grants = Grant.objects.filter(where, role=level.role, revoked_at__isnull=True, starts_at__lte=moment)
    grants = grants.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=moment))
    return list(users.filter(pk__in=grants.values("user_id")).order_by("name", "email"))
