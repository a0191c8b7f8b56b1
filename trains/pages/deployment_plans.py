"""A deployment plan as a page: what is out of order, the Gantt chart, the list of steps; live while it runs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.charts import Chart, Span, timeline_chart
from releasetrain.interface.pages import conditional, page
from releasetrain.interface.resources import resource_of
from releasetrain.interface.views.objects import context_of, find
from releasetrain.kernel.clock import now
from trains.actions.deployment_plans import create_plan, retry_step, settle_step, skip_step
from trains.actions.rollback_plans import create_plan as create_rollback_plan
from trains.actions.rollback_plans import order_plan
from trains.models import DeploymentPlan, Release, RollbackPlan
from trains.ports import Panel
from trains.queries.deployment_plans import Line, Schedule, rollback_plans_for, schedule_of
from trains.rules.deployment_plan import Standing

from .delivery import possible_verbs

TEMPLATE = "trains/deployment_plan.html"
_TONES = {
    Standing.WAITING: "idle",
    Standing.READY: "info",
    Standing.RUNNING: "warn",
    Standing.LAPSED: "hold",
    Standing.DONE: "ok",
    Standing.FAILED: "bad",
    Standing.STOPPED: "bad",
    Standing.SKIPPED: "idle",
}
_WORDS = {
    Standing.WAITING: "waiting",
    Standing.READY: "free",
    Standing.RUNNING: "running",
    Standing.LAPSED: "lease ran out",
    Standing.DONE: "done",
    Standing.FAILED: "failed",
    Standing.STOPPED: "stopped",
    Standing.SKIPPED: "skipped",
}


def plan_page(request: Any, plan: DeploymentPlan) -> dict[str, Any]:
    """The plan with its lines, its chart, what is out of order, and the way back when a step has failed."""
    moment = now()
    schedule = schedule_of(plan, moment)
    live = plan.state in (DeploymentPlan.State.DRAFT, DeploymentPlan.State.RUNNING)
    return {
        "verbs": possible_verbs(request, plan),
        "root": links.page_root(),
        "schedule": schedule,
        "rows": [_row(request, plan, line) for line in schedule.lines],
        "chart": _gantt(plan, schedule, moment) if schedule.lines and schedule.path else None,
        "path": [line.step for line in schedule.lines if line.critical],
        "back": _way_back(request, plan, schedule),
        "live": f"{links.url_for(plan)}live?fragment=deployment_plan" if live else "",
    }


def _row(request: Any, plan: DeploymentPlan, line: Line) -> dict[str, Any]:
    step = line.step
    step.plan = plan
    offered: list[Any] = []
    if plan.state == DeploymentPlan.State.RUNNING:
        if line.standing in (Standing.READY, Standing.LAPSED):
            offered.append((settle_step, "Settle"))
        if line.standing is Standing.FAILED:
            offered.append((retry_step, "Retry"))
        if line.standing in (Standing.READY, Standing.WAITING, Standing.FAILED, Standing.STOPPED):
            offered.append((skip_step, "Skip"))
    return {
        "line": line,
        "step": step,
        "tone": _TONES[line.standing],
        "word": _WORDS[line.standing],
        "verbs": [
            {"decision": verb.decide(request.actor, step), "url": links.verb_url(verb, step), "label": label}
            for verb, label in offered
        ],
    }


def _gantt(plan: DeploymentPlan, schedule: Schedule, moment: Any) -> Chart:
    spans = []
    for line in schedule.lines:
        if line.expected is None:
            continue
        begins, ends = (timezone.localtime(each) for each in line.expected)
        planned = tuple(timezone.localtime(each) for each in line.planned) if line.planned else None
        waits = line.standing is Standing.WAITING
        word = "critical" if waits and line.critical else _WORDS[line.standing]
        tone = "info" if line.standing is Standing.WAITING and line.critical else _TONES[line.standing]
        shown = planned if plan.started_at else None
        spans.append(Span(f"{line.step.number} {line.step.title}", begins, ends, tone, word, shown))  # type: ignore[arg-type]
    return timeline_chart("Gantt chart", spans, now=timezone.localtime(moment))


def _way_back(request: Any, plan: DeploymentPlan, schedule: Schedule) -> dict[str, Any] | None:
    """What is offered when a step has failed: the rollback plans of the release, or to make one."""
    if not schedule.failed:
        return None
    asked = f"?release={plan.release_id}" if plan.release_id else ""
    environment = next((s.environment_id for s in schedule.failed if s.environment_id), None)
    if asked and environment:
        asked += f"&environment={environment}"
    return {
        "failed": schedule.failed,
        "stopped": [line.step for line in schedule.lines if line.standing is Standing.STOPPED],
        "plans": [
            {"plan": row, "order": (order_plan.decide(request.actor, row), links.verb_url(order_plan, row))}
            for row in rollback_plans_for(plan, schedule.failed)
        ],
        "new": (
            create_rollback_plan.decide(request.actor, None, {"release": plan.release}),
            links.verb_url(create_rollback_plan) + asked,
        )
        if plan.release_id
        else None,
    }


@require_safe
def live(request: Any, ref: str) -> HttpResponse:
    """The plan's live region: 304 while nothing has changed and nothing has come due."""
    resource = resource_of(DeploymentPlan)
    assert resource is not None
    plan: DeploymentPlan = find(request, resource, ref)
    moment = now()
    steps = plan.present_steps.order_by("number").values_list("pk", "row_version", "held_until")
    # Times move on by the minute, a lease at its own moment.
    seen = [(pk, version, held is not None and held > moment) for pk, version, held in steps]
    ways_back = (
        RollbackPlan.objects.filter(release=plan.release_id)
        if plan.release_id
        else RollbackPlan.objects.none()
    )
    back = list(ways_back.order_by("pk").values_list("pk", "row_version"))

    def render() -> HttpResponse:
        return page(request, TEMPLATE, context_of(request, resource, plan) | plan_page(request, plan))

    return conditional(
        request, (plan.pk, plan.row_version, seen, back, moment.replace(second=0, microsecond=0)), render
    )


def deployment_plans_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The deployment plans of the release."""
    rows = list(
        DeploymentPlan.objects.filter(release=release)
        .exclude(state=DeploymentPlan.State.CANCELLED)
        .order_by("-created_at")
    )
    decision = create_plan.decide(request.actor, None, {"train": release.train})  # type: ignore[attr-defined]
    if not rows and not (decision.allowed and release.is_open and release.artifacts.exists()):
        return None
    context = {
        "plans": rows,
        "may": decision.allowed and release.is_open,
        "new_url": f"{links.verb_url(create_plan)}?train={release.train_id}&release={release.pk}",
    }
    return "Deployment plan", "trains/_deployment_plans.html", context, 28
