"""Gate checks of maturity: the features in scope are as far along as the environment wants, and done as agreed."""

from __future__ import annotations

from governance.checks.context import CheckContext
from governance.checks.parameters import one_of
from governance.checks.registry import Outcome, check, failed, passed, pending
from planning.models import DoneMark, Feature
from planning.queries.definition import lines_in_force
from planning.queries.strategy import features_in_scope
from planning.rules.definition import same
from planning.states import FeatureState

_F = FeatureState
# How mature a feature is, from idea to use; what is cancelled has left the way.
_ORDER = (_F.FUNNEL, _F.ANALYSIS, _F.READY, _F.PLANNED, _F.IN_PROGRESS, _F.DONE)


@check(
    "definition-of-done",
    title="Definition of Done",
    subject="release",
    words="Every feature in scope meets every line of the Definition of Done in force for its team.",
)
def definition_of_done(ctx: CheckContext) -> Outcome:
    """The lines in force of the train and team, each marked as met for every feature in the release's scope."""
    assert ctx.release is not None  # the runner asks this of releases only
    features = features_in_scope(ctx.release)
    by_train: dict[object, list[Feature]] = {}
    for feature in features:
        by_train.setdefault(feature.train_id, []).append(feature)
    force = {train: lines_in_force(train, {f.team_id for f in rows}) for train, rows in by_train.items()}
    marks: dict[object, set[str]] = {}
    rows = DoneMark.objects.filter(feature__in=features, withdrawn_at__isnull=True)
    for feature_id, text in rows.values_list("feature_id", "text"):
        marks.setdefault(feature_id, set()).add(same(text))
    open_: list[tuple[Feature, list[str]]] = []
    undefined = [f for f in features if not force[f.train_id]]
    for feature in features:
        lines = [*force[feature.train_id].get(None, []), *force[feature.train_id].get(feature.team_id, [])]
        wanted = {same(line.text): line.text for line in lines}
        missing = [text for word, text in wanted.items() if word not in marks.get(feature.pk, set())]
        if missing:
            open_.append((feature, missing))
    facts = {
        "features": sorted(str(f.pk) for f in features),
        "undefined": sorted(str(f.pk) for f in undefined),
        "open": sorted([str(f.pk), *missing] for f, missing in open_),
    }
    if undefined:
        return pending(
            f"No Definition of Done is in force for {undefined[0]}.",
            "Publish the train's Definition of Done.",
            evidence=undefined,
            facts=facts,
        )
    if open_:
        named = "; ".join(
            f"{f} lacks “{m[0]}”" + (f" and {len(m) - 1} more" if m[1:] else "") for f, m in open_[:5]
        )
        more = f"; and {len(open_) - 5} more features" if len(open_) > 5 else ""
        return failed(
            f"{named}{more}.",
            "Meet the lines and mark them on the feature, or take the feature out of the scope.",
            evidence=[f for f, _ in open_],
            facts=facts,
        )
    return passed(f"All {len(features)} features in scope are done as agreed.", facts=facts)


@check(
    "scope-maturity",
    title="Maturity of scope",
    subject="release",
    parameters={
        "least": one_of(
            "At least",
            _F.DONE.value,
            tuple((s.value, s.label) for s in _ORDER[2:]),
            "Ready suits a development environment, done suits production.",
        )
    },
    words=lambda least: f"Every feature in scope is at least {_F(least).label.lower()}.",
)
def scope_maturity(ctx: CheckContext, *, least: str) -> Outcome:
    """Stages mirror the backlog: a feature is not carried further than its own state allows."""
    assert ctx.release is not None  # the runner asks this of releases only
    features = features_in_scope(ctx.release)
    enough = set(_ORDER[_ORDER.index(_F(least)) :])
    short = [f for f in features if f.state not in enough]
    facts = {"features": sorted([str(f.pk), f.state] for f in features)}
    if not short:
        return passed(
            f"All {len(features)} features in scope are at least {_F(least).label.lower()}.", facts=facts
        )
    named = ", ".join(f"{f} ({f.get_state_display().lower()})" for f in short[:5])
    more = f" and {len(short) - 5} more" if len(short) > 5 else ""
    return failed(
        f"Not {_F(least).label.lower()} yet: {named}{more}.",
        "Finish them, or take them out of the scope.",
        evidence=short,
        facts=facts,
    )
