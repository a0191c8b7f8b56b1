"""What packaging limits a release is held to, and what breaks them."""

from __future__ import annotations

from django.db.models import Min, Q

from trains.models import PackagingLimit, Release, RollbackCriterion, ScopeItem
from trains.rules.packaging import HIGH, Item, Limit, Profile, Violation, violations


def profile_of(release: Release) -> Profile:
    """The release's train, the tier of the most critical service that it carries, and its risk tier."""
    critical = release.artifacts.aggregate(tier=Min("service__tier"))["tier"]
    return Profile(str(release.train_id), critical, release.tier)


def limits_of(release: Release) -> list[Limit]:
    """The limits that may concern the release's train."""
    rows = PackagingLimit.objects.filter(
        Q(train__isnull=True) | Q(train=release.train_id), retired_at__isnull=True
    )
    return [
        Limit(
            row.classification,
            row.at_most,
            train=str(row.train_id) if row.train_id else None,
            criticality=row.criticality,
            risk=row.risk,
        )
        for row in rows
    ]


def violations_of(release: Release) -> list[Violation]:
    """Each item that the release carries too much."""
    items = release.items.filter(removed_at__isnull=True)
    return violations(
        release.classification,
        profile_of(release),
        [Item(str(i), i.classification) for i in items],
        limits_of(release),
    )


def without_criteria(release: Release) -> list[ScopeItem]:
    """Items of high risk that do not say when to go back."""
    said = RollbackCriterion.objects.filter(release=release, retired_at__isnull=True, item__isnull=False)
    items = release.items.filter(removed_at__isnull=True, tier__in=HIGH)
    return list(items.exclude(pk__in=said.values("item_id")))
