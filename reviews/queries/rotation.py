"""Who may facilitate a review, and whose turn it is."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max

from releasetrain.accounts.catalogue import ROLES, Role
from releasetrain.kernel.clock import now
from reviews.models import Review
from reviews.rules.rotation import Candidate, whose_turn
from trains.models import Service, Team

from .owners import User, grants_on, people_with

A_YEAR = timedelta(days=365)


def responsible_teams(review: Review) -> set[uuid.UUID]:
    """The teams whose work is reviewed."""
    services = [review.service_id, *review.also]
    found = set(Service.objects.filter(pk__in=services, team__isnull=False).values_list("team_id", flat=True))
    if review.release is not None:
        found |= {pk for pk in review.release.artifacts.values_list("service__team_id", flat=True) if pk}
    return found


def candidates(review: Review) -> list[Candidate]:
    """Everybody who may facilitate it, and the leads of all teams, with their turns of the last year."""
    roles = [role for role in Role if "reviews.facilitate" in ROLES[role].permissions]
    team_scopes = [("team", str(pk)) for pk in Team.objects.values_list("pk", flat=True)]
    grants = grants_on(team_scopes, roles).filter(scope__kind="team")
    teams: dict[Any, set[Any]] = defaultdict(set)
    for user, team in grants.values_list("user_id", "scope__object_id"):
        teams[user].add(team if isinstance(team, uuid.UUID) else uuid.UUID(str(team)))
    able = {person.pk: person for person in people_with("reviews.facilitate", review)}
    for person in User.objects.filter(pk__in=set(teams) - set(able), is_active=True, kind="person"):
        able[person.pk] = person
    turns = {
        row["facilitator"]: row
        for row in Review.objects.filter(facilitator__in=able, created_at__gte=now() - A_YEAR)
        .exclude(pk=review.pk)
        .values("facilitator")
        .annotate(count=Count("pk"), last=Max("created_at"))
        .order_by()
    }
    return [
        Candidate(
            pk,
            str(person),
            turns[pk]["count"] if pk in turns else 0,
            turns[pk]["last"] if pk in turns else None,
            frozenset(teams.get(pk, ())),
        )
        for pk, person in able.items()
    ]


def next_facilitator(review: Review) -> Candidate | None:
    return whose_turn(candidates(review), responsible_teams(review))
