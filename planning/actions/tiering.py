"""Risk tiers: answering the questions, publishing the rule, and meeting what a tier requires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from planning.models import Feature, FeatureRequirement, TierAssessment, TierRule
from planning.queries.tiering import latest_of, preview, rule_in_force, unmet_requirements
from planning.rules.tiering import BY_NAME, Tiering, faults, tiering
from planning.states import CLOSED
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse

from .features import drop_signature, open_only

explain_constraint("tier_rule_number_once", "Somebody published a rule at the same moment; look at it first.")


def _asked(name: str) -> Field:
    question = BY_NAME[name]

    def before(actor: Actor, subject: Any) -> Any:
        latest = latest_of(subject) if isinstance(subject, Feature) else None
        return latest.answers.get(name) if latest else None

    return Field(question.title, choices=tuple(question.answers.items()), initial=before)


@action("feature.classify", on=Feature, requires="planning.edit", label="Assess risk")
def classify_feature(
    actor: Actor,
    feature: Feature,
    *,
    data_sensitivity: Annotated[str, _asked("data_sensitivity")],
    user_impact: Annotated[str, _asked("user_impact")],
    authentication: Annotated[str, _asked("authentication")],
    third_party: Annotated[str, _asked("third_party")],
    regulatory_scope: Annotated[list[str], _asked("regulatory_scope")] = [],  # noqa: B006 - never changed
) -> TierAssessment:
    """Answer what makes an item risky; the rule in force makes its tier, and the tier what it requires."""
    answers = {
        "data_sensitivity": data_sensitivity,
        "user_impact": user_impact,
        "authentication": authentication,
        "third_party": third_party,
        "regulatory_scope": sorted(set(regulatory_scope)),
    }
    _refuse_unknown(answers)
    number, content, rule = rule_in_force()
    made = tiering(content, answers)
    before = (feature.tier, feature.compliance_class)
    feature.tier, feature.compliance_class = made.tier, made.compliance_class
    drop_signature(feature, ["tier"] if before != (feature.tier, feature.compliance_class) else [])
    feature.save()
    _require(feature, made, number)
    assessment = TierAssessment(
        feature=feature,
        rule=rule,
        rule_number=number,
        answers=answers,
        score=made.score,
        tier=made.tier,
        compliance_class=made.compliance_class,
        because=list(made.because),
        assessed_at=now(),
        assessed_by_id=actor.user_id,
    )
    assessment.save()
    return assessment


def _refuse_unknown(answers: Mapping[str, Any]) -> None:
    """Callers in code meet the same refusals as forms and API."""
    for name, value in answers.items():
        question = BY_NAME[name]
        for each in value if question.many else [value]:
            if each not in question.answers:
                refuse(
                    "tier.answer",
                    f"{question.title}: {each!r} is no answer.",
                    remedy=f"Answer {', '.join(question.answers)}.",
                    field=name,
                    status=422,
                )


def _require(feature: Feature, made: Tiering, number: int) -> None:
    """What the tier asks is asked; what it asks no more is dropped, and what was met stays met."""
    there = {(r.kind, r.name): r for r in FeatureRequirement.objects.filter(feature=feature)}
    for kind, name in made.requirements:
        row = there.pop((kind, name), None)
        if row is None:
            FeatureRequirement.objects.create(feature=feature, kind=kind, name=name, rule_number=number)
        elif row.dropped_at is not None:
            row.dropped_at, row.rule_number = None, number
            row.save()
    for row in there.values():
        if row.dropped_at is None:
            row.dropped_at = now()
            row.save()


@action("tier_rule.publish", creates=TierRule, hidden=True, requires="controls.manage", label="Publish rule")
def publish_tier_rule(
    actor: Actor,
    *,
    content: Annotated[
        dict[str, Any],
        Field("Rule", "Questions with points and floors, limits, and what each tier requires."),
    ],
    note: Annotated[str, Field("Why it is changed", long=True)] = "",
    dry_run: Annotated[bool, Field("Dry run", "Only say what would change.")] = False,
) -> Any:
    """Publish the next version of the tier rule; every open item is judged anew by the answers it has."""
    wrong = faults(content)
    if wrong:
        raise Refused(
            *[
                Refusal("tier_rule.invalid", fault.sentence, field="content", status=422)
                for fault in wrong[:50]
            ]
        )
    changes = preview(content)
    if dry_run:
        return {
            "changes_of_tier": sum(change.moves for change in changes),
            "items": [change.told() for change in changes],
        }
    number, present, _ = rule_in_force()
    if content == present:
        refuse("tier_rule.same", f"This is the rule in force, version {number}.", remedy="Change something.")
    if not note.strip():
        refuse("tier_rule.note", "Say why the rule is changed.", field="note", status=422)
    rule = TierRule.objects.create(
        number=number + 1,
        content=content,
        note=note.strip(),
        published_at=now(),
        published_by_id=actor.user_id,
    )
    by_rule = Actor.system(actor.organization_id, f"{rule} was published", route=actor.route)
    for change in changes:
        classify_feature(by_rule, change.feature, **change.assessment.answers)
    return rule


@action(
    "feature_requirement.meet", on=FeatureRequirement, requires="planning.edit", label="Record that it is met"
)
def meet_requirement(
    actor: Actor,
    requirement: FeatureRequirement,
    *,
    evidence: Annotated[str, Field("What shows it", "A link, or who looked at what.", max_length=500)],
) -> FeatureRequirement:
    """Say that a review, test or checkpoint was passed, and what shows it."""
    if not evidence.strip():
        refuse("requirement.evidence", "Say what shows it.", field="evidence", status=422)
    requirement.met_at, requirement.met_by_id, requirement.evidence = now(), actor.user_id, evidence.strip()
    requirement.save()
    return requirement


@action("feature_requirement.reopen", on=FeatureRequirement, requires="planning.edit")
def reopen_requirement(
    actor: Actor,
    requirement: FeatureRequirement,
    *,
    reason: Annotated[str, Field("Reason", max_length=300)],
) -> FeatureRequirement:
    """Say that it has to be met again, because what was looked at has changed."""
    requirement.met_at = requirement.met_by = None
    requirement.evidence = ""
    requirement.save()
    return requirement


def _open_requirement(actor: Actor, subject: FeatureRequirement, params: dict[str, Any]) -> Refusal | None:
    if subject.feature.state in CLOSED:
        return Refusal(
            "feature.closed",
            f"{subject.feature} is {subject.feature.state}.",
            blocked_by=Ref.of(subject.feature),
        )
    if subject.dropped_at is not None:
        return Refusal("requirement.dropped", "The tier of the feature no longer requires it.")
    return None


def _meet_unmet(actor: Actor, subject: FeatureRequirement, params: dict[str, Any]) -> Refusal | None:
    return Refusal("requirement.met", "It is met already.") if subject.met_at is not None else None


def _reopen_met(actor: Actor, subject: FeatureRequirement, params: dict[str, Any]) -> Refusal | None:
    return Refusal("requirement.open", "It is open.") if subject.met_at is None else None


def tier_asks(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """A feature is not accepted before what its tier requires is met."""
    unmet = unmet_requirements(feature)
    if not unmet:
        return None
    return Refusal(
        "feature.requirements",
        f"Tier {feature.tier} of {feature} requires more: {', '.join(str(each) for each in unmet)}.",
        remedy="Record what shows that each of them is met.",
        blocked_by=Ref.of(feature),
    )


register_guard("feature.classify", open_only)
for _verb in ("meet", "reopen"):
    register_guard(f"feature_requirement.{_verb}", _open_requirement)
register_guard("feature_requirement.meet", _meet_unmet)
register_guard("feature_requirement.reopen", _reopen_met)
register_guard("feature.complete", tier_asks)
