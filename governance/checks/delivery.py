"""Checks of how a release is delivered: its flags, its canary, its staged path, and whether failures would be noticed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from trains.models import CanaryAnalysis, Environment, FailureDrill, Rollout, Service
from trains.queries import feature_flags as flags
from trains.queries.rollouts import marked_items, obligations_of
from trains.rules.feature_flags import Light

from .context import CheckContext
from .parameters import count, flag, one_of, percentage, texts
from .registry import Outcome, check, failed, passed, pending

_SHOWN = 5
_ANYWHERE = "any"
_KINDS = ((_ANYWHERE, "any environment"), *((k.value, k.label.lower()) for k in Environment.Kind))


def _named(sentences: list[str]) -> str:
    more = len(sentences) - _SHOWN
    return " ".join(sentences[:_SHOWN]) + (f" And {more} more." if more > 0 else "")


@check(
    "feature-flags",
    title="Feature flags",
    parameters={
        "stale": flag("Stale flags fail", False, "Removal overdue, owned by nobody, long on for everybody."),
        "dark": flag("New work starts dark", False, "Flags that the release brings are off there."),
    },
    words=lambda stale, dark: (
        "No flags of the services contradict each other in the environment"
        + (", none is stale" if stale else "")
        + (", and what the release brings behind flags is off there." if dark else ".")
    ),
    max_age_hours=1,
)
def feature_flags(ctx: CheckContext, *, stale: bool, dark: bool) -> Outcome:
    """Contradictions among the flags of the services, stale ones, and whether new work would be seen at once."""
    services = {s.pk for s in ctx.services}
    every = list(flags.in_force())
    mine = [f for f in every if f.service_id in services or (ctx.release and f.release_id == ctx.release.pk)]
    brought = [f for f in mine if ctx.release and f.release_id == ctx.release.pk]
    found = flags.register(mine)
    wrong = [c for c in found.conflicts if c.environment == ctx.environment.name]
    old = [e for e in found.entries if e.stale] if stale else []
    lights = {
        f.pk: state.light if (state := flags.states_of(f).get(ctx.environment.name)) else Light.UNKNOWN
        for f in brought
    }
    facts: dict[str, Any] = {
        "flags": sorted(str(f.pk) for f in mine),
        "conflicts": sorted(c.sentence for c in wrong),
        "stale": sorted([e.flag.name, *e.stale] for e in old),
        "lights": sorted([str(pk), str(light)] for pk, light in lights.items()),
    }
    if wrong:
        concerned = {f.id for c in wrong for f in c.flags}
        return failed(
            _named([c.sentence for c in wrong]),
            "Switch one of them, or correct what the register says of them.",
            evidence=[f for f in every if f.pk in concerned],
            facts=facts,
        )
    if old:
        return failed(
            _named([f"{e.flag.name}: {e.stale[0]}" for e in old]),
            "Remove the flag from the code, or say whose it is and until when it stays.",
            evidence=[e.flag for e in old],
            facts=facts,
        )
    if dark:
        seen = [f for f in brought if lights[f.pk] in (Light.LIVE, Light.PARTLY)]
        if seen:
            return failed(
                f"{', '.join(f.name for f in seen[:_SHOWN])} would be seen in {ctx.environment} at once.",
                "Switch it off there before the deployment.",
                evidence=seen,
                facts=facts,
            )
        silent = [f for f in brought if lights[f.pk] is Light.UNKNOWN]
        if silent:
            return pending(
                f"Nobody reported whether {', '.join(f.name for f in silent[:_SHOWN])} is off in {ctx.environment}.",
                "Have its provider report it.",
                evidence=silent,
                facts=facts,
            )
    said = f"{len(mine)} flags, none contradicts another" if mine else "No flag concerns these services"
    return passed(f"{said} in {ctx.environment}.", evidence=mine[:20], facts=facts)


@check(
    "canary-score",
    title="Canary score",
    subject="release",
    parameters={
        "minimum": percentage("Least score", 95, "Of the weight of all metrics that are judged."),
        "environment_kind": one_of("Judged in", _ANYWHERE, _KINDS),
        "tier": count("Services down to tier", 4, "1 is the most critical.", most=4),
    },
    words="The latest canary analysis of each service of the release scored at least {minimum} %, on enough data.",
    max_age_hours=24,
)
def canary_score(ctx: CheckContext, *, minimum: float, environment_kind: str, tier: int) -> Outcome:
    """What the judge said last of each service's build: a fail fails, and too little data is no pass."""
    assert ctx.release is not None  # the runner asks this of releases only
    services = [s for s in ctx.services if s.tier <= tier]
    rows = CanaryAnalysis.objects.filter(
        release=ctx.release, service__in=[s.pk for s in services], judged_at__lte=ctx.at
    )
    if environment_kind != _ANYWHERE:
        rows = rows.filter(environment__kind=environment_kind)
    latest = {
        a.service_id: a
        for a in rows.order_by("service_id", "-judged_at", "-pk")
        .distinct("service_id")
        .select_related("service")
    }
    facts: dict[str, Any] = {
        "analyses": sorted(
            [str(s.pk), *((a.key, a.verdict, a.score) if (a := latest.get(s.pk)) else ())] for s in services
        )
    }
    if not services:
        return passed("No service of the release has to be judged.", facts=facts)
    bad = [a for a in latest.values() if a.verdict == "fail" or (_decided(a) and a.score < minimum)]
    if bad:
        return failed(
            _named([f"{a.service}: {a.score:g} of 100 ({a.key})." for a in bad]),
            "Find out what became worse; a new build is judged anew.",
            evidence=bad,
            facts=facts,
        )
    missing = [s for s in services if s.pk not in latest]
    open_ = [a for a in latest.values() if not _decided(a)]
    if missing or open_:
        said = [f"{s} was not judged." for s in missing] + [f"{a.service}: {a.reason}" for a in open_]
        return pending(
            _named(said),
            "Roll the build out to a first share of traffic, and let it be compared on enough data.",
            evidence=open_,
            facts=facts,
        )
    found = list(latest.values())
    lowest = min(a.score for a in found)
    return passed(
        f"{len(found)} services judged, the lowest score is {lowest:g}.",
        evidence=found,
        facts=facts,
        as_of=min(a.judged_at for a in found),
    )


def _decided(analysis: CanaryAnalysis) -> bool:
    return analysis.verdict in ("pass", "marginal", "fail")


@check(
    "canary-plan",
    title="Staged path planned",
    subject="release",
    words="Each service of a release whose scope carries the canary marker has a rollout on a staged path there.",
    max_age_hours=24,
)
def canary_plan(ctx: CheckContext) -> Outcome:
    """The canary marker obliges the release: every build of it reaches the environment step by step."""
    assert ctx.release is not None  # the runner asks this of releases only
    marked = marked_items(ctx.release)
    owed = obligations_of(ctx.release, ctx.environment)
    facts: dict[str, Any] = {
        "marked": sorted(str(i.pk) for i in marked),
        "rollouts": sorted([str(o.service.pk), o.rollout.key if o.rollout else ""] for o in owed),
    }
    if not marked:
        return passed(f"Nothing in the scope of {ctx.release} carries the canary marker.", facts=facts)
    if not owed:
        return pending(
            f"{ctx.release} has no build attached.", "Attach the release's artifacts.", facts=facts
        )
    bare = [o for o in owed if o.rollout is None or o.rollout.state == Rollout.State.ROLLED_BACK]
    if bare:
        return failed(
            f"{marked[0]} carries the canary marker, and {', '.join(o.service.name for o in bare[:_SHOWN])}"
            f" has no rollout to {ctx.environment}.",
            "Plan a rollout of each service on a staged path.",
            evidence=marked,
            facts=facts,
        )
    return passed(
        f"{len(owed)} rollouts to {ctx.environment} are planned.",
        evidence=[o.rollout for o in owed if o.rollout],
        facts=facts,
    )


@check(
    "failure-drill",
    title="Failure drill",
    parameters={
        "days": count("Within days", 180, "Counted back from the moment of asking.", most=1_000),
        "tier": count("Services down to tier", 2, "1 is the most critical.", most=4),
        "signals": texts(
            "Ways of failing", (), "latency, traffic, errors, saturation, dependency; empty: any one of them"
        ),
    },
    words="A failure drill of each critical service passed within {days} days: its alerts fired in time.",
    max_age_hours=24,
)
def failure_drill(ctx: CheckContext, *, days: int, tier: int, signals: list[str]) -> Outcome:
    """The latest drill of each service, and of each way of failing that is named, passed lately enough."""
    services = [s for s in ctx.services if s.tier <= tier]
    wanted: list[str] = signals or [""]
    since = ctx.at - timedelta(days=days)
    rows = FailureDrill.objects.filter(
        service__in=[s.pk for s in services], state__in=["passed", "failed"], ended_at__lte=ctx.at
    ).order_by("ended_at", "pk")
    latest: dict[tuple[Any, str], FailureDrill] = {}
    for drill in rows:
        for key in ("", drill.signal):
            latest[drill.service_id, key] = drill
    asked = [(s, signal, latest.get((s.pk, signal))) for s in services for signal in wanted]
    facts: dict[str, Any] = {
        "drills": sorted(
            [str(s.pk), signal, d.key if d else "", d.state if d else ""] for s, signal, d in asked
        )
    }
    wrong = [(s, signal, d) for s, signal, d in asked if d is None or d.state == "failed" or _over(d, since)]
    if wrong:
        return failed(
            _named([_said(s, signal, d, days) for s, signal, d in wrong]),
            "Plan a drill with the alerts that must fire, and carry it out.",
            evidence=[d for _, _, d in wrong if d],
            facts=facts,
        )
    if not services:
        return passed(f"No service of tier {tier} or above is concerned.", facts=facts)
    found = [d for _, _, d in asked if d and d.ended_at]
    oldest = min(d.ended_at for d in found if d.ended_at)
    return passed(
        f"{len(services)} services have a drill that passed within {days} days.",
        evidence=found,
        facts=facts,
        valid_until=oldest + timedelta(days=days),
    )


def _over(drill: FailureDrill, since: Any) -> bool:
    return drill.ended_at is None or drill.ended_at < since


def _said(service: Service, signal: str, drill: FailureDrill | None, days: int) -> str:
    way = f" of {signal}" if signal else ""
    if drill is None:
        return f"No drill{way} of {service} was carried out."
    if drill.state == "failed":
        return f"{drill.key} of {service} failed: an alert did not fire in time."
    return f"The last drill{way} of {service} is older than {days} days."
