"""The gate checks of planning: what a release needs, what its risk tiers require, and how it is tested."""

from __future__ import annotations

from governance.checks.context import CheckContext
from governance.checks.registry import Outcome, check, failed, passed, pending
from planning.models import FeatureDependency, FeatureRequirement, TierAssessment
from planning.queries.strategy import features_in_scope, readiness
from planning.states import DependencyState, FeatureState
from trains.models import ScopeItem

SETTLED = (DependencyState.COMMITTED, DependencyState.DONE)


@check(
    "scope-dependencies",
    title="Scope dependencies",
    subject="release",
    words="Whatever a feature in scope needs is delivered, or its delivery is committed.",
)
def scope_dependencies(ctx: CheckContext) -> Outcome:
    """Every dependency of every feature in the release's scope is done or committed."""
    assert ctx.release is not None  # the runner asks this of releases only
    in_scope = ScopeItem.objects.filter(release=ctx.release, source_kind="feature", removed_at__isnull=True)
    ids = list(in_scope.values_list("source_id", flat=True))
    needs = list(
        FeatureDependency.objects.filter(consumer__in=ids)
        .exclude(state=DependencyState.WITHDRAWN)
        .select_related("provider", "consumer")
        .order_by("consumer__key", "provider__key")
    )
    facts = {
        "features": sorted(str(i) for i in ids),
        "dependencies": [[str(d.pk), d.state, d.provider.state] for d in needs],
    }
    open_ = [d for d in needs if d.state not in SETTLED and d.provider.state != FeatureState.DONE]
    if not open_:
        said = f"Dependencies of the {len(ids)} features in scope: {len(needs)}, all done or committed."
        return passed(said, facts=facts)
    named = "; ".join(
        f"{d.consumer} needs {d.provider} “{d.provider.title}”, which is {d.get_state_display().lower()}"
        for d in open_[:5]
    )
    more = f"; and {len(open_) - 5} more" if len(open_) > 5 else ""
    return failed(
        f"{named}{more}.",
        "Have the provider commit or finish it, or take the feature out of the scope.",
        evidence=[d.provider for d in open_],
        facts=facts,
    )


@check(
    "test-strategy",
    title="Test strategies",
    subject="release",
    words="The release and every feature in scope have an agreed test strategy without grave gaps.",
)
def test_strategies(ctx: CheckContext) -> Outcome:
    """The test strategies of the release and of the features in its scope are agreed and stand."""
    assert ctx.release is not None  # the runner asks this of releases only
    found = readiness(ctx.release)
    each = [found.own, *found.features]
    facts = {"strategies": [[str(s.subject.pk), [gap.code for gap in s.grave]] for s in each]}
    lacking = [s for s in each if s.grave]
    if not lacking:
        return passed(f"All {len(each)} test strategies are agreed and stand.", facts=facts)
    named = "; ".join(f"{s.subject}: {s.grave[0].sentence}" for s in lacking[:5])
    more = f" And {len(lacking) - 5} more." if len(lacking) > 5 else ""
    return failed(
        f"{named}{more}",
        "Close the gaps that each test strategy names, and have the quality owner agree.",
        evidence=[s.strategy or s.subject for s in lacking],
        facts=facts,
    )


@check(
    "tier-requirements",
    title="Risk tier requirements",
    subject="release",
    words="Every feature in scope has a risk tier from answers, and what the tier requires is met.",
)
def tier_requirements(ctx: CheckContext) -> Outcome:
    """Reviews, tests and checkpoints that the risk tiers of the features in scope require are met."""
    assert ctx.release is not None  # the runner asks this of releases only
    features = features_in_scope(ctx.release)
    assessed = set(TierAssessment.objects.filter(feature__in=features).values_list("feature_id", flat=True))
    asked = list(
        FeatureRequirement.objects.filter(feature__in=features, dropped_at__isnull=True)
        .select_related("feature")
        .order_by("feature__key", "kind", "name")
    )
    facts = {
        "tiers": [[str(f.pk), f.tier, f.pk in assessed] for f in features],
        "requirements": [[str(r.pk), r.met_at is not None] for r in asked],
    }
    unassessed = [f for f in features if f.pk not in assessed]
    if unassessed:
        named = ", ".join(str(f) for f in unassessed[:5])
        return pending(
            f"Nobody has assessed the risk of {named}.",
            "Answer the questions of the risk assessment.",
            evidence=unassessed,
            facts=facts,
        )
    unmet = [r for r in asked if r.met_at is None]
    if unmet:
        named = "; ".join(f"{r.feature} needs {r.name}" for r in unmet[:5])
        more = f"; and {len(unmet) - 5} more" if len(unmet) > 5 else ""
        return failed(f"{named}{more}.", "Record what shows that each is met.", evidence=unmet, facts=facts)
    return passed(f"All {len(asked)} requirements of {len(features)} features are met.", facts=facts)
