"""GET endpoints of the calendar: events, conflicts, collisions of the cadence, load, who is on call, proposals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from releasetrain.interface.api.views import OrganizationView
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Release, Service, Train, TrainMeeting
from trains.pages.load import WEEKS, first_week
from trains.ports import events_between
from trains.queries.ceremonies import drift_of, plan_ahead
from trains.queries.closed_days import cadence_collisions
from trains.queries.conflicts import Conflict, conflicts_between, marked
from trains.queries.feed import visible
from trains.queries.load import portfolio
from trains.queries.on_call import who_is_on_call
from trains.queries.windows import landing_of
from trains.rules.intervals import Interval

_TRAIN = OpenApiParameter("train", str, description="Key of a train; all of them without it.")
_FROM = OpenApiParameter("from", OpenApiTypes.DATETIME, description="First moment; default: now.")
_UNTIL = OpenApiParameter("until", OpenApiTypes.DATETIME, description="Default: four weeks later.")
_LONGEST = timedelta(days=400)


def _train(request: Any) -> Train | None:
    key = request.query_params.get("train", "").replace("\0", "")
    if not key:
        return None
    found = Train.objects.filter(key=key).first()
    if found is None:
        refuse("train.unknown", f"There is no train {key}.", field="train")
    return found


def _moment(request: Any, name: str, default: datetime) -> datetime:
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None or not 1970 < found.year < 2200:
            raise ValueError
    except ValueError:
        refuse(
            "moment.invalid", f"{name} is a moment with its offset, e.g. 2026-11-21T10:00:00Z.", field=name
        )
    return found


def _span(request: Any) -> Interval:
    starts = _moment(request, "from", now())
    ends = _moment(request, "until", starts + timedelta(weeks=4))
    if not timedelta() < ends - starts <= _LONGEST:
        refuse("span.invalid", f"until lies after from, by at most {_LONGEST.days} days.", field="until")
    return Interval(starts, ends)


def _object(row: Any) -> dict[str, str] | None:
    return {"kind": Ref.of(row).kind, "id": str(row.pk), "label": str(row)} if row is not None else None


def _slot(slot: Interval | None) -> dict[str, datetime] | None:
    return {"starts": slot.starts, "ends": slot.ends} if slot else None


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "release": _object(conflict.release),
        "with": _object(conflict.source),
        "reason": conflict.reason,
        "nearest_free": _slot(conflict.free),
    }


class CalendarEventsView(OrganizationView):
    """What stands on the calendar, as the person may see it."""

    @extend_schema(
        operation_id="calendar_events",
        summary="Everything on the release calendar within a span, with conflicts on both sides",
        parameters=[_TRAIN, _FROM, _UNTIL],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        span, train = _span(request), _train(request)
        conflicts = conflicts_between(span.starts, span.ends, train)
        events = marked(visible(self.actor, events_between(span.starts, span.ends, train)), conflicts)
        return Response(
            {
                "from": span.starts,
                "until": span.ends,
                "events": [
                    {
                        "kind": e.kind,
                        "title": e.title,
                        "starts": e.starts,
                        "ends": e.ends,
                        "lane": e.lane,
                        "note": e.note,
                        "conflict": e.conflict,
                        "object": _object(e.source) if resource_of(e.source) else None,
                    }
                    for e in events
                ],
                "conflicts": [_conflict(c) for c in conflicts],
            }
        )


class CadenceView(OrganizationView):
    """Collisions of the cadence with closed days."""

    @extend_schema(
        operation_id="calendar_cadence",
        summary="Program Increment boundaries and production releases on closed days, a year ahead; drift of trains",
        parameters=[_TRAIN],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        collisions = cadence_collisions(_train(request))
        drift = drift_of(Train.objects.filter(archived_at__isnull=True), now().date())
        return Response(
            {
                "collisions": [
                    {
                        "train": c.train.key,
                        "what": c.what,
                        "day": c.day,
                        "closed": c.run.closed.name,
                        "calendar": str(c.run.calendar),
                        "proposed": c.proposed,
                        "shift_days": c.shift,
                        "object": _object(c.subject),
                    }
                    for c in collisions
                ],
                "drift": [
                    {
                        "train": d.train.key,
                        "boundary": d.boundary,
                        "days": d.days,
                        "iteration_days": d.iteration_days,
                    }
                    for d in drift
                ],
            }
        )


class LoadView(OrganizationView):
    """Portfolio load."""

    @extend_schema(
        operation_id="calendar_load",
        summary="Release load by week for each shared service, team and desk, and moves that lower the peak",
        parameters=[_TRAIN, OpenApiParameter("from", OpenApiTypes.DATE, description="Default: today.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        found = portfolio(first_week(request.query_params.get("from", "")), WEEKS, _train(request))
        return Response(
            {
                "weeks": found.weeks,
                "peak_percent": found.peak,
                "peak_percent_after": found.peak_after,
                "releases": [
                    {
                        "release": r.key,
                        "train": r.train.key,
                        "week": week,
                        "tier": r.tier,
                        "load": load,
                        "impact": r.impact,
                    }
                    for r, week, load in found.releases
                ],
                "carriers": [
                    {
                        "name": c.limit.name,
                        "kind": c.limit.kind,
                        "limit": c.limit.weekly,
                        "weeks": [
                            {
                                "week": x.week,
                                "load": x.load,
                                "over": x.over,
                                "releases": [r.key for r in x.releases],
                            }
                            for x in c.cells
                        ],
                    }
                    for c in found.carriers
                ],
                "proposals": [
                    {
                        "release": p.release.key,
                        "target_at": p.target,
                        "relieves": p.relieves,
                        "peak_percent": p.peak,
                        "peak_percent_after": p.peak_after,
                    }
                    for p in found.proposals
                ],
            }
        )


class OnCallView(OrganizationView):
    """Who is on call."""

    @extend_schema(
        operation_id="on_call_now",
        summary="Who is on call at a moment (default: now) for a train, a service with its train, or a platform",
        parameters=[
            _TRAIN,
            OpenApiParameter("service", str, description="Name of a service."),
            OpenApiParameter("platform", str),
            OpenApiParameter("at", OpenApiTypes.DATETIME),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        name = request.query_params.get("service", "").replace("\0", "")
        service = Service.objects.filter(name=name).first() if name else None
        if name and service is None:
            refuse("service.unknown", f"There is no service {name}.", field="service")
        at = _moment(request, "at", now())
        platform = request.query_params.get("platform", "").replace("\0", "")
        found = who_is_on_call(
            train=_train(request), services=[service] if service else [], platform=platform, at=at
        )
        return Response(
            {
                "at": at,
                "on_call": [
                    {
                        "rotation": each.rotation.name,
                        "train": each.rotation.train.key if each.rotation.train else None,
                        "service": each.rotation.service.name if each.rotation.service else None,
                        "platform": each.rotation.platform or None,
                        "person": str(each.person) if each.person else None,
                        "email": each.person.email if each.person else None,
                        "until": each.until,
                        "layer": each.layer,
                        "note": each.note.text if each.note else None,
                    }
                    for each in found
                ],
            }
        )


class LandingView(OrganizationView):
    """The next window of a release."""

    @extend_schema(
        operation_id="release_landing",
        summary="The next window that satisfies every member of a release, or which member makes that impossible",
        parameters=[_FROM, OpenApiParameter("minutes", int, description="Default: 60.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: str, *args: Any, **kwargs: Any) -> Response:
        release = Release.objects.filter(key=ref).first()
        if release is None:
            raise Http404
        minutes = request.query_params.get("minutes", "60")
        if not (minutes.isascii() and minutes.isdigit() and 1 <= int(minutes[:9]) <= 10_080):
            refuse("minutes.invalid", "minutes is a number from 1 to 10080.", field="minutes")
        after = _moment(request, "from", now())
        found = landing_of(release, after=after, length=timedelta(minutes=int(minutes)))
        return Response(
            {
                "slot": _slot(found.slot),
                "impossible": found.impossible or None,
                "member": found.member or None,
            }
        )


class ProposalsView(OrganizationView):
    """Times for a ceremony."""

    @extend_schema(
        operation_id="train_meeting_proposals",
        summary="The best next times of a ceremony, and what each costs whom outside working hours",
        parameters=[OpenApiParameter("dates", int, description="How many; default: 6, at most 26.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: Any, *args: Any, **kwargs: Any) -> Response:
        ceremony = TrainMeeting.objects.filter(pk=ref).select_related("train").first()
        if ceremony is None:
            raise Http404
        dates = request.query_params.get("dates", "6")
        if not (dates.isascii() and dates.isdigit() and 1 <= int(dates[:9]) <= 26):
            refuse("dates.invalid", "dates is a number from 1 to 26.", field="dates")
        found = plan_ahead(ceremony, int(dates))
        return Response(
            {"proposals": [{**(_slot(p.slot) or {}), "minutes_outside_hours": dict(p.pain)} for p in found]}
        )
