"""Rankings of a train's open features: by WSJF, by its own scoring model, or by weights not applied yet."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from planning.models import PARTS, Feature, ModelRating, ScoringModel, ScoringModelVersion
from planning.rules import scoring_model as rules
from planning.rules import wsjf
from planning.states import OPEN
from releasetrain.kernel.canonical import digest


@dataclass(frozen=True, slots=True)
class Regime:
    """What ranks a train's backlog: a version of its scoring model, or WSJF when there is none."""

    version: ScoringModelVersion | None
    criteria: tuple[rules.Criterion, ...] = ()

    @property
    def method(self) -> str:
        return self.version.method if self.version else ""


WSJF = Regime(None)


def version_of(model: ScoringModel) -> ScoringModelVersion:
    """The current version of a model."""
    return model.versions.select_related("model").get(number=model.version)


def regime_of(version: ScoringModelVersion) -> Regime:
    return Regime(version, rules.read(version.criteria, version.method))


def regimes() -> dict[uuid.UUID, Regime]:
    """The regimes of the trains that do not rank by WSJF."""
    models = {m.pk: m for m in ScoringModel.objects.filter(ranks_backlog=True)}
    found = {}
    if models:
        versions = ScoringModelVersion.objects.filter(model__in=models.keys()).select_related("model")
        for version in versions:
            if version.number == models[version.model_id].version:
                found[models[version.model_id].train_id] = regime_of(version)
    return found


def regime(train_id: uuid.UUID) -> Regime:
    """The regime of one train."""
    model = ScoringModel.objects.filter(train=train_id, ranks_backlog=True).first()
    return regime_of(version_of(model)) if model else WSJF


def derived(criteria: Sequence[rules.Criterion], feature: Feature) -> dict[str, int]:
    """The values that the feature itself has: parts of its WSJF, and its risk tier."""
    found: dict[str, int] = {}
    for c in criteria:
        if c.source == "tier":
            if feature.tier:
                found[c.key] = rules.TIER_VALUES[feature.tier]
        elif c.source != "rated" and getattr(feature, c.source) is not None:
            found[c.key] = getattr(feature, c.source)
    return found


def values_for(
    criteria: Sequence[rules.Criterion], feature: Feature, kept: Mapping[str, int] | None
) -> dict[str, int]:
    """All values of a feature under criteria: what was rated, and what it has itself."""
    rated = {c.key: kept[c.key] for c in criteria if c.source == "rated" and kept and c.key in kept}
    return rated | derived(criteria, feature)


def rankable(train_id: uuid.UUID) -> list[Feature]:
    """The features whose ranking can still change: open, and not frozen by a committed plan."""
    rows = Feature.objects.filter(train=train_id, state__in=OPEN, score_frozen_at__isnull=True)
    return list(rows.select_related("team").order_by("created_at"))


def ranked(
    features: Sequence[Feature], now: Regime, kept: Mapping[uuid.UUID, Any]
) -> tuple[rules.Entry, ...]:
    """The features in the order of a regime; those without a score are left out."""
    entries = []
    for f in features:
        number: Fraction | None
        if now.version is None:
            parts = [getattr(f, part) for part in PARTS]
            number = None if None in parts else wsjf.wsjf(*parts)
        else:
            number = rules.score(now.criteria, now.method, values_for(now.criteria, f, kept.get(f.pk)))
        if number is not None:
            entries.append(rules.Entry(f.key, number, f.time_criticality or 0, f.created_at))
    return rules.rank(entries)


def kept_values(model: ScoringModel) -> dict[uuid.UUID, dict[str, int]]:
    """What was agreed under a model, by feature."""
    return dict(ModelRating.objects.filter(model=model).values_list("feature_id", "values"))


@dataclass(frozen=True, slots=True)
class Line:
    """One feature of a preview."""

    feature: Feature
    move: rules.Move
    reason: str

    @property
    def score(self) -> float | None:
        return _number(self.move.score_after)


@dataclass(frozen=True, slots=True)
class Preview:
    """A ranking that is not applied yet beside the present one. `seen` names exactly this preview."""

    lines: tuple[Line, ...]
    unranked: tuple[Feature, ...]
    seen: str
    moved: int

    def plain(self) -> dict[str, Any]:
        """The preview for the API."""
        return {
            "seen": self.seen,
            "moved": self.moved,
            "ranking": [
                {
                    "feature": line.feature.key,
                    "title": line.feature.title,
                    "rank_before": line.move.before,
                    "rank_after": line.move.after,
                    "score_before": _number(line.move.score_before),
                    "score_after": _number(line.move.score_after),
                    "reason": line.reason,
                }
                for line in self.lines
            ],
            "unranked": [f.key for f in self.unranked],
        }


def _number(score: Fraction | None) -> float | None:
    return None if score is None else round(float(score), 4)


def preview_weights(model: ScoringModel, criteria: Sequence[rules.Criterion], method: str) -> Preview:
    """What other weights would do to the ranking by this model."""
    wanted = Regime(ScoringModelVersion(model=model, method=method), tuple(criteria))
    return _preview(model, regime_of(version_of(model)), wanted)


def preview_ranking(model: ScoringModel) -> Preview:
    """What ranking the backlog by this model would change; if it does so already, what WSJF would change."""
    present = regime(model.train_id)
    own = regime_of(version_of(model))
    return _preview(model, present, WSJF if model.ranks_backlog else own)


def _preview(model: ScoringModel, before: Regime, after: Regime) -> Preview:
    features = rankable(model.train_id)
    kept = kept_values(model)
    other = before.version.model if before.version and before.version.model_id != model.pk else None
    old = ranked(features, before, kept_values(other) if other else kept)
    new = ranked(features, after, kept)
    by_key = {f.key: f for f in features}
    lines = tuple(Line(by_key[m.id], m, _reason(by_key[m.id], after, kept)) for m in rules.compare(old, new))
    placed = {e.id for e in old} | {e.id for e in new}
    told = {
        "method": after.method,
        "criteria": [c.plain() for c in after.criteria],
        "ranking": [
            [line.feature.key, str(line.move.score_before), str(line.move.score_after)] for line in lines
        ],
    }
    return Preview(
        lines,
        tuple(f for f in features if f.key not in placed),
        digest(told),
        sum(line.move.before != line.move.after for line in lines),
    )


def _reason(feature: Feature, now: Regime, kept: Mapping[uuid.UUID, Any]) -> str:
    if now.version is not None:
        values = values_for(now.criteria, feature, kept.get(feature.pk))
        return rules.explain(now.criteria, now.method, values)
    parts = [getattr(feature, part) for part in PARTS]
    if None in parts:
        return "no WSJF is agreed"
    value, time, risk, size = parts
    return f"({value} + {time} + {risk}) ÷ {size} = {wsjf.shown(wsjf.wsjf(*parts))}"
