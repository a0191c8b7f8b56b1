"""The gate check of dependencies between trains: a release does not go before what its scope needs of other trains."""

from __future__ import annotations

from governance.checks.context import CheckContext
from governance.checks.registry import Outcome, check, failed, passed
from planning.models import TrainNeed
from trains.models import ScopeItem, TrainDependency

_S = TrainDependency.State
FAILING = (_S.PROPOSED, _S.BROKEN)
_WORDS = {_S.PROPOSED: "is not agreed yet", _S.BROKEN: "is broken"}


@check(
    "train-dependencies",
    title="Dependencies between trains",
    subject="release",
    words="Whatever the release and the features in its scope need of other trains is agreed, and none of it is broken.",
)
def train_dependencies(ctx: CheckContext) -> Outcome:
    """Every dependency on another train, of the release or of a feature in its scope, is agreed, at risk or met."""
    assert ctx.release is not None  # the runner asks this of releases only
    in_scope = ScopeItem.objects.filter(release=ctx.release, source_kind="feature", removed_at__isnull=True)
    needs = list(
        TrainNeed.objects.filter(
            feature__in=in_scope.values("source_id"), dropped_at__isnull=True
        ).select_related("feature", "dependency__provider")
    )
    asked_for = {need.dependency_id: str(need.feature) for need in needs}
    found = {need.dependency_id: need.dependency for need in needs}
    for each in TrainDependency.objects.filter(release=ctx.release).select_related("provider"):
        found.setdefault(each.pk, each)
    listed = sorted(found.values(), key=lambda d: (d.needed_by, str(d.pk)))
    facts = {"train_dependencies": [[str(d.pk), d.state] for d in listed]}
    open_ = [d for d in listed if d.state in FAILING]
    if not open_:
        risky = sum(d.state == _S.AT_RISK for d in listed)
        said = f"Dependencies on other trains: {len(listed)}, all agreed or met"
        return passed(f"{said}; {risky} at risk." if risky else f"{said}.", facts=facts)
    named = "; ".join(
        f"{asked_for.get(d.pk, str(ctx.release.key))} needs “{d.what}” of {d.provider.name}, which {_WORDS[_S(d.state)]}"
        for d in open_[:5]
    )
    more = f"; and {len(open_) - 5} more" if len(open_) > 5 else ""
    return failed(
        f"{named}{more}.",
        "Have the provider agree, or take what needs it out of the scope.",
        evidence=open_,
        facts=facts,
    )
