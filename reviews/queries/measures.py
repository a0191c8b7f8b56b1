"""Measures of a review: indicators against their baselines, adoption, tickets, rollbacks per component; and what the
runtime saw against what pipelines recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from governance.models import Document, DocumentVersion
from planning.models import FeatureReport, ReportSource
from problems.models import FailureLink
from reviews.models import Review, ReviewBaseline, ReviewFact
from reviews.queries.policies import InForce
from reviews.rules import handoff, variance
from trains.models import Deployment, RuntimeObservation, Series, Service
from trains.queries import series
from trains.queries.feature_flags import flags_of, states_of
from trains.queries.on_call import who_is_on_call
from trains.queries.reconciliation import reconcile

Kind = ReviewFact.Kind
State = Deployment.State
# How long after going live values count, and how far back rollbacks and tickets are counted.
AFTER, BACK, TICKETS = timedelta(days=7), timedelta(days=90), timedelta(days=7)
HISTORY = timedelta(days=14)
# Runtimes may be seen so long after a deployment ended.
SIGHT = timedelta(hours=6)


@dataclass(frozen=True)
class Line:
    """A fact before it is written: `identity` names it the same on every look."""

    identity: str
    kind: str
    sentence: str
    source_kind: str
    source_id: str
    at: datetime | None = None
    value: dict[str, Any] = field(default_factory=dict)


def measured(
    review: Review, deployments: Sequence[Deployment], policy: InForce, at: datetime
) -> Iterator[Line]:
    """Everything that numbers say about what is reviewed."""
    forward = [d for d in deployments if d.kind != Deployment.Kind.ROLLBACK]
    yield from _rollbacks(forward, at)
    live = _went_live(forward)
    if live is None:
        return
    ended = _until(deployments, live, at)
    yield from _variances(review, live, ended)
    yield from _adoption(review, policy, forward, live, at)
    yield from _tickets(review, live, at)


def _went_live(forward: Sequence[Deployment]) -> datetime | None:
    """The end of the first deployment that came into production."""
    return min(
        (d.finished_at for d in forward if d.outcome == State.SUCCEEDED and d.finished_at), default=None
    )


def _until(deployments: Sequence[Deployment], live: datetime, at: datetime) -> datetime:
    """Up to when the new version was measured: a rollback ends it, or a week, or now."""
    back = [d.started_at for d in deployments if d.kind == Deployment.Kind.ROLLBACK and d.started_at > live]
    return min([live + AFTER, at, *back])


def _variances(review: Review, live: datetime, until: datetime) -> Iterator[Line]:
    if review.release_id is None or until <= live:
        return
    baselines = list(
        ReviewBaseline.objects.filter(release=review.release_id).select_related("service", "release")
    )
    asks = [series.Ask(b.service, (b.metric,), live, until) for b in baselines]
    for baseline, answer in zip(baselines, series.many(asks), strict=True):
        values = series.numbers(answer[baseline.metric])
        found = variance.compare(baseline.values, values, good=baseline.good, tolerance=baseline.tolerance)
        yield Line(
            f"variance:{baseline.pk}",
            Kind.MEASURE,
            _sentence(baseline, found),
            "reviewbaseline",
            str(baseline.pk),
            live,
            {
                **found.as_json(),
                "title": baseline.title,
                "component": str(baseline.service),
                "unit": baseline.unit,
                "metric": baseline.metric,
                "late": baseline.late,
                "from": live,
                "until": until,
            },
        )


def _sentence(baseline: ReviewBaseline, found: variance.Variance) -> str:
    unit = f" {baseline.unit}" if baseline.unit else ""
    about = f"{baseline.title} of {baseline.service}"
    if found.word == variance.UNKNOWN:
        return (
            f"{about}: too few values to judge ({found.before_count} before, {found.after_count} after;"
            f" {variance.LEAST} are needed)."
        )
    p = (
        ""
        if found.p_value is None
        else f", p = {found.p_value:.2g}"
        if found.p_value >= 0.001
        else ", p < 0.001"
    )
    late = "; baseline set after the deployment began" if baseline.late else ""
    return (
        f"{about}: {found.word}. Median {found.before:.4g}{unit} before (n = {found.before_count}),"
        f" {found.after:.4g}{unit} after (n = {found.after_count}){p}{late}."
    )


def _rollbacks(forward: Sequence[Deployment], at: datetime) -> Iterator[Line]:
    """How often each component was rolled back of late."""
    services = {d.service_id: d.service for d in forward}
    rows = (
        Deployment.objects.filter(
            service__in=services,
            environment__kind="production",
            started_at__gte=at - BACK,
            started_at__lt=at,
            outcome__in=(State.SUCCEEDED, State.FAILED),
        )
        .exclude(kind=Deployment.Kind.ROLLBACK)
        .values("service")
        .annotate(n=Count("pk"), undone=Count("pk", filter=Q(state=State.ROLLED_BACK)))
        .order_by()
    )
    for row in rows:
        service = services[row["service"]]
        few = "; few deployments, read with care" if row["n"] < variance.LEAST else ""
        yield Line(
            f"measure:rollbacks-{service.pk}",
            Kind.MEASURE,
            f"{service} was rolled back {row['undone']} times in {row['n']} production deployments"
            f" of the last {BACK.days} days{few}.",
            "service",
            str(service.pk),
            value={"component": str(service), "rolled_back": row["undone"], "deployments": row["n"]},
        )


def _adoption(
    review: Review, policy: InForce, forward: Sequence[Deployment], live: datetime, at: datetime
) -> Iterator[Line]:
    """Whether what was released is used: flags with their share, and telemetry of exposure."""
    environment = next((d.environment for d in forward), None)
    if review.release is not None and environment is not None:
        for flag in flags_of(review.release).select_related("service"):
            state = states_of(flag).get(environment.name)
            if state is None:
                said = f"The flag {flag.name} was not reported for {environment}."
            else:
                share = f" for {state.share:g} %" if state.on and state.share is not None else ""
                said = f"The flag {flag.name} is {'on' if state.on else 'off'}{share} in {environment}."
            yield Line(
                f"adoption:{flag.pk}",
                Kind.MEASURE,
                said,
                "featureflag",
                str(flag.pk),
                flag.reported_at,
                {"adoption": True, "on": bool(state and state.on), "share": state.share if state else None},
            )
    services = {d.service_id: d.service for d in forward}
    rows = Series.objects.filter(service__in=services, last_at__gt=live).order_by("name", "pk")
    wanted = [row for row in rows if policy.standard.is_adoption(row.name)]
    chosen = [row for row in wanted if policy.standard.vanity_of(row.name) is None][:20]
    asks = [series.Ask(row.service_id, (row.name,), live - TICKETS, at) for row in chosen]
    for row, answer in zip(chosen, series.many(asks), strict=True):
        readings = [r for r in answer[row.name] if r.series.pk == row.pk]
        points = [p for r in readings for p in zip(r.moments, r.values, strict=True)]
        before = [v for m, v in points if m < live]
        after = [v for m, v in points if m >= live]
        if not after:
            continue
        unit = f" {row.unit}" if row.unit else ""
        was = f"{before[-1]:g}{unit} before it went live" if before else "not measured before"
        yield Line(
            f"adoption:{row.pk}",
            Kind.MEASURE,
            f"Adoption, {row}: {after[-1]:g}{unit} by now, {was}.",
            "series",
            str(row.pk),
            row.last_at,
            {"adoption": True, "before": before[-1] if before else None, "after": after[-1]},
        )


def _tickets(review: Review, live: datetime, at: datetime) -> Iterator[Line]:
    """Support tickets of the train in the week before and after."""
    if review.service.train_id is None:
        return
    rows = FeatureReport.objects.filter(
        source=ReportSource.SUPPORT_TICKET, feature__train=review.service.train_id
    )
    until = min(live + TICKETS, at)
    span = until - live
    counted = rows.aggregate(
        before=Count("pk", filter=Q(reported_at__gte=live - span, reported_at__lt=live)),
        after=Count("pk", filter=Q(reported_at__gte=live, reported_at__lt=until)),
    )
    if not counted["before"] and not counted["after"]:
        return
    hours = round(span.total_seconds() / 3600)
    long = f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"
    yield Line(
        "measure:tickets",
        Kind.MEASURE,
        f"{counted['after']} support tickets reached the backlog in the {long} after it went live,"
        f" {counted['before']} in the {long} before.",
        "service",
        str(review.service_id),
        until,
        {"tickets": counted["after"], "before": counted["before"], "hours": hours},
    )


def vanity(services: Sequence[Any], policy: InForce) -> list[dict[str, Any]]:
    """The list of metrics that are left out, with how many series of these services each entry leaves out."""
    names = list(Series.objects.filter(service__in=services).values_list("name", flat=True).distinct())
    hits: dict[str, list[str]] = {}
    for name in names:
        entry = policy.standard.vanity_of(name)
        if entry is not None:
            hits.setdefault(str(entry["pattern"]), []).append(name)
    return [{**entry, "left_out": hits.get(str(entry["pattern"]), [])} for entry in policy.standard.vanity]


# -- data integrity


def contradicted(deployments: Sequence[Deployment], at: datetime) -> Iterator[Line]:
    """Where pipelines and runtimes disagree about these deployments."""
    done = [d for d in deployments if d.finished_at]
    if not done:
        return
    services = list({d.service_id: d.service for d in done}.values())
    environments = list({d.environment_id: d.environment for d in done}.values())
    if not RuntimeObservation.objects.filter(service__in=services, environment__in=environments).exists():
        first = done[0]
        yield Line(
            f"gap:runtime-{first.pk}",
            Kind.GAP,
            "No runtime reports what runs there: when it went live is the pipeline's word alone.",
            "deployment",
            str(first.pk),
            first.started_at,
            {"integrity": True},
        )
        return
    since = min(d.started_at for d in done)
    until = min(at, max(d.finished_at or d.started_at for d in done) + SIGHT)
    ours = {d.pk for d in done}
    report = reconcile(since, until, services=services, environments=environments)
    for line in report.lines:
        if line.deployment is not None and line.deployment.pk not in ours:
            continue
        record = line.deployment or line.observation
        if record is None:
            continue
        what = str(line.deployment or line.observation)
        apart = f" ({round(line.gap.apart.total_seconds() / 60)} min apart)" if line.gap.apart else ""
        yield Line(
            f"gap:runtime-{line.gap.kind}-{record.pk}",
            Kind.GAP,
            f"{what}: {line.sentence.rstrip('.')}{apart}.",
            str(record._meta.model_name),
            str(record.pk),
            line.gap.at,
            {"integrity": True, "kind": line.gap.kind},
        )


# -- handoff


def handed_over(
    deployments: Sequence[Deployment], links: Sequence[FailureLink], at: datetime
) -> Iterator[Line]:
    """What operations lacked, as far as records show it."""
    live: dict[Any, Deployment] = {}
    for each in deployments:
        if each.kind != Deployment.Kind.ROLLBACK and each.outcome == State.SUCCEEDED and each.finished_at:
            live.setdefault(each.service_id, each)
    if not live:
        return
    services = [d.service for d in live.values()]
    documented = set(
        DocumentVersion.objects.filter(
            document__in=Document.objects.filter(service__in=services, kind__code="runbook"),
            state__in=(DocumentVersion.State.APPROVED, DocumentVersion.State.SUPERSEDED),
        ).values_list("document__service_id", flat=True)
    )
    moment = min(d.finished_at for d in live.values() if d.finished_at)
    watched = set(
        Series.objects.filter(
            service__in=services, first_at__lte=moment + timedelta(hours=1), last_at__gte=moment
        ).values_list("service_id", flat=True)
    )
    answering = _answering(services, moment)
    seen = handoff.Seen(
        [
            handoff.Handover(
                str(d.service),
                str(pk),
                d.finished_at or moment,
                pk in documented,
                pk in answering,
                # Before the hour is over nothing can be said.
                pk in watched or at < moment + timedelta(hours=1),
            )
            for pk, d in live.items()
        ],
        [
            handoff.Found(str(i.pk), i.key, i.began_at, i.detected_at)
            for i in {link.incident_id: link.incident for link in links}.values()
        ],
    )
    for lack in handoff.lacks(seen):
        yield Line(
            f"handoff:{lack.kind}-{lack.id}",
            Kind.GAP,
            lack.sentence,
            lack.about,
            lack.id,
            lack.at,
            {"handoff": lack.kind},
        )


def _answering(services: Sequence[Service], at: datetime) -> set[Any]:
    """The services for which somebody was on call then, by their own rotation or their train's."""
    found = set()
    for each in who_is_on_call(services=services, at=at):
        if each.person is None:
            continue
        rotation = each.rotation
        found |= {
            s.pk
            for s in services
            if rotation.service_id == s.pk or (rotation.train_id and rotation.train_id == s.train_id)
        }
    return found
