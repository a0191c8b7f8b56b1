"""What the page of a feature shows of quality: refinement, risk tier, done, parts, reports, test strategy."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from planning.actions.definition import mark_done, unmark_done
from planning.actions.splitting import split_feature
from planning.actions.strategy import write_for_feature
from planning.actions.tiering import classify_feature, meet_requirement
from planning.models import Feature, FeatureReport, FeatureRequirement, FeatureService
from planning.queries.definition import standing
from planning.queries.splitting import bigness, family
from planning.queries.strategy import standings
from planning.queries.tiering import answers_in_words, latest_of
from planning.rules.exposure import band, proposed_risk_reduction
from planning.rules.refinement import parts
from planning.rules.splitting import PATTERN_TITLES
from releasetrain.interface import links


def quality_of(request: Any, feature: Feature) -> dict[str, Any]:
    """Everything of a feature's quality that its page has a panel for."""
    actor, org = request.actor, request.organization.slug
    assessment = latest_of(feature)
    mark = mark_done.decide(actor, feature)
    requirements = list(
        FeatureRequirement.objects.filter(feature=feature, dropped_at__isnull=True)
        .select_related("met_by", "feature")
        .order_by("kind", "name")
    )
    (strategy,) = standings([feature])
    found = family(feature)
    return {
        "refinement_parts": parts(vars(feature)),
        "assessment": assessment,
        "answers": answers_in_words(assessment) if assessment else [],
        "classify": (classify_feature.decide(actor, feature), links.verb_url(classify_feature, feature)),
        "requirements": [
            (r, meet_requirement.decide(actor, r), links.verb_url(meet_requirement, r)) for r in requirements
        ],
        "requirements_met": sum(r.met_at is not None for r in requirements),
        "tier_rule_url": reverse("planning:tier-rule", args=[org]),
        "done_lines": standing(feature),
        "mark_decision": mark,
        "mark_url": links.verb_url(mark_done, feature),
        "unmark_url": links.verb_url(unmark_done, feature),
        "done_url": reverse("planning:done", args=[org, feature.train.key]),
        "family": found,
        "big": None if found else bigness(feature),
        "split": (split_feature.decide(actor, feature), reverse("planning:split", args=[org, feature.key])),
        "split_pattern": PATTERN_TITLES.get(feature.split_pattern, ""),
        "touched": list(
            FeatureService.objects.filter(feature=feature, ended_at=None).select_related("service")
        ),
        "reports": list(FeatureReport.objects.filter(feature=feature).order_by("-reported_at")),
        "exposure_band": band(feature.exposure) if feature.exposure else "",
        "exposure_proposal": proposed_risk_reduction(feature.exposure) if feature.exposure else None,
        "strategy": strategy,
        "write_strategy": (
            write_for_feature.decide(actor, feature),
            links.verb_url(write_for_feature, feature),
        ),
    }
