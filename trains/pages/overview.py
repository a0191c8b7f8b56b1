"""The overview of a train: where it stands in its cadence, what is due next, who and what is aboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from releasetrain.interface import formats, links
from releasetrain.kernel.clock import now
from trains.models import Deployment, Environment, Pipeline, Release, TeamOnboarding, Train
from trains.queries.deployments import environments_of
from trains.queries.freezes import freezes_overlapping
from trains.queries.increments import current_increment, current_iteration, next_release
from trains.rules.cadence import day_number

_AHEAD = timedelta(days=28)
_BACK = timedelta(days=28)


def overview(request: Any, train: Train) -> dict[str, Any]:
    """What the overview shows beyond the generic page of a train."""
    moment = now()
    today = moment.astimezone(ZoneInfo(train.time_zone)).date()
    pi = current_increment(train, today)
    iterations = list(pi.iterations.all()) if pi else []
    iteration = next((i for i in iterations if i.starts <= today < i.ends), None) or current_iteration(
        train, today
    )
    teams = list(train.teams.annotate(owned=Count("services")).order_by("code"))
    services = train.services.select_related("team").order_by("tier", "name")
    return {
        "root": links.page_root(),
        "pi": pi,
        "steps": [_step(i, today) for i in iterations],
        "iteration": iteration,
        "iteration_day": day_number(iteration.starts, iteration.ends, today) if iteration else None,
        "iteration_days": (iteration.ends - iteration.starts).days if iteration else None,
        "pi_day": day_number(pi.starts, pi.ends, today) if pi else None,
        "pi_days": (pi.ends - pi.starts).days if pi else None,
        "next_release": next_release(train),
        "open_releases": _open_releases(train),
        "teams": teams,
        "people": sum(team.people for team in teams),
        "services": list(services[:12]),
        "service_count": services.count(),
        "environments": environments_of(train),
        "increments": list(train.increments.order_by("-starts")[:6]),
        "milestones": list(train.milestones.filter(on__gte=today).order_by("on")[:6]),
        "freezes": freezes_overlapping(moment, moment + _AHEAD, train),
        "consumes": list(train.consumes.select_related("provider").order_by("needed_by")[:6]),
        "provides": list(train.provides.select_related("consumer").order_by("needed_by")[:6]),
        "joining": _joining(train),
        "solution": train.solutions.filter(left_at__isnull=True).select_related("solution").first(),
        "pipelines": list(Pipeline.objects.filter(service__train=train).select_related("service")[:6]),
        "figures": _figures(train, moment),
    }


def _step(iteration: Any, today: Any) -> dict[str, str]:
    state = "done" if iteration.ends <= today else "cur" if iteration.starts <= today else ""
    last = iteration.ends - timedelta(days=1)
    note = f"{formats.short_day(iteration.starts)} – {formats.short_day(last)}"
    return {"label": iteration.name, "note": note, "state": state, "url": links.url_for(iteration)}


def _open_releases(train: Train) -> list[Release]:
    done = (Release.State.CLOSED, Release.State.CANCELLED, Release.State.ROLLED_BACK)
    return list(train.releases.exclude(state__in=done).select_related("pi").order_by("target_at", "key")[:8])


def _joining(train: Train) -> list[TeamOnboarding]:
    """Checklists with mandatory items open: these teams are not aboard yet."""
    open_ = Q(items__mandatory=True, items__done_at__isnull=True)
    rows = TeamOnboarding.objects.filter(train=train, ended_at__isnull=True).select_related("team", "train")
    return list(
        rows.annotate(waiting=Count("items", filter=open_)).filter(waiting__gt=0).order_by("joined_at")
    )


def _figures(train: Train, moment: Any) -> dict[str, int]:
    """Production deployments of the last four weeks, by how they ended."""
    rows = Deployment.objects.filter(
        service__train=train, environment__kind=Environment.Kind.PRODUCTION, started_at__gte=moment - _BACK
    )
    counts = dict(rows.values_list("state").annotate(n=Count("pk")).order_by())
    return {"all": sum(counts.values()), **counts}
