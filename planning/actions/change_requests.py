"""Features that have a change request of their own: written when they are refined, fallen when they change."""

from __future__ import annotations

from typing import Any

from governance.actions import backlog
from governance.ports import backlog_kinds
from planning.models import Feature, FeatureKind
from releasetrain.audit.doorway import register_effect
from releasetrain.kernel.actor import Actor

backlog_kinds(lambda: list(FeatureKind.choices))


def as_backlog_item(feature: Feature) -> backlog.BacklogItem:
    """What a board decides on: the parts that a technical lead signs."""
    return backlog.BacklogItem(
        record="feature",
        id=feature.pk,
        key=feature.key,
        title=feature.title,
        kind=feature.kind,
        tier=feature.tier,
        text={
            "Description": feature.description,
            "Acceptance criteria": feature.acceptance,
            "Feasibility": feature.feasibility,
            "Architectural constraints": feature.constraints,
        },
    )


def approved(actor: Actor, feature: Feature, params: dict[str, Any]) -> None:
    """A refined feature is approved work: its change is written where a change model is for its kind."""
    backlog.item_approved(actor, as_backlog_item(feature))


def changed(actor: Actor, feature: Feature, params: dict[str, Any]) -> None:
    backlog.item_changed(actor, as_backlog_item(feature))


def given_up(actor: Actor, feature: Feature, params: dict[str, Any]) -> None:
    backlog.item_given_up(actor, as_backlog_item(feature), params.get("reason") or "no reason given")


register_effect("feature.refine", approved)
register_effect("feature.edit", changed)
register_effect("feature.classify", changed)
register_effect("feature.cancel", given_up)
