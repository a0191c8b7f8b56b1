"""What planning adds to evidence packages: features of a release, how they were weighed, their plan."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from governance.evidence.collect import Entry, Subject, collector, shown
from planning.models import (
    Endorsement,
    Feature,
    FeatureDependency,
    FeatureScore,
    FrozenScore,
    ModelRating,
    PlanBaseline,
    TradeOff,
)
from trains.models import ScopeItem


@collector("planning.features")
def features(subject: Subject) -> Iterator[Entry]:
    """Features in the scope of the releases, with scores, dependencies and the baselines of their plans."""
    ids = ScopeItem.objects.filter(release__in=subject.releases, source_kind="feature").values("source_id")
    chosen = Feature.objects.filter(pk__in=ids)
    yield from subject.records(chosen)
    yield from subject.records(FeatureScore.objects.filter(feature__in=chosen))
    yield from subject.records(
        FeatureDependency.objects.filter(Q(consumer__in=chosen) | Q(provider__in=chosen))
    )
    yield from subject.records(ModelRating.objects.filter(feature__in=chosen))
    yield from subject.records(FrozenScore.objects.filter(feature__in=chosen))
    yield from subject.records(Endorsement.objects.filter(feature__in=chosen))
    yield from subject.records(TradeOff.objects.filter(items__feature__in=chosen).distinct())
    yield from subject.records(PlanBaseline.objects.filter(pi__in=chosen.values("pi_id")))


shown(
    "feature",
    "Features",
    columns=(
        ("Feature", "key"),
        ("Title", "title"),
        ("State", "state"),
        ("WSJF", "wsjf"),
        ("Risk tier", "tier"),
    ),
    order=22,
    sort="key",
)
shown(
    "planbaseline",
    "Plan baselines",
    columns=(("Committed", "committed_at"), ("Digest", "digest"), ("Accepted because", "reason")),
    order=23,
)
