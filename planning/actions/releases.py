"""Features in releases: they join a release's scope, and are done when it is released."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import Feature, FeatureKind
from planning.states import IN_PLAN, UNREFINED
from releasetrain.audit.doorway import action, register_effect
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from trains.actions.scope import Cause, Criterion, EmergencyChange, add_item
from trains.models import Classification, Release, ScopeItem

from .features import complete_feature

SOURCE = "feature"
CLASSIFICATION = {
    FeatureKind.FEATURE: Classification.FEATURE,
    FeatureKind.COMPLIANCE: Classification.FEATURE,
    FeatureKind.ENABLER: Classification.INFRASTRUCTURE,
    FeatureKind.PROBLEM_FIX: Classification.PROBLEM_FIX,
}


def _releases(actor: Actor, subject: Any) -> Any:
    rows = Release.objects.exclude(state__in=["released", "closed", "cancelled", "rolled_back"])
    return rows.filter(train_id=subject.train_id) if subject is not None else rows


@action(
    "feature.add_to_release",
    on=Feature,
    requires="releases.manage",
    label="Add to a release",
)
def add_to_release(
    actor: Actor,
    feature: Feature,
    *,
    release: Annotated[Release, Field("Release", rows=_releases)],
    cause: Cause = "",
    emergency_change: EmergencyChange = "",
    rollback_criterion: Criterion = "",
) -> ScopeItem:
    """Put the feature into a release's scope."""
    if feature.state in UNREFINED or feature.state == "cancelled":
        refuse(
            "feature.unrefined" if feature.state in UNREFINED else "feature.closed",
            f"{feature} is in state {feature.get_state_display().lower()}.",
            remedy="Only a refined feature joins a release.",
        )
    if release.train_id != feature.train_id:
        refuse("train.other", f"{release} belongs to another train.", field="release")
    return add_item(
        actor,
        release,
        title=feature.title,
        classification=CLASSIFICATION[FeatureKind(feature.kind)],
        tier=feature.tier or release.tier,
        source_kind=SOURCE,
        source_id=feature.pk,
        source_key=feature.key,
        cause=cause,
        emergency_change=emergency_change,
        rollback_criterion=rollback_criterion,
    )


def features_follow(actor: Actor, release: Release, params: dict[str, Any]) -> None:
    """What a release delivers is done once it is released, as far as it meets its Definition of Done."""
    ids = ScopeItem.objects.filter(release=release, source_kind=SOURCE, removed_at__isnull=True).values(
        "source_id"
    )
    by_rule = Actor.system(actor.organization_id, f"{release} was released", route=actor.route)
    for feature in Feature.objects.filter(pk__in=ids, state__in=IN_PLAN):
        # What does not meet its Definition of Done is out, but not accepted: it stays open and says why.
        if complete_feature.decide(by_rule, feature).allowed:
            complete_feature(by_rule, feature)


register_effect("release.mark_released", features_follow)
