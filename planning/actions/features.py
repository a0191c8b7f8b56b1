"""Writing, refining and finishing features."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from planning.models import (
    Feature,
    FeatureDependency,
    FeatureKind,
    InvestmentBucket,
    Theme,
    TierAssessment,
)
from planning.rules import refinement
from planning.states import CLOSED, FEATURE_STATES, LIVE_DEPENDENCY, FeatureState
from releasetrain.audit.doorway import action, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP, Field
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse
from trains.models import Team, Train

from . import dependencies

# Parts of a signed refinement: who changes one of them makes the signature fall.
SIGNED = ("acceptance", "feasibility", "constraints", "tier")

TIERS = ((1, "1 highest"), (2, "2"), (3, "3"), (4, "4 lowest"))


def _teams(actor: Actor, subject: Any) -> Any:
    teams = Team.objects.all()
    return teams.filter(train_id=subject.train_id) if subject is not None else teams


def _themes(actor: Actor, subject: Any) -> Any:
    themes = Theme.objects.all()
    return themes.filter(train_id=subject.train_id) if subject is not None else themes


def _buckets(actor: Actor, subject: Any) -> Any:
    buckets = InvestmentBucket.objects.all()
    return buckets.filter(train_id=subject.train_id) if subject is not None else buckets


def belongs_to(train_id: Any, **named: Any) -> None:
    """Refuse objects of another train, naming the input."""
    for field, obj in named.items():
        if obj is not None and obj.train_id != train_id:
            refuse(
                "train.other",
                f"{obj} belongs to another train.",
                remedy="Choose one of the same train.",
                field=field,
            )


@action("feature.create", creates=Feature, requires="planning.edit", within="train", label="New feature")
def create_feature(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    title: Annotated[str, Field("Title", max_length=200)],
    kind: Annotated[FeatureKind, Field("Kind")] = FeatureKind.FEATURE,
    description: Annotated[str, Field("Description", long=True)] = "",
    team: Annotated[Team | None, Field("Team", rows=_teams)] = None,
    theme: Annotated[Theme | None, Field("Theme", rows=_themes)] = None,
    acceptance: Annotated[str, Field("Acceptance criteria", long=True)] = "",
    points: Annotated[int | None, Field("Points", "Size on the board.", min=0, max=999)] = None,
    tier: Annotated[int | None, Field("Risk tier", choices=TIERS)] = None,
    source_kind: Annotated[
        str, Field("Source kind", "Where it comes from, e.g. problem.", max_length=40)
    ] = "",
    source_label: Annotated[str, Field("Source", max_length=200)] = "",
    external_id: Annotated[str, Field("External id", "Its id in another tool.", max_length=120)] = "",
) -> Feature:
    """Put a feature into the funnel of a train's backlog."""
    belongs_to(train.pk, team=team, theme=theme)
    if not title.strip():
        refuse("feature.title", "A feature has a title.", field="title")
    feature = Feature(
        train=train,
        title=title.strip(),
        kind=kind,
        description=description,
        team=team,
        theme=theme,
        acceptance=acceptance,
        points=points,
        tier=tier,
        source_kind=source_kind,
        source_label=source_label,
        external_id=external_id.strip(),
    )
    feature.save()
    return feature


@action("feature.edit", on=Feature, requires="planning.edit")
def edit_feature(
    actor: Actor,
    feature: Feature,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = KEEP,
    kind: Annotated[FeatureKind | None, Field("Kind")] = KEEP,
    description: Annotated[str | None, Field("Description", long=True)] = KEEP,
    team: Annotated[Team | None, Field("Team", rows=_teams)] = KEEP,
    theme: Annotated[Theme | None, Field("Theme", rows=_themes)] = KEEP,
    bucket: Annotated[
        InvestmentBucket | None,
        Field("Investment bucket", "By its kind when there is none.", rows=_buckets),
    ] = KEEP,
    acceptance: Annotated[str | None, Field("Acceptance criteria", long=True)] = KEEP,
    feasibility: Annotated[str | None, Field("Feasibility", long=True)] = KEEP,
    constraints: Annotated[str | None, Field("Architectural constraints", long=True)] = KEEP,
    points: Annotated[int | None, Field("Points", min=0, max=999)] = KEEP,
    tier: Annotated[int | None, Field("Risk tier", choices=TIERS)] = KEEP,
) -> Feature:
    """Change a feature. What is left out stays as it is; what is given empty is cleared.

    A change of what a technical lead signed makes the signature fall.
    """
    given = {
        "title": title,
        "kind": kind,
        "description": description,
        "team": team,
        "theme": theme,
        "bucket": bucket,
        "acceptance": acceptance,
        "feasibility": feasibility,
        "constraints": constraints,
        "points": points,
        "tier": tier,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not KEEP}
    belongs_to(feature.train_id, **{n: changes[n] for n in ("team", "theme", "bucket") if n in changes})
    _refuse_emptied(feature, changes)
    if "tier" in changes:
        _keep_assessed_tier(feature, tier)
    if "team" in changes and feature.iteration_id and changes["team"] != feature.team:
        refuse(
            "feature.planned",
            f"{feature} is planned for {feature.team}.",
            remedy="Move it on the board.",
            field="team",
        )
    for name in ("title", "description", "acceptance", "feasibility", "constraints"):
        if name in changes:
            changes[name] = (changes[name] or "").replace("\r\n", "\n").strip()
    changes = {name: value for name, value in changes.items() if value != getattr(feature, name)}
    for name, value in changes.items():
        setattr(feature, name, value)
    drop_signature(feature, changes)
    feature.save()
    return feature


def _refuse_emptied(feature: Feature, changes: dict[str, Any]) -> None:
    """A feature keeps its title and kind, and once refined what its refinement needs."""
    needed = {"title": "title", "kind": "kind"}
    if feature.refined_at is not None:
        needed |= {
            n: str(Feature._meta.get_field(n).verbose_name)
            for n in ("acceptance", "feasibility", "constraints", "points", "tier")
        }
    for name, word in needed.items():
        if (
            name in changes
            and (not changes[name] or not str(changes[name]).strip())
            and getattr(feature, name)
        ):
            refuse(
                f"feature.{name}",
                f"A {'refined ' if name not in ('title', 'kind') else ''}feature has a {word}."
                if name != "acceptance"
                else "A refined feature has acceptance criteria.",
                remedy="Give another one, or leave it out to keep what is there.",
                field=name,
            )


def drop_signature(feature: Feature, changed: Iterable[str]) -> None:
    """What was signed is no longer what stands there: the refinement waits for a technical lead again.

    A new estimate counts before the feature is in a plan; there it is a re-estimate, which a plan shows as such.
    """
    signed = {*SIGNED, "points"} if feature.state == FeatureState.READY else set(SIGNED)
    if feature.refined_at is not None and signed & set(changed):
        feature.refined_at = feature.refined_by = None
        if feature.state == FeatureState.READY:
            feature.state = FeatureState.ANALYSIS


def _keep_assessed_tier(feature: Feature, tier: int | None) -> None:
    """A tier that came of answers is changed by other answers only."""
    if tier == feature.tier:
        return
    if TierAssessment.objects.filter(feature=feature).exists():
        refuse(
            "tier.assessed",
            f"The risk tier {feature.tier} of {feature} follows from its answers.",
            remedy="Assess its risk again; the rule makes the tier.",
            field="tier",
        )


@action(
    "feature.analyse", on=Feature, requires="planning.edit", machine=FEATURE_STATES, label="Start analysis"
)
def analyse_feature(actor: Actor, feature: Feature) -> Feature:
    """Take a feature out of the funnel to be analysed."""
    return feature


@action(
    "feature.refine", on=Feature, requires="planning.refine", machine=FEATURE_STATES, label="Sign refinement"
)
def refine_feature(
    actor: Actor,
    feature: Feature,
    *,
    acceptance: Annotated[str, Field("Acceptance criteria", long=True)] = "",
    feasibility: Annotated[
        str, Field("Feasibility", "How it can be built, and what speaks against it.", long=True)
    ] = "",
    constraints: Annotated[
        str, Field("Architectural constraints", "Write “none” when there are none.", long=True)
    ] = "",
    points: Annotated[int | None, Field("Estimate in points", min=1, max=999)] = None,
    tier: Annotated[int | None, Field("Risk tier", choices=TIERS)] = None,
) -> Feature:
    """Sign the refinement as technical lead: from then on the feature may enter a PI plan."""
    if tier is not None:
        _keep_assessed_tier(feature, tier)
    given = {
        "acceptance": acceptance.strip(),
        "feasibility": feasibility.strip(),
        "constraints": constraints.strip(),
        "points": points,
        "tier": tier,
    }
    for name, value in given.items():
        if value:
            setattr(feature, name, value)
    missing = [part for part in refinement.parts(vars(feature)) if not part.given]
    if missing:
        raise Refused(
            *[
                Refusal(
                    "feature.unrefined",
                    f"Refinement needs the {part.title}.",
                    remedy="Write it here, or have it written in the feature first.",
                    field=part.name,
                    status=422,
                )
                for part in missing
            ]
        )
    feature.refined_at, feature.refined_by_id = now(), actor.user_id
    feature.save()
    return feature


@action("feature.block", on=Feature, requires="planning.plan")
def block_feature(
    actor: Actor,
    feature: Feature,
    *,
    reason: Annotated[str, Field("What blocks it", max_length=300)],
) -> Feature:
    """Say that a feature cannot go on, and why."""
    if not reason.strip():
        refuse("feature.reason", "Say what blocks it.", field="reason")
    feature.blocked_reason, feature.blocked_at = reason.strip(), now()
    feature.save()
    return feature


@action("feature.unblock", on=Feature, requires="planning.plan")
def unblock_feature(actor: Actor, feature: Feature) -> Feature:
    """Say that nothing blocks the feature any more."""
    feature.blocked_reason, feature.blocked_at = "", None
    feature.save()
    return feature


@action("feature.start", on=Feature, requires="planning.plan", machine=FEATURE_STATES)
def start_feature(actor: Actor, feature: Feature) -> Feature:
    """The team works on it now."""
    return feature


@action("feature.complete", on=Feature, requires="planning.plan", machine=FEATURE_STATES)
def complete_feature(actor: Actor, feature: Feature) -> Feature:
    """The feature is accepted; whoever needed it has it."""
    feature.blocked_reason, feature.blocked_at = "", None
    for dependency in _live(provider=feature):
        dependencies.complete_dependency(actor, dependency)
    return feature


@action(
    "feature.cancel",
    on=Feature,
    requires="planning.edit",
    machine=FEATURE_STATES,
    danger=True,
    confirm="It leaves the plan; what depends on it is shown as blocked.",
)
def cancel_feature(
    actor: Actor, feature: Feature, *, reason: Annotated[str, Field("Reason", max_length=250)]
) -> Feature:
    """Give a feature up."""
    feature.pi = feature.iteration = None
    # What it needed nobody needs any more; who needs it must hear of it.
    for dependency in _live(consumer=feature):
        dependency.state, dependency.reason = "withdrawn", f"{feature} was cancelled"
        dependency.save()
    for dependency in _live(provider=feature):
        dependency.state, dependency.reason = "blocked", f"{feature} was cancelled: {reason}"[:300]
        dependency.save()
    return feature


def _live(**ends: Feature) -> list[FeatureDependency]:
    return list(FeatureDependency.objects.filter(state__in=LIVE_DEPENDENCY, **ends))


def say_what_is_missing(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """The refinement gate: an unrefined feature cannot enter a plan."""
    missing = refinement.missing(vars(feature), signed=feature.refined_at is not None)
    if not missing:
        return None
    return Refusal(
        "feature.unrefined",
        f"{feature} is not refined. Missing: {', '.join(missing)}.",
        remedy="A technical lead refines and signs it; then it may enter a PI plan.",
        blocked_by=Ref.of(feature),
    )


def open_only(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """What is done or given up is not changed any more."""
    if feature.state in CLOSED:
        return Refusal("feature.closed", f"{feature} is {feature.state}.", blocked_by=Ref.of(feature))
    return None


def blocked_only(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """Only what is blocked can be unblocked."""
    return None if feature.blocked_reason else Refusal("feature.free", f"Nothing blocks {feature}.")


for _verb in ("edit", "score", "agree_score", "block"):
    register_guard(f"feature.{_verb}", open_only)
register_guard("feature.unblock", blocked_only)
