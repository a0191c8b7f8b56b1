"""GET endpoints of figures and aids around problems; each answers what its page shows."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from problems.models import Incident, Problem
from problems.pages.figures import asked_train
from problems.queries import aid, fix_analysis, fix_packaging, groups, known_errors, preflight, timeline
from problems.queries.fix_risk import depth_of
from releasetrain.interface.api.views import OrganizationView
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.refusals import refuse
from trains.models import Deployment, Environment, Release

PERIOD = [
    OpenApiParameter("from", OpenApiTypes.DATE, description="First day; default 90 days back."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Last day, included; default today."),
    OpenApiParameter("train", str, description="Key of a train; default all."),
]


class View(OrganizationView):
    """An endpoint about one row that is named by its key or id, or about none."""

    def find(self, model: Any, ref: str) -> Any:
        resource = resource_of(model)
        found = resource.find(self.actor, ref)
        if found is None:
            raise Http404
        return found

    def named(self, model: Any, name: str, given: str) -> Any:
        """The row that a parameter names; refused (422) where there is none."""
        resource = resource_of(model)
        found = resource.find(self.actor, given[:200].replace("\0", ""))
        if found is None:
            refuse(f"filter.{name}", f"There is no {name} {given[:60]}.", field=name, status=422)
        return found


class RecurrenceView(View):
    """Recurring incidents."""

    @extend_schema(
        operation_id="problems.recurrence",
        tags=["problems"],
        summary="Recurring incidents in groups, with cost and what ends them",
        parameters=PERIOD,
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        period, train = asked_train(request.query_params)
        return Response(plain(groups.as_data(groups.recurrence(period.first, period.last, train))))


class FixAnalysisView(View):
    """What fixes came to."""

    @extend_schema(
        operation_id="problems.fix_analysis",
        tags=["problems"],
        summary="Fail rate of fixes, recurrence by team, patterns, associations, trend",
        parameters=PERIOD,
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        period, train = asked_train(request.query_params)
        found = fix_analysis.analysis(period.first, period.last, train)
        return Response(plain(fix_analysis.as_data(found)))


class DecisionAidView(View):
    """Urgency against stability."""

    @extend_schema(
        operation_id="problems.decision_aid",
        tags=["problems"],
        summary="Cost of waiting against risk of bundling, for each release that could carry the fix",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: str, *args: Any, **kwargs: Any) -> Response:
        return Response(plain(aid.as_data(aid.aid_for(self.find(Problem, ref)))))


class KnownErrorsView(View):
    """Known errors that may help."""

    @extend_schema(
        operation_id="problems.known_errors",
        tags=["problems"],
        summary="Search problems with a workaround, for an incident or by words",
        parameters=[
            OpenApiParameter("q", str, description="Words, a key or a fingerprint."),
            OpenApiParameter("incident", str, description="Key or id: what fits it comes first."),
            OpenApiParameter("retired", bool, description="Retired workarounds too."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        given = request.query_params
        incident = self.named(Incident, "incident", given["incident"]) if given.get("incident") else None
        hits = known_errors.search(
            given.get("q", ""), incident, retired=given.get("retired", "") in ("true", "1", "yes")
        )
        return Response(plain({"results": known_errors.as_data(hits)}))


class PreflightProblemsView(View):
    """Open problems of an environment."""

    @extend_schema(
        operation_id="problems.preflight",
        tags=["problems"],
        summary="Open problems of the services of an environment, or of a release on its way there",
        parameters=[
            OpenApiParameter("release", str, description="Key or id: only its services."),
            OpenApiParameter("severity", int, description="Down to this severity; default 4."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: str, *args: Any, **kwargs: Any) -> Response:
        environment = self.find(Environment, ref)
        given = request.query_params
        release = self.named(Release, "release", given["release"]) if given.get("release") else None
        severity = given.get("severity", "4")
        if severity not in ("1", "2", "3", "4"):
            refuse("filter.severity", "A severity is 1 to 4.", field="severity", status=422)
        lines = preflight.problems_on(environment, release, int(severity))
        return Response(
            plain(
                {
                    "environment": environment.name,
                    "release": release.key if release else None,
                    "open": sum(len(line.open) for line in lines),
                    "services": preflight.as_data(lines),
                }
            )
        )


class TimelineView(View):
    """The course of an incident."""

    @extend_schema(
        operation_id="incidents.timeline",
        tags=["incidents"],
        summary="Moments, deployments with the problems they carry, and acts, in their order",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: str, *args: Any, **kwargs: Any) -> Response:
        return Response(plain({"results": timeline.as_data(timeline.timeline_of(self.find(Incident, ref)))}))


class FixPackageView(View):
    """The package of a release that fixes problems."""

    @extend_schema(
        operation_id="releases.fix_package",
        tags=["releases"],
        summary="Patch tag, affected components, upstream, risk class and depth of review",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: str, *args: Any, **kwargs: Any) -> Response:
        release = self.find(Release, ref)
        package, depth = fix_packaging.package_of(release), depth_of(release)
        if package is None or depth is None:
            return Response({"release": release.key, "problems": []})
        return Response(
            plain(
                {
                    **fix_packaging.as_data(package),
                    "risk_class": depth.risk.name,
                    "points": depth.risk.points,
                    "reasons": [{"points": p, "reason": why} for p, why in depth.risk.reasons],
                    "review": [
                        {"name": d.name, "asks_for": d.title, "missing": d.missing or None}
                        for d in depth.documents
                    ],
                }
            )
        )


class DeploymentProblemsView(View):
    """What a deployment has to do with problems."""

    @extend_schema(
        operation_id="deployments.problems",
        tags=["deployments"],
        summary="Problems whose fixes it carried, incidents laid to it, problems behind those",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: str, *args: Any, **kwargs: Any) -> Response:
        deployment = self.find(Deployment, ref)
        found = timeline.links_of([deployment])[deployment.pk]
        return Response(
            plain(
                {
                    name: [{"key": each.key, "title": each.title, "state": each.state} for each in rows]
                    for name, rows in found.items()
                }
            )
        )
