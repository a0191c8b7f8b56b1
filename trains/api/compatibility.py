"""Can a version go into an environment, which ranges hold there, how volatile scopes were, and briefs as documents."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from releasetrain.interface import links
from releasetrain.interface.api.views import OrganizationView
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, Release, Service, Train
from trains.pages.briefs import answer, found_brief, zone_named
from trains.pages.compatibility import planned_of
from trains.queries.compatibility import (
    limits_in_force,
    requirements_in,
    requirements_of,
    running_versions,
    skews_of,
)
from trains.queries.contracts import can_deploy
from trains.queries.volatility import series_of

_REASON = inline_serializer(
    "DeployReason",
    {
        "kind": serializers.ChoiceField(["contract", "range"]),
        "verdict": serializers.CharField(),
        "blocks": serializers.BooleanField(),
        "reason": serializers.CharField(),
        "remedy": serializers.CharField(),
        "about": serializers.CharField(),
        "url": serializers.CharField(),
    },
)
_ANSWER = inline_serializer(
    "CanDeploy",
    {
        "deployable": serializers.BooleanField(),
        "summary": serializers.CharField(),
        "environment": serializers.CharField(),
        "planned": serializers.DictField(child=serializers.CharField()),
        "at": serializers.DateTimeField(),
        "reasons": serializers.ListField(child=_REASON),
    },
)
_STANDING = inline_serializer(
    "VersionStanding",
    {
        "environment": serializers.CharField(),
        "rule": serializers.CharField(),
        "verdict": serializers.CharField(),
        "reason": serializers.CharField(),
        "remedy": serializers.CharField(),
    },
)


def _text(name: str, help: str, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=help, required=required)


def _find(view: OrganizationView, model: Any, name: str) -> Any:
    """The object that a query parameter names by key, name or id."""
    asked = view.request.query_params.get(name, "").strip()
    if not asked:
        return None
    resource = resource_of(model)
    assert resource is not None
    found = resource.find(view.actor, asked)
    if found is None:
        refuse(f"{name}.unknown", f"There is no {name} {asked[:80]}.", field=name)
    return found


def _only(view: OrganizationView, *names: str) -> None:
    unknown = sorted(set(view.request.query_params) - set(names))
    if unknown:
        refuse("filter.unknown", f"There is no parameter {unknown[0][:60]} here.", field=unknown[0][:60])


class CanDeployView(OrganizationView):
    """Whether a version can go into an environment, from what is recorded there now."""

    @extend_schema(
        operation_id="can_i_deploy",
        parameters=[
            _text("environment", "Name or id.", True),
            _text("service", "Name or id; with `version`."),
            _text("version", "The version to deploy."),
            _text("release", "Key or id: everything the release carries, instead of one service."),
        ],
        responses=_ANSWER,
    )
    def get(self, request: Any) -> Response:
        """Can this version go into that environment? Contracts and declared ranges, with the reasons."""
        _only(self, "environment", "service", "version", "release")
        environment = _find(self, Environment, "environment")
        if environment is None:
            refuse("required", "Say which environment.", field="environment")
        release, service = _find(self, Release, "release"), _find(self, Service, "service")
        version = request.query_params.get("version", "").strip()
        if release is not None:
            planned = planned_of(release)
            if not planned:
                refuse("release.no_artifacts", f"{release} carries no builds.", field="release")
        elif service is None or not version:
            refuse(
                "required",
                "Say which service and version, or which release.",
                field="service" if not service else "version",
            )
        else:
            planned = {service: version[:120]}
        found = can_deploy(environment, planned)
        return Response(
            {
                "deployable": found.deployable,
                "summary": found.summary,
                "environment": environment.name,
                "planned": {s.name: v for s, v in planned.items()},
                "at": found.at,
                "reasons": [
                    *(
                        _reason(
                            "contract",
                            c.reason.verdict,
                            c.reason.blocks,
                            c.reason.sentence,
                            c.reason.remedy,
                            c.verification or c.contract,
                        )
                        for c in found.contracts
                    ),
                    *(
                        _reason("range", s.verdict, s.judgement.blocks, s.sentence, s.remedy, s.rule)
                        for s in found.ranges
                    ),
                ],
            }
        )


def _reason(kind: str, verdict: str, blocks: bool, sentence: str, remedy: str, about: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "verdict": verdict,
        "blocks": blocks,
        "reason": sentence,
        "remedy": remedy,
        "about": str(about.pk),
        "url": links.url_for(about),
    }


class CompatibilityView(OrganizationView):
    """Which declared ranges hold where."""

    @extend_schema(
        operation_id="compatibility",
        parameters=[_text("environment", "Name or id; empty: every environment.")],
        responses=inline_serializer(
            "Compatibility",
            {"versions": serializers.JSONField(), "standings": serializers.ListField(child=_STANDING)},
        ),
    )
    def get(self, request: Any) -> Response:
        """What runs where, and what every declared range and skew limit says of it."""
        _only(self, "environment")
        one = _find(self, Environment, "environment")
        environments = [one] if one else list(Environment.objects.all())
        services = {s.pk: s for s in Service.objects.all()}
        running, requirements = running_versions(), requirements_of()
        found = [s for e in environments for s in requirements_in(e, requirements, running.get(e.pk, {}))] + [
            s
            for s in skews_of(limits_in_force(), services, running)
            if one is None or s.environment.pk == one.pk
        ]
        return Response(
            {
                "versions": {
                    e.name: {
                        services[pk].name: v
                        for pk, v in sorted(running.get(e.pk, {}).items(), key=lambda p: services[p[0]].name)
                    }
                    for e in environments
                },
                "standings": [
                    {
                        "environment": s.environment.name,
                        "rule": str(s.rule.pk),
                        "verdict": s.verdict,
                        "reason": s.sentence,
                        "remedy": s.remedy,
                    }
                    for s in found
                ],
            }
        )


class VolatilityView(OrganizationView):
    """How much scopes moved."""

    @extend_schema(
        operation_id="scope_volatility",
        parameters=[
            _text("train", "Key or id; empty: all."),
            OpenApiParameter("weeks", int, description="How many weeks up to now: 1 to 52, by default 12."),
        ],
        responses=inline_serializer(
            "ScopeVolatility", {"weeks": serializers.JSONField(), "releases": serializers.JSONField()}
        ),
    )
    def get(self, request: Any) -> Response:
        """Changes of scope by week, and the volatility of each release with a baseline."""
        _only(self, "train", "weeks")
        asked = request.query_params.get("weeks", "12")
        weeks = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 0
        if not 1 <= weeks <= 52:
            refuse("weeks.invalid", "weeks is a number from 1 to 52.", field="weeks")
        series = series_of(_find(self, Train, "train"), timezone.localtime(now()).date(), weeks)
        return Response(
            {
                "weeks": [
                    {"week": week.isoformat(), "before_baseline": before, "after_baseline": after}
                    for week, before, after in series.weeks
                ],
                "releases": [
                    {
                        "release": line.release.key,
                        "baseline_items": line.baseline,
                        "added": line.added,
                        "removed": line.removed,
                        "volatility_percent": line.percent,
                    }
                    for line in series.releases
                ],
            }
        )


def _document(view: OrganizationView, request: Any, ref: str, form: str) -> HttpResponse:
    _only(view, "zone")
    zone = request.query_params.get("zone") or request._request.organization.time_zone
    with timezone.override(zone_named(zone)):
        return answer(found_brief(view.actor, ref), form)


_ZONE = _text("zone", "Times in this zone, e.g. Europe/London; by default the organization's.")


class BriefPdfView(OrganizationView):
    """A brief on paper."""

    @extend_schema(
        operation_id="content_brief_pdf", parameters=[_ZONE], responses={(200, "application/pdf"): bytes}
    )
    def get(self, request: Any, ref: str) -> HttpResponse:
        """The brief as PDF, times in the reader's zone."""
        return _document(self, request, ref, "pdf")


class BriefHtmlView(OrganizationView):
    """A brief as one page."""

    @extend_schema(operation_id="content_brief_html", parameters=[_ZONE], responses={(200, "text/html"): str})
    def get(self, request: Any, ref: str) -> HttpResponse:
        """The brief as HTML, times in the reader's zone."""
        return _document(self, request, ref, "html")
