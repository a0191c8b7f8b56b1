"""Endorsing high-impact features, the rules that ask for it, and the guard at the door of a release."""

from __future__ import annotations

from typing import Annotated, Any

from governance.gates import invalidate
from planning.models import Endorsement, EndorsementRule, Feature, FeatureKind
from planning.queries import endorsements
from planning.rules.endorsement import Impact, first_match
from planning.states import FeatureState
from releasetrain.audit.doorway import action, explain_constraint, register_effect, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import Classification, Train

from .features import TIERS

# What the release assumes of an item without a tier.
LEAST_TIER = 3
explain_constraint("endorsement_once", "You have endorsed this feature already.")
explain_constraint("endorsement_rule_says_something", "Name at least one condition.")


@action("feature.endorse", on=Feature, requires="planning.endorse")
def endorse_feature(
    actor: Actor,
    feature: Feature,
    *,
    statement: Annotated[
        str, Field("Why you stand for it", "Its value, and the risk you accept.", long=True)
    ],
) -> Endorsement:
    """Endorse a feature as its business owner: it may enter a release then."""
    if actor.user_id is None:
        refuse("endorsement.nobody", "An endorsement is a person's; the platform has none.")
    if not statement.strip():
        refuse("endorsement.statement", "Say why you stand for it.", field="statement")
    if Endorsement.objects.filter(
        feature=feature, endorsed_by=actor.user_id, withdrawn_at__isnull=True
    ).exists():
        refuse("endorsement.twice", f"You have endorsed {feature} already.")
    made = Endorsement.objects.create(
        feature=feature, endorsed_by_id=actor.user_id, endorsed_at=now(), statement=statement.strip()
    )
    _tell_releases(feature)
    return made


@action("feature.withdraw_endorsement", on=Feature, requires="planning.endorse", danger=True)
def withdraw_endorsement(
    actor: Actor, feature: Feature, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> Endorsement:
    """Withdraw your endorsement. Releases that carry the feature are flagged, and their gates ask again."""
    if not reason.strip():
        refuse("endorsement.reason", "Say why you withdraw it.", field="reason")
    mine = Endorsement.objects.filter(
        feature=feature, endorsed_by=actor.user_id, withdrawn_at__isnull=True
    ).first()
    if mine is None:
        refuse(
            "endorsement.none",
            f"You have not endorsed {feature}.",
            remedy="Whoever endorsed it withdraws it.",
        )
    mine.withdrawn_at, mine.withdrawn_by_id, mine.withdrawn_reason = now(), actor.user_id, reason.strip()
    mine.save()
    _tell_releases(feature)
    return mine


def _tell_releases(feature: Feature) -> None:
    for release in endorsements.releases_with(feature):
        invalidate(release=release)


Kinds = Annotated[list[FeatureKind], Field("Kinds of feature")]


@action(
    "endorsement_rule.create",
    creates=EndorsementRule,
    requires="controls.manage",
    within="train",
    label="New endorsement rule",
)
def create_endorsement_rule(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    train: Annotated[Train | None, Field("Train", "All trains when left out.")] = None,
    tier: Annotated[int | None, Field("Risk tier, this or higher", choices=TIERS)] = None,
    value: Annotated[int | None, Field("User-business value from", min=1, max=20)] = None,
    points: Annotated[int | None, Field("Points from", min=1, max=999)] = None,
    kinds: Kinds = [],  # noqa: B006 - read only
) -> EndorsementRule:
    """Say which features need a business owner's endorsement before they enter a release."""
    if not name.strip():
        refuse("endorsement_rule.name", "A rule has a name.", field="name")
    if tier is None and value is None and points is None and not kinds:
        refuse(
            "endorsement_rule.empty",
            "Name at least one condition: tier, value, points or kinds.",
            field="tier",
        )
    made = EndorsementRule.objects.create(
        train=train,
        name=name.strip(),
        tier=tier,
        value=value,
        points=points,
        kinds=[str(kind) for kind in kinds],
    )
    invalidate(organization=True)
    return made


@action("endorsement_rule.retire", on=EndorsementRule, requires="controls.manage", danger=True)
def retire_endorsement_rule(actor: Actor, rule: EndorsementRule) -> EndorsementRule:
    """Retire a rule: it asks for no endorsements any more."""
    if rule.retired_at:
        refuse("endorsement_rule.retired", f"{rule} is retired already.")
    rule.retired_at = now()
    rule.save()
    invalidate(organization=True)
    return rule


def endorsed_first(feature: Feature) -> Refusal | None:
    """What the rules say about letting a feature into a release."""
    standing = endorsements.standings([feature])[0]
    if not standing.missing:
        return None
    return Refusal(
        "feature.unendorsed",
        standing.sentence,
        remedy="A business owner endorses it first.",
        blocked_by=Ref.of(feature),
    )


def guard_feature(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """High-impact features enter no release unendorsed."""
    return endorsed_first(feature)


KIND_OF = {Classification.FEATURE: FeatureKind.FEATURE, Classification.INFRASTRUCTURE: FeatureKind.ENABLER}


def guard_item(actor: Actor, release: Any, params: dict[str, Any]) -> Refusal | None:
    """The same at the release's own door, whoever brings the feature, or an item that should be one."""
    if params.get("source_kind") == "feature" and params.get("source_id"):
        feature = Feature.objects.filter(pk=params["source_id"]).first()
        return endorsed_first(feature) if feature else None
    kind = KIND_OF.get(params.get("classification", Classification.FEATURE))
    if release is None or params.get("source_id") or kind is None or "title" not in params:
        return None
    impact = Impact(kind, params.get("tier", LEAST_TIER))
    rule = first_match(endorsements.conditions(release.train_id), impact)
    if rule is None:
        return None
    return Refusal(
        "item.unendorsed",
        f"An item like this is of high impact ({rule.name}: {rule.sentence}).",
        remedy="Write it as a feature; a business owner endorses it, then it enters the release.",
    )


def not_given_up(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """What was given up needs no word any more; what is done may still wait for its release."""
    if feature.state != FeatureState.CANCELLED:
        return None
    return Refusal("feature.closed", f"{feature} is cancelled.")


def follow_impact(actor: Actor, feature: Feature, params: dict[str, Any]) -> None:
    """A feature may come under a rule, or leave it, by its tier, value, points or kind."""
    _tell_releases(feature)


register_guard("feature.endorse", not_given_up)
register_guard("feature.add_to_release", guard_feature)
register_guard("release.add_item", guard_item)
for _verb in ("edit", "refine", "agree_score"):
    register_effect(f"feature.{_verb}", follow_impact)
