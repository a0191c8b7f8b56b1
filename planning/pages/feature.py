"""What the page of a feature shows beyond its facts and neighbours."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from planning.actions.dependencies import create_dependency
from planning.actions.endorsements import endorse_feature
from planning.actions.placement import place_feature
from planning.actions.scoring import agree_score, score_feature
from planning.models import PARTS, Feature, FeatureDependency
from planning.pages.feature_quality import quality_of
from planning.queries import backlog, endorsements, increments
from planning.rules.wsjf import TITLES
from planning.states import DependencyState
from releasetrain.interface import links
from releasetrain.interface.resources import by_kind, resource_of
from releasetrain.interface.views.objects import verbs_of
from trains.models import ScopeItem


def feature_page(request: Any, feature: Feature) -> dict[str, Any]:
    """Score and spread, place in the plan, dependencies both ways, releases, and where its forms are."""
    live = FeatureDependency.objects.exclude(state=DependencyState.WITHDRAWN)
    pi = feature.pi or increments.current(
        [pi for pi in increments.choosable() if pi.train_id == feature.train_id],
        increments.today_of(feature.train),
    )
    score = score_feature.decide(request.actor, feature)
    agree = agree_score.decide(request.actor, feature)
    org = request.organization.slug
    return {
        "place": backlog.ranks().get(feature.pk),
        "said": backlog.scoring(feature),
        "parts": [(TITLES["size" if n == "job_size" else n], getattr(feature, n)) for n in PARTS],
        "score_decision": score if score.allowed else agree,
        "scoring_url": reverse("planning:scoring", args=[org, feature.key]),
        "needs": list(
            live.filter(consumer=feature).select_related("provider__team", "needed_in").order_by("created_at")
        ),
        "needed_by": list(
            live.filter(provider=feature).select_related("consumer__team", "needed_in").order_by("created_at")
        ),
        "items": list(
            ScopeItem.objects.filter(
                source_kind="feature", source_id=feature.pk, removed_at__isnull=True
            ).select_related("release")
        ),
        "endorsement": endorsements.standings([feature])[0],
        "endorse": (endorse_feature.decide(request.actor, feature), links.verb_url(endorse_feature, feature)),
        "trade_offs": list(feature.trade_offs.select_related("trade_off").order_by("-created_at")[:10]),
        "trade_off_url": f"{links.page_root()}trade-offs/start/?train={feature.train.key}&item={feature.key}",
        **_acts(request, feature),
        **quality_of(request, feature),
        "source": _source(request, feature),
        "plan_pi": pi,
        "board_url": reverse("planning:board", args=[org, pi.pk]) if pi else "",
        "move_decision": place_feature.decide(request.actor, feature),
        "move_url": reverse("planning:move", args=[org, pi.pk, feature.key]) if pi else "",
        "needs_decision": create_dependency.decide(request.actor, None, {"consumer": feature}),
        "needs_url": f"{links.verb_url(create_dependency)}?consumer={feature.key}",
    }


def _source(request: Any, feature: Feature) -> Any:
    """What the feature came from, e.g. a problem, when this installation knows the kind."""
    resource = by_kind(feature.source_kind.replace("_", "")) if feature.source_kind else None
    return resource.find(request.actor, str(feature.source_id)) if resource and feature.source_id else None


# The next step of a feature's way; everything else stands under More.
NEXT = {
    "funnel": "feature.refine",
    "analysis": "feature.refine",
    "planned": "feature.start",
    "in_progress": "feature.complete",
}


def _acts(request: Any, feature: Feature) -> dict[str, Any]:
    resource = resource_of(feature)
    assert resource is not None
    verbs = verbs_of(request, resource, feature)
    lead = next((v for v in verbs if v["action"].verb == NEXT.get(feature.state)), None)
    rest = [v for v in verbs if v is not lead]
    return {
        "lead": lead,
        "further": [v for v in rest if v["decision"].allowed],
        "refused": [v for v in rest if not v["decision"].allowed],
    }
