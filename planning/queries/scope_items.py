"""Features as items of a release's scope: what they are for, and which defect they correct."""

from __future__ import annotations

from uuid import UUID

from planning.models import Feature
from trains.models import ScopeItem
from trains.ports import severity_of

SOURCE = "feature"


def severity_of_feature(kind: str, pk: UUID) -> int | None:
    """The severity of the defect that a feature was made from."""
    if kind != SOURCE:
        return None
    feature = (
        Feature.objects.filter(pk=pk)
        .exclude(source_kind__in=["", SOURCE])
        .only("source_kind", "source_id")
        .first()
    )
    return severity_of(feature.source_kind, feature.source_id) if feature else None


def words_of_features(items: list[ScopeItem]) -> dict[UUID, str]:
    """What the backlog says a feature is for."""
    by_source = {item.source_id: item.pk for item in items if item.source_kind == SOURCE and item.source_id}
    rows = Feature.objects.filter(pk__in=list(by_source)).values_list("pk", "description")
    return {by_source[pk]: description.strip().split("\n")[0][:300] for pk, description in rows}
