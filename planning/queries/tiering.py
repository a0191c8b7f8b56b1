"""Tiers as they stand: the rule in force, the last answers of items, and what another rule would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planning.models import Feature, FeatureRequirement, TierAssessment, TierRule
from planning.rules.tiering import QUESTIONS, STANDARD, Tiering, given, tiering
from planning.states import OPEN


def rule_in_force() -> tuple[int, dict[str, Any], TierRule | None]:
    """(version, content, row); version 0 is the standard rule, until somebody publishes another."""
    row = TierRule.objects.select_related("published_by").order_by("-number").first()
    return (row.number, row.content, row) if row else (0, STANDARD, None)


def latest_of(feature: Feature) -> TierAssessment | None:
    """The answers that count."""
    rows = TierAssessment.objects.filter(feature=feature).select_related("assessed_by", "rule")
    return rows.order_by("-assessed_at", "-pk").first()


def latest_assessments() -> list[TierAssessment]:
    """The last answers of every open feature."""
    rows = TierAssessment.objects.filter(feature__state__in=OPEN).select_related("feature__team")
    return list(rows.order_by("feature_id", "-assessed_at", "-pk").distinct("feature_id"))


@dataclass(frozen=True, slots=True)
class Change:
    """What another rule would make of one item."""

    feature: Feature
    assessment: TierAssessment
    now: int
    then: Tiering
    added: tuple[str, ...]
    dropped: tuple[str, ...]

    @property
    def moves(self) -> bool:
        return self.now != self.then.tier

    def told(self) -> dict[str, Any]:
        return {
            "feature": self.feature.key,
            "title": self.feature.title,
            "tier": self.now,
            "would_be": self.then.tier,
            "because": list(self.then.because),
            "added": list(self.added),
            "dropped": list(self.dropped),
        }


def preview(content: Mapping[str, Any]) -> list[Change]:
    """Every open item whose tier or requirements another rule would change, those that change tier first."""
    assessments = latest_assessments()
    asked: dict[Any, set[tuple[str, str]]] = {}
    rows = FeatureRequirement.objects.filter(
        feature__in=[a.feature_id for a in assessments], dropped_at__isnull=True
    )
    for feature, kind, name in rows.values_list("feature_id", "kind", "name"):
        asked.setdefault(feature, set()).add((kind, name))
    found = []
    for each in assessments:
        then = tiering(content, each.answers)
        before, after = asked.get(each.feature_id, set()), set(then.requirements)
        if then.tier != each.tier or before != after:
            found.append(
                Change(
                    each.feature,
                    each,
                    each.tier,
                    then,
                    tuple(sorted(name for _, name in after - before)),
                    tuple(sorted(name for _, name in before - after)),
                )
            )
    return sorted(found, key=lambda c: (not c.moves, c.then.tier, c.feature.key))


def answers_in_words(assessment: TierAssessment) -> list[tuple[str, str]]:
    """Question and answer, as a person reads them."""
    return [
        (
            question.title,
            ", ".join(question.answers.get(a, a) for a in given(assessment.answers, question)) or "None",
        )
        for question in QUESTIONS
    ]


def unmet_requirements(feature: Feature) -> list[FeatureRequirement]:
    rows = FeatureRequirement.objects.filter(feature=feature, met_at__isnull=True, dropped_at__isnull=True)
    return list(rows.order_by("kind", "name"))
