"""The gate check of planning: a release does not go before what its features need."""

from __future__ import annotations

from governance.checks.context import CheckContext
from governance.checks.registry import Outcome, check, failed, passed
from planning.models import FeatureDependency
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
