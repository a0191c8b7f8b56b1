"""Pages of delivery: a rollout, a rollback plan, the register of flags, drills; and their panels of the release cockpit."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from releasetrain.interface import links
from releasetrain.interface.resources import resource_of
from releasetrain.interface.views.objects import verbs_of
from releasetrain.kernel.clock import now
from trains.actions.failure_drills import over_at
from trains.actions.feature_flags import register_flag
from trains.actions.rollback_plans import create_plan, validate
from trains.actions.rollouts import confirm_command, plan_rollout
from trains.models import (
    Environment,
    FailureDrill,
    FeatureFlag,
    Release,
    RollbackPlan,
    Rollout,
    RolloutCommand,
    Service,
)
from trains.ports import Panel, blockers_of
from trains.queries import drills as drill_queries
from trains.queries import feature_flags as flag_queries
from trains.queries import rollouts as queries
from trains.rules import rollback_plans as plan_rules
from trains.rules import rollback_thresholds as thresholds
from trains.rules.feature_flags import Light
from trains.rules.rollouts import Standing

from .distributions import distributions

State = Rollout.State
_SHOWN = 100
_TONES = {"Pass": "ok", "High": "bad", "Low": "bad", "NodataFailMetric": "bad", "Nodata": "idle"}
_WORDS = {"Nodata": "No answer", "NodataFailMetric": "No data"}
_LIGHT_TONES = {Light.DARK: "idle", Light.PARTLY: "info", Light.LIVE: "ok", Light.UNKNOWN: "warn"}


def possible_verbs(request: Any, row: Any) -> list[dict[str, Any]]:
    """The verbs that the state makes possible; the others would only be a row of locks."""
    resource = resource_of(row)
    assert resource is not None
    return [
        verb
        for verb in verbs_of(request, resource, row)
        if "state.illegal" not in {r.code for r in verb["decision"].refusals}
    ]


# -- rollouts


def rollout_page(request: Any, rollout: Rollout) -> dict[str, Any]:
    """How far the traffic is moved, what was measured, and what happens next."""
    blockers = blockers_of(rollout) if rollout.is_under_way or rollout.state == State.PLANNED else []
    standing = queries.standing_of(rollout, blockers)
    command = queries.awaiting(rollout)
    return {
        "verbs": possible_verbs(request, rollout),
        "lines": queries.lines_of(rollout),
        "standing": standing,
        "command": command,
        "confirm": (confirm_command.decide(request.actor, command), links.verb_url(confirm_command, command))
        if command
        else None,
        "next": what_next(rollout, standing, command),
        "blockers": blockers,
        "analyses": [_analysis(a) for a in queries.latest_analyses(rollout)],
        "analyses_step": max((a["step"] for a in rollout.analyses), default=0),
        "root": links.page_root(),
        "commands": list(rollout.commands.order_by("-number")[:_SHOWN]),
    }


def what_next(rollout: Rollout, standing: Standing, command: RolloutCommand | None) -> str:
    """What happens next, and what it depends on, in a sentence or two."""
    first = standing.steps[0].weight if standing.steps else 0
    told = {
        State.PLANNED: f"Nothing was sent yet. Once it is started, the platform is told to move {first} % of the traffic.",
        State.CANCELLED: "It was withdrawn before it began.",
        State.COMPLETED: f"All traffic is on {rollout.version}.",
        State.ROLLED_BACK: f"All traffic is back on {rollout.baseline_version or 'the version before'}.",
    }
    if rollout.state in told:
        return told[State(rollout.state)]
    if command is not None:
        what = "to take all traffic back" if command.weight == 0 else f"{command.weight} % of the traffic"
        return (
            f"The platform has to confirm command {command.number}: {what}, until {command.due_at:%H:%M} UTC."
            " Nothing else happens before it does."
        )
    if rollout.state == State.HELD:
        return _ends_the_hold(rollout)
    return _after_baking(rollout, standing)


def _ends_the_hold(rollout: Rollout) -> str:
    ends = {
        Rollout.HeldBy.BLOCKER: "It goes on by itself once that is settled; the step then bakes anew.",
        Rollout.HeldBy.DATA: "It goes on by itself once there is enough data to judge; too little is never a pass.",
        Rollout.HeldBy.ANALYSIS: "A person resumes it so that the step bakes anew, leads on, or orders the rollback.",
        Rollout.HeldBy.COMMAND: "A person looks at the platform and resumes it, or orders the rollback.",
        Rollout.HeldBy.PERSON: "A person leads on, resumes it, or orders the rollback.",
    }
    return ends[Rollout.HeldBy(rollout.held_by)]


def _after_baking(rollout: Rollout, standing: Standing) -> str:
    last = standing.step >= len(standing.steps)
    then = "it is complete" if last else f"{standing.steps[standing.step].weight} % follows"
    if not rollout.auto_advance and not last:
        then = "a person leads on"
    until = standing.bakes_until
    passing = " and every analysis passes" if standing.current.judged else ""
    back = (
        "If one fails, the traffic goes back by itself."
        if rollout.auto_roll_back
        else "If one fails, it is held for a person."
    )
    when = f"after {until:%d %b %H:%M} UTC" if until and not standing.baked else "with the next round"
    return f"If nothing stands in the way{passing}, {then} {when}." + (
        f" {back}" if standing.current.judged else ""
    )


def _analysis(analysis: Any) -> dict[str, Any]:
    """An analysis with its metrics, each with both samples."""
    before, new = analysis.values.get("baseline", {}), analysis.values.get("canary", {})
    return {
        "analysis": analysis,
        "metrics": [
            {
                **metric,
                "tone": _TONES.get(metric["classification"], "idle"),
                "word": _WORDS.get(metric["classification"], metric["classification"]),
                "chart": distributions(
                    metric["name"], before.get(metric["name"], []), new.get(metric["name"], [])
                ),
            }
            for metric in analysis.judgement.get("metrics", [])
        ],
    }


def rollouts_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The rollouts of the release, and the services that the canary marker obliges to one."""
    marked = queries.marked_items(release)
    rows = Rollout.objects.filter(release=release).exclude(state=State.CANCELLED)
    found = list(rows.select_related("service", "environment").order_by("service__name", "-created_at"))
    lifted = list(release.items.filter(removed_at__isnull=True, canary_lifted_at__isnull=False))
    if not marked and not found and not lifted:
        return None
    production = Environment.objects.filter(kind=Environment.Kind.PRODUCTION).order_by("rank", "name")
    owed = [
        (obligation.service, environment)
        for environment in production
        for obligation in queries.obligations_of(release, environment)
        if obligation.rollout is None and (environment.train_id in (None, release.train_id))
    ]
    decision = plan_rollout.decide(request.actor, None, {"service": None})  # type: ignore[attr-defined]
    context = {
        "rollouts": found,
        "marked": marked,
        "lifted": lifted,
        "owed": owed,
        "may": decision.allowed and release.is_open,
        "plan_url": f"{links.verb_url(plan_rollout)}?release={release.pk}",
        "right": f"{len(marked)} item{'' if len(marked) == 1 else 's'} with canary marker" if marked else "",
    }
    return "Rollouts", "trains/_rollouts.html", context, 30


# -- rollback plans


def plan_page(request: Any, plan: RollbackPlan) -> dict[str, Any]:
    """The steps of a plan with their validations, and how it went."""
    services = {str(s.pk): s for s in Service.objects.filter(pk__in=[s["service"] for s in plan.steps])}
    address = links.verb_url(validate, plan)
    may = validate.decide(request.actor, plan)
    steps = []
    for step in plan_rules.ordered(plan.steps):
        sides = []
        for side, title in ((plan_rules.BEFORE, "Before"), (plan_rules.AFTER, "After")):
            open_now = (side, step["state"]) in (("before", "validating"), ("after", "verifying"))
            asked = f"{address}?service={step['service']}&question="
            lines = [
                {**q, "url": f"{asked}{n}" if open_now and q["ok"] is None and may.allowed else ""}
                for n, q in enumerate(step[side], 1)
            ]
            sides.append({"title": title, "lines": lines})
        steps.append({**step, "of": services.get(step["service"]), "sides": sides})
    return {
        "verbs": possible_verbs(request, plan),
        "root": links.page_root(),
        "steps": steps,
        "triggers": [f"{t['name']}: {thresholds.stored(t)}" for t in plan.triggers],
        "lossy": plan_rules.lossy(plan.steps),
        "place": plan_rules.current_position(plan.steps),
    }


def plans_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The rollback plans of the release."""
    rows = list(
        RollbackPlan.objects.filter(release=release)
        .exclude(state=RollbackPlan.State.CANCELLED)
        .select_related("environment")
    )
    decision = create_plan.decide(request.actor, None, {"release": release})  # type: ignore[attr-defined]
    deployed = release.deployments.exists() or release.artifacts.exists()
    if not rows and not (decision.allowed and release.is_open and deployed):
        return None
    context = {
        "plans": rows,
        "may": decision.allowed and release.is_open,
        "new_url": f"{links.verb_url(create_plan)}?release={release.pk}",
    }
    return "Rollback plans", "trains/_rollback_plans.html", context, 55


# -- feature flags


def flags_list(request: Any) -> dict[str, Any]:
    """What is wrong among the flags, above their list."""
    found = flag_queries.register()
    return {"stale": found.stale[:_SHOWN], "conflicts": found.conflicts[:_SHOWN], "all": len(found.entries)}


def flag_page(request: Any, flag: FeatureFlag) -> dict[str, Any]:
    """A flag per environment, and why it should be looked at."""
    if flag.removed_at:
        return {"states": [], "reasons": [], "conflicts": []}
    found = flag_queries.register([flag])
    entry = found.entries[0]
    return {
        "states": list(zip(found.environments, entry.states, strict=True)),
        "reasons": entry.stale,
        "conflicts": found.conflicts,
    }


def flags_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The flags that the release brings, and which of its scope is dark in production."""
    flags = list(flag_queries.flags_of(release))
    if not flags:
        return None
    environments = Environment.objects.filter(kind=Environment.Kind.PRODUCTION).order_by("rank", "name")
    production = next((e for e in environments if e.train_id in (None, release.train_id)), None)
    lit = flag_queries.lights_of(release, production) if production else []
    switched = {flag.pk for each in lit for flag in each.flags}
    others = [
        (flag, flag_queries.states_of(flag).get(production.name) if production else None)
        for flag in flags
        if flag.pk not in switched
    ]
    dark = sum(each.light is Light.DARK for each in lit)
    context = {
        "lit": [(each, _LIGHT_TONES[each.light]) for each in lit],
        "others": others,
        "environment": production,
        "new_url": f"{links.verb_url(register_flag)}?release={release.pk}",
        "may": register_flag.decide(request.actor, None, {"service": None}).allowed and release.is_open,  # type: ignore[attr-defined]
        "right": f"{dark} of {len(lit)} dark" if lit else "",
    }
    return "Feature flags", "trains/_flags.html", context, 110


# -- failure drills


def drills_list(request: Any) -> dict[str, Any]:
    """How much of each service's monitoring is proven, above the drills."""
    services = Service.objects.filter(tier__lte=2).order_by("tier", "name")[:_SHOWN]
    return {"coverage": drill_queries.coverage_of(services)}


def drill_page(request: Any, drill: FailureDrill) -> dict[str, Any]:
    """The alerts that must fire with what became of them, and whatever else fired."""
    alerts = list(drill_queries.alerts_around(drill)[:_SHOWN])
    matches = drill_queries.matches_of(drill, alerts)
    answering = {m.alert.id.pk for m in matches if m.alert}
    return {
        "verbs": possible_verbs(request, drill),
        "matches": matches,
        "others": [
            a
            for a in alerts
            if a.pk not in answering and drill.started_at and a.starts_at >= drill.started_at
        ],
        "over_at": over_at(drill) if drill.state == FailureDrill.State.RUNNING else None,
        "now": now(),
    }


def drills_of_service(request: HttpRequest, service: Service) -> tuple[str, dict[str, Any], int] | None:
    """The monitoring coverage of a service, on its page."""
    (covered,) = drill_queries.coverage_of([service])
    if not covered.alerts and all(c.standing == "untried" for c in covered.signals):
        return None
    return "trains/_coverage.html", {"covered": covered}, 60
