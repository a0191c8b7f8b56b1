"""Splitting what is too big: limits of a train, services touched, parts that inherit, and the whole that follows."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import Feature, FeatureDependency, FeatureService, SizeRule
from planning.queries.splitting import family
from planning.rules.splitting import PATTERNS, difference
from planning.states import CLOSED, FEATURE_STATES, LIVE_DEPENDENCY, OPEN
from releasetrain.audit.doorway import action, explain_constraint, register_effect, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse
from trains.models import Service, Team, Train

from .features import belongs_to, open_only

explain_constraint("feature_parent_another", "A feature cannot be a part of itself.")

MOST_PARTS = 20
_PART = {"title", "points", "team", "acceptance"}


@action("size_rule.set", creates=SizeRule, requires="planning.commit", within="train", label="Set the limits")
def set_size_rule(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    most_points: Annotated[int, Field("Largest job size", min=1, max=999)] = 13,
    most_teams: Annotated[int, Field("Most teams touched", min=1, max=99)] = 2,
    most_services: Annotated[int, Field("Most services touched", min=1, max=99)] = 3,
) -> SizeRule:
    """Say from which size on features of a train are too big."""
    rule = SizeRule.objects.filter(train=train).first() or SizeRule(train=train)
    rule.most_points, rule.most_teams, rule.most_services = most_points, most_teams, most_services
    rule.save()
    return rule


@action("feature.touch", on=Feature, requires="planning.edit", label="Name services touched")
def touch_services(
    actor: Actor,
    feature: Feature,
    *,
    services: Annotated[
        list[Service],
        Field(
            "Services that it changes",
            initial=lambda actor, subject: [
                str(s.service_id) for s in subject.touched_services.filter(ended_at=None)
            ],
        ),
    ] = [],  # noqa: B006 - never changed
) -> Feature:
    """Say which services building the feature touches; the list replaces the one before."""
    wanted = {service.pk: service for service in services}
    for row in FeatureService.objects.filter(feature=feature):
        ended_at = None if wanted.pop(row.service_id, None) else row.ended_at or now()
        if row.ended_at != ended_at:
            row.ended_at = ended_at
            row.save()
    for service in wanted.values():
        FeatureService.objects.create(feature=feature, service=service)
    return feature


@action("feature.split", on=Feature, hidden=True, requires="planning.edit", label="Split")
def split_feature(
    actor: Actor,
    feature: Feature,
    *,
    pattern: Annotated[str, Field("Split by", choices=tuple((p.name, p.title) for p in PATTERNS))],
    parts: Annotated[
        list, Field("Parts", "Each with its title, and if wanted points, team and acceptance criteria.")
    ],
    difference_reason: Annotated[
        str, Field("Why the sizes differ", "When the parts do not add up to the whole.", max_length=300)
    ] = "",
) -> Feature:
    """Split a feature into parts; they inherit its links, and the whole is done when all of them are."""
    made = _checked(feature, parts)
    told = difference(_whole(feature), [part["points"] for part in made])
    if told and not difference_reason.strip():
        refuse(
            "feature.split_sum",
            told,
            remedy="Correct the sizes, or say why they differ.",
            field="difference_reason",
            status=422,
        )
    links = (
        list(FeatureDependency.objects.filter(consumer=feature, state__in=LIVE_DEPENDENCY)),
        list(FeatureDependency.objects.filter(provider=feature, state__in=LIVE_DEPENDENCY)),
    )
    touched = list(FeatureService.objects.filter(feature=feature, ended_at=None))
    for part in made:
        _inherit(_child(feature, pattern, part), *links, touched)
    for dependency in [*links[0], *links[1]]:
        dependency.state, dependency.reason = "withdrawn", f"{feature} was split; its parts carry it on"
        dependency.save()
    feature.split_note = difference_reason.strip() if told else ""
    # The parts are planned, not the whole.
    feature.iteration = feature.pi = None
    if feature.state == "planned":
        feature.state = "ready"
    feature.save()
    return feature


def _whole(feature: Feature) -> int | None:
    return feature.job_size if feature.points is None else feature.points


def _checked(feature: Feature, parts: list[Any]) -> list[dict[str, Any]]:
    """The parts as they will be made; every fault of every part is named."""
    wrong: list[str] = []
    made: list[dict[str, Any]] = []
    if not 2 <= len(parts) <= MOST_PARTS:
        wrong.append(f"A feature is split into 2 to {MOST_PARTS} parts, not {len(parts)}.")
    teams = {t.code: t for t in Team.objects.filter(train=feature.train_id)}
    by_id = {str(t.pk): t for t in teams.values()}
    for number, part in enumerate(parts[:MOST_PARTS], 1):
        if not isinstance(part, dict) or set(part) - _PART:
            wrong.append(f"Part {number}: give title, points, team and acceptance, nothing else.")
            continue
        title, points, team = part.get("title"), part.get("points"), part.get("team")
        if not isinstance(title, str) or not 0 < len(title.strip()) <= 200 or "\0" in title:
            wrong.append(f"Part {number}: give it a title of at most 200 characters.")
        if points is not None and (
            not isinstance(points, int) or isinstance(points, bool) or not 1 <= points <= 999
        ):
            wrong.append(f"Part {number}: points are a whole number from 1 to 999.")
        acceptance = part.get("acceptance") or ""
        if not isinstance(acceptance, str) or len(acceptance) > 20_000 or "\0" in acceptance:
            wrong.append(f"Part {number}: acceptance criteria are a text.")
        chosen = teams.get(str(team)) or by_id.get(str(team)) if team else feature.team
        if team and chosen is None:
            wrong.append(f"Part {number}: {feature.train} has no team {str(team)[:40]}.")
        made.append({"title": title, "points": points, "team": chosen, "acceptance": acceptance})
    if wrong:
        raise Refused(*[Refusal("feature.split_parts", w, field="parts", status=422) for w in wrong])
    return made


def _child(feature: Feature, pattern: str, part: dict[str, Any]) -> Feature:
    """A part as it begins: not refined, but with everything that is true of the whole."""
    child = Feature(
        train=feature.train,
        team=part["team"],
        theme=feature.theme,
        title=part["title"].strip(),
        kind=feature.kind,
        acceptance=part["acceptance"].strip(),
        constraints=feature.constraints,
        points=part["points"],
        tier=feature.tier,
        compliance_class=feature.compliance_class,
        source_kind=feature.source_kind,
        source_id=feature.source_id,
        source_label=feature.source_label,
        exposure_likelihood=feature.exposure_likelihood,
        exposure_impact=feature.exposure_impact,
        exposure_reason=feature.exposure_reason,
        parent=feature,
        split_pattern=pattern,
    )
    child.save()
    return child


def _inherit(
    child: Feature,
    needs: list[FeatureDependency],
    needed_by: list[FeatureDependency],
    touched: list[FeatureService],
) -> None:
    """Links of the whole are links of each part, proposed anew: the other side agreed to something larger."""
    for each in needs:
        FeatureDependency.objects.create(
            provider=each.provider, consumer=child, what=each.what, needed_in=each.needed_in
        )
    for each in needed_by:
        FeatureDependency.objects.create(
            provider=child, consumer=each.consumer, what=each.what, needed_in=each.needed_in
        )
    for row in touched:
        FeatureService.objects.create(feature=child, service=row.service)


def _possible_wholes(actor: Actor, subject: Any) -> Any:
    rows = Feature.objects.filter(state__in=OPEN).order_by("key")
    return rows.filter(train_id=subject.train_id).exclude(pk=subject.pk) if subject is not None else rows


@action("feature.set_parent", on=Feature, requires="planning.edit", label="Make part of another")
def set_parent(
    actor: Actor,
    feature: Feature,
    *,
    parent: Annotated[
        Feature | None, Field("The whole", "Empty when it stands by itself.", rows=_possible_wholes)
    ] = None,
) -> Feature:
    """Make a feature a part of a larger one, or let it stand by itself."""
    if parent is not None:
        belongs_to(feature.train_id, parent=parent)
        above: Feature | None = parent
        while above is not None:
            if above.pk == feature.pk:
                refuse(
                    "feature.parent_circle",
                    f"{parent} is a part of {feature} itself.",
                    remedy="Choose a feature that is not below it.",
                    blocked_by=Ref.of(parent),
                    field="parent",
                )
            above = above.parent
        if parent.iteration_id:
            refuse(
                "feature.planned",
                f"{parent} is planned for {parent.team}.",
                remedy="Take it off the board first; its parts are planned instead.",
                blocked_by=Ref.of(parent),
                field="parent",
            )
    feature.parent = parent
    feature.save()
    return feature


@action("feature.roll_up", on=Feature, hidden=True, requires="planning.plan", machine=FEATURE_STATES)
def roll_up(actor: Actor, feature: Feature) -> Feature:
    """Declare a split feature done, because all its parts are settled."""
    found = family(feature)
    if found is None or not found.settled or not found.done:
        refuse(
            "feature.parts_open",
            f"{feature} has no parts that are all settled.",
            remedy="Finish or give up each of its parts.",
            blocked_by=Ref.of(feature),
        )
    return feature


def whole_follows(actor: Actor, feature: Feature, params: dict[str, Any]) -> None:
    """The whole is done with the last of its parts."""
    whole = feature.parent
    if whole is None or whole.state in CLOSED:
        return
    found = family(whole)
    if found is not None and found.settled and found.done:
        roll_up(Actor.system(actor.organization_id, f"the last part of {whole} was settled"), whole)


def parts_instead(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """Of a split feature, the parts are planned and finished."""
    parts = list(Feature.objects.filter(parent=feature).order_by("key").values_list("key", flat=True)[:4])
    if not parts:
        return None
    named = ", ".join(parts[:3]) + (" and more" if len(parts) > 3 else "")
    return Refusal(
        "feature.split",
        f"{feature} is split into parts.",
        remedy=f"Act on {named}.",
        blocked_by=Ref.of(feature),
    )


def split_once(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    if feature.state == "in_progress":
        return Refusal(
            "feature.started",
            f"{feature} is in progress.",
            remedy="Create features for what is left, and finish this one.",
            blocked_by=Ref.of(feature),
        )
    return parts_instead(actor, feature, params)


for _verb in ("touch", "split", "set_parent"):
    register_guard(f"feature.{_verb}", open_only)
register_guard("feature.split", split_once)
for _verb in ("place", "start", "complete"):
    register_guard(f"feature.{_verb}", parts_instead)
for _verb in ("complete", "cancel", "roll_up"):
    register_effect(f"feature.{_verb}", whole_follows)
