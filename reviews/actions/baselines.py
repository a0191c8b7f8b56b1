"""Baselines: what was usual is written down before the release, by its owner or by rule, and never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from releasetrain.audit.doorway import Actor, action, explain_constraint
from releasetrain.audit.subscriptions import subscribe
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from reviews.models import ReviewBaseline
from reviews.queries.measures import HISTORY
from reviews.queries.policies import for_trains
from reviews.rules.variance import median, percentile, thinned
from trains.models import Deployment, Release, ReleaseMember, Service
from trains.queries import series

explain_constraint("review_baseline_once", "This baseline is set already, and stays.")


@action("release.set_baselines", on=Release, requires="releases.manage", label="Set performance baselines")
def set_baselines(actor: Actor, release: Release) -> Release:
    """Write down what is usual for its services now, from two weeks of history; variance is judged against it."""
    if began(release) is not None:
        refuse(
            "release.out",
            f"{release} has begun to be deployed; a baseline set now would know how it went.",
            remedy="The review takes history from before the deployment, and says that it was set late.",
            blocked_by=Ref.of(release),
        )
    if not fill_baselines(release):
        refuse(
            "release.no_history",
            "No indicator of the standard has recorded values for its services, or all are set.",
            remedy="Post series of its services, e.g. error_rate, or change the indicators of the standard.",
        )
    return release


def began(release: Release) -> datetime | None:
    """When its first production deployment began."""
    rows = Deployment.objects.filter(release=release, environment__kind="production")
    return rows.order_by("started_at").values_list("started_at", flat=True).first()


def carried(release: Release) -> list[Service]:
    """The services that a release deploys, as builds, members and deployments say."""
    wanted = set(release.artifacts.values_list("service_id", flat=True))
    wanted |= set(
        ReleaseMember.objects.filter(release=release, removed_at__isnull=True).values_list(
            "service_id", flat=True
        )
    )
    wanted |= set(Deployment.objects.filter(release=release).values_list("service_id", flat=True))
    return list(Service.objects.filter(pk__in=wanted).order_by("name"))


def fill_baselines(release: Release) -> int:
    """Set those that are not set yet; returns how many. History ends where the first production deployment began."""
    started = began(release)
    end = started or now()
    services = carried(release)
    present = set(ReviewBaseline.objects.filter(release=release).values_list("service_id", "metric"))
    policies = for_trains({s.train_id for s in services})
    wanted = [
        (service, indicator)
        for service in services
        for indicator in policies[service.train_id].standard.indicators
        if (service.pk, indicator["metric"]) not in present
        and policies[service.train_id].standard.vanity_of(str(indicator["metric"])) is None
    ]
    asks = [series.Ask(s, (str(i["metric"]),), end - HISTORY, end) for s, i in wanted]
    made = 0
    for (service, indicator), answer in zip(wanted, series.many(asks), strict=True):
        values = series.numbers(answer[str(indicator["metric"])])
        if not values:
            continue
        ReviewBaseline.objects.create(
            release=release,
            service=service,
            metric=indicator["metric"],
            title=indicator["title"],
            good=indicator["good"],
            unit=indicator.get("unit", ""),
            tolerance=float(indicator.get("tolerance", 0)),
            starts_at=end - HISTORY,
            ends_at=end,
            count=len(values),
            median=median(values),
            p95=percentile(values, 95),
            values=thinned(values),
            late=started is not None,
        )
        made += 1
    return made


@action("release.note_baselines", on=Release, requires="releases.manage", hidden=True)
def note_baselines(actor: Actor, release: Release) -> Release:
    """Write down what is usual before it is deployed, by rule."""
    fill_baselines(release)
    return release


@subscribe("release.mark_ready", "release.mark_approved", name="reviews.baselines")
def before_it_leaves(entry: Any) -> None:
    """Once a release is ready, what is usual is written down. Repeating it changes nothing."""
    release = Release.objects.filter(pk=entry.subject_id).first()
    if release is not None and began(release) is None:
        note_baselines(Actor.system(entry.organization_id, f"follows {entry.verb}"), release)
