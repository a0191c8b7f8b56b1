"""Who had a hand in the fix of a problem, and therefore does not close it. `problems.guards` says the same in SQL."""

from __future__ import annotations

import uuid

from governance.models import ChangeContributor
from problems.models import Problem
from trains.models import Deployment, Release


def hands_in_fix(problem: Problem) -> dict[uuid.UUID, str]:
    """User id → what they did: resolved it, opened its release, wrote or coded its change, deployed it."""
    fixes = problem.fixes.filter(withdrawn_at__isnull=True)
    releases = list(fixes.values_list("release_id", flat=True))
    found: dict[uuid.UUID, str] = {}
    for user_id in fixes.values_list("resolver_id", flat=True):
        found.setdefault(user_id, "resolved it")
    opened = Release.history.filter(id__in=releases, history_type="+", history_user_id__isnull=False)
    for user_id in opened.values_list("history_user_id", flat=True):
        found.setdefault(user_id, "opened the release of its fix")
    contributors = ChangeContributor.objects.filter(change__release__in=releases)
    for user_id in contributors.values_list("user_id", flat=True):
        found.setdefault(user_id, "contributed to the change of its fix")
    deployed = Deployment.objects.filter(release__in=releases, deployed_by__isnull=False)
    for user_id in deployed.values_list("deployed_by_id", flat=True).distinct().order_by():
        found.setdefault(user_id, "deployed its fix")
    return found
