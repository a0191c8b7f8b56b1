"""How rollouts stand: what they wait for, what was measured, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from releasetrain.kernel.clock import now
from trains.models import (
    CanaryAnalysis,
    CanaryConfig,
    Deployment,
    Release,
    Rollout,
    RolloutCommand,
    ScopeItem,
)
from trains.ports import Blocker, blockers_of
from trains.rules.canary import Verdict
from trains.rules.rollouts import Decision, Standing, decide
from trains.rules.staged_paths import Step, stored

from .canary import Side
from .freezes import active_freezes

State = Rollout.State
_UNDER_WAY = (State.RUNNING, State.HELD, State.ROLLING_BACK)
# The worst word of several analyses counts.
_WORST_FIRST = (Verdict.FAIL, Verdict.INDETERMINATE, Verdict.MARGINAL, Verdict.PASS)
# So often an analysis of a step is made anew, at most.
SHORTEST, SHARE = timedelta(minutes=1), 10


def under_way() -> QuerySet[Rollout]:
    """Rollouts that may have something to do."""
    return Rollout.objects.filter(state__in=_UNDER_WAY).select_related(
        "service", "environment", "release__train", "deployment", "config"
    )


def awaiting(rollout: Rollout) -> RolloutCommand | None:
    """The command that has no answer yet."""
    return rollout.commands.filter(state=RolloutCommand.State.AWAITING).first()


def freezes_of(rollout: Rollout) -> list[Blocker]:
    """A freeze stops the next shift of traffic, as it stops any other change."""
    train = rollout.release.train if rollout.release else rollout.service.train
    return [
        Blocker(f"{rollout.environment} is frozen until {f.ends:%Y-%m-%d %H:%M} UTC: {f.name}.", f)
        for f in active_freezes(train, rollout.environment, rollout.service, now())
    ]


def standing_of(rollout: Rollout, blockers: list[Blocker] | None = None) -> Standing:
    """The facts by which it is decided what the rollout does next."""
    command = awaiting(rollout)
    moment = now()
    analyses = analyses_at(rollout, rollout.step)
    verdict = worst(analyses) if _complete(rollout, analyses) else None
    found = (blockers_of(rollout) if blockers is None else blockers) if rollout.is_under_way else []
    return Standing(
        state=rollout.state,
        steps=stored(rollout.steps),
        step=rollout.step,
        began_at=rollout.step_began_at,
        now=moment,
        awaiting=command is not None,
        overdue=command is not None and command.due_at < moment,
        verdict=verdict,
        reason=" ".join(a["reason"] for a in analyses if a["verdict"] == verdict),
        critical=any(a["critical"] for a in analyses),
        blockers=tuple(b.sentence for b in found),
        broken=broken(rollout.deployment),
        held_by=rollout.held_by,
        auto_advance=rollout.auto_advance,
        auto_roll_back=rollout.auto_roll_back,
    )


def next_act(rollout: Rollout) -> Decision:
    """What the rollout does next, as it stands now."""
    return decide(standing_of(rollout))


def broken(deployment: Deployment | None) -> str:
    """Why the deployment that a rollout carries has come to nothing; empty where it has not."""
    words = {
        Deployment.State.FAILED: "failed",
        Deployment.State.CANCELLED: "was cancelled",
        Deployment.State.ROLLED_BACK: "was rolled back",
    }
    if deployment is None or deployment.state not in words:
        return ""
    return f"The deployment of {deployment.version or deployment.commit[:10]} {words[Deployment.State(deployment.state)]}."


def analyses_at(rollout: Rollout, step: int) -> list[dict[str, Any]]:
    """What the analyses of a step said last; those made before the step's clock was set anew do not count."""
    since = rollout.step_began_at
    return [
        a
        for a in rollout.analyses
        if a["step"] == step and since is not None and datetime.fromisoformat(a["from"]) >= since
    ]


def worst(analyses: list[dict[str, Any]]) -> Verdict | None:
    said = {a["verdict"] for a in analyses}
    return next((v for v in _WORST_FIRST if v in said), None)


def _complete(rollout: Rollout, analyses: list[dict[str, Any]]) -> bool:
    """Every configuration of the step has spoken; one that has not leaves the step without a verdict, unless one fails."""
    if worst(analyses) is Verdict.FAIL:
        return True
    return {a["config"] for a in analyses} >= set(config_keys(rollout))


def config_keys(rollout: Rollout) -> list[str]:
    """The keys of what judges the present step."""
    steps = stored(rollout.steps)
    if not 1 <= rollout.step <= len(steps) or not steps[rollout.step - 1].judged:
        return []
    return list(steps[rollout.step - 1].configs) or [rollout.config.key]


def configs_of(rollout: Rollout) -> list[CanaryConfig]:
    return list(CanaryConfig.objects.filter(key__in=config_keys(rollout)).order_by("key"))


def sides_of(rollout: Rollout) -> tuple[Side, Side] | None:
    """Baseline and canary of the present step; None before the platform confirmed it."""
    start, end = rollout.step_began_at, now()
    if start is None or end <= start:
        return None
    return (
        Side(start, end, _filled(rollout.baseline_labels, rollout)),
        Side(start, end, _filled(rollout.canary_labels, rollout)),
    )


def _filled(labels: dict[str, str], rollout: Rollout) -> dict[str, str]:
    said = {"{version}": rollout.version, "{baseline_version}": rollout.baseline_version}
    return {key: said.get(value, value) for key, value in labels.items()}


def analysis_due(rollout: Rollout, key: str) -> bool:
    """Whether the present step is to be judged by a configuration now: first when there is something to see, then every
    tenth of its bake time, and once it is over."""
    standing = standing_of(rollout, [])
    if standing.state not in (State.RUNNING, State.HELD) or standing.awaiting or standing.began_at is None:
        return False
    made = [a for a in analyses_at(rollout, rollout.step) if a["config"] == key]
    pause = max(SHORTEST, timedelta(minutes=standing.current.bake_minutes) / SHARE)
    if not made:
        return standing.baked or standing.now >= standing.began_at + pause
    last = datetime.fromisoformat(made[0]["at"])
    until = standing.bakes_until
    if until and last < until <= standing.now:
        return True
    # A step that has failed or passed after its time has its verdict; one without an answer is asked again.
    open_ = not standing.baked or made[0]["verdict"] == Verdict.INDETERMINATE
    return open_ and standing.now >= last + pause


# -- obligations of releases


def marked_items(release: Release) -> list[ScopeItem]:
    """The items of the scope that carry the canary marker."""
    return list(release.items.filter(removed_at__isnull=True, canary=True).order_by("created_at", "id"))


@dataclass(frozen=True)
class Obligation:
    """A service of a release that has to take a staged path in an environment, and the rollout that takes it there."""

    service: Any
    rollout: Rollout | None


def obligations_of(release: Release, environment: Any) -> list[Obligation]:
    """The services that the marked items of a release oblige, each with its newest rollout; none: nothing is marked."""
    if not marked_items(release):
        return []
    found: dict[Any, Rollout] = {}
    rows = Rollout.objects.filter(release=release, environment=environment).exclude(state=State.CANCELLED)
    for rollout in rows.select_related("service", "environment").order_by("created_at"):
        found[rollout.service_id] = rollout
    carried = release.artifacts.select_related("service").order_by("service__name")
    return [Obligation(each.service, found.get(each.service_id)) for each in carried]


# -- the page


@dataclass(frozen=True)
class StepLine:
    """One step as the page shows it: done, current or ahead, with its analyses."""

    number: int
    step: Step
    state: str
    analyses: list[dict[str, Any]]


def lines_of(rollout: Rollout) -> list[StepLine]:
    """The steps with how far the rollout came."""
    ended = rollout.state in (State.COMPLETED,)
    back = rollout.state in (State.ROLLING_BACK, State.ROLLED_BACK)
    found = []
    for number, step in enumerate(stored(rollout.steps), 1):
        if ended or number < rollout.step:
            state = "done"
        elif number == rollout.step:
            state = "stop" if back else "hold" if rollout.state == State.HELD else "cur"
        else:
            state = ""
        made = [a for a in rollout.analyses if a["step"] == number]
        found.append(StepLine(number, step, state, made))
    return found


def latest_analyses(rollout: Rollout) -> list[CanaryAnalysis]:
    """The analyses of the latest step that was judged, for the table of its metrics."""
    judged = [a for a in rollout.analyses if a["step"] <= max(rollout.step, 1)]
    if not judged:
        return []
    last = max(a["step"] for a in judged)
    ids = [a["analysis"] for a in judged if a["step"] == last]
    return list(CanaryAnalysis.objects.filter(pk__in=ids).select_related("config").order_by("key"))
