"""GET reconciliation: gaps between what pipelines recorded and what runtimes saw."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from releasetrain.interface import links
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, Service
from trains.queries.reconciliation import Line, reconcile

LONGEST = timedelta(days=366)


class ReconciliationView(OrganizationView):
    """What pipelines recorded against what runtimes saw."""

    @extend_schema(
        operation_id="reconciliation",
        summary="Deployments recorded by pipelines against what runtimes saw: unrecorded, missing, early, late, unobserved",
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="Default: 30 days before the end."),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="Default: now."),
            OpenApiParameter("service", str, description="By name."),
            OpenApiParameter("environment", str, description="By name."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        until = self._moment("to") or now()
        since = self._moment("from") or until - timedelta(days=30)
        if not since < until <= since + LONGEST:
            refuse(
                "period.range",
                "The period begins before it ends and is at most a year.",
                field="from",
                status=422,
            )
        report = reconcile(
            since,
            until,
            services=self._named(Service, "service"),
            environments=self._named(Environment, "environment"),
        )
        return Response(
            {
                "from": plain(since),
                "to": plain(until),
                "deployments": report.deployments,
                "observations": report.observations,
                "counts": report.counts,
                "gaps": [_gap(line) for line in report.lines],
            }
        )

    def _moment(self, name: str) -> datetime | None:
        text = self.request.query_params.get(name, "")
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            refuse(
                "moment",
                "Write a moment with its time zone, such as 2026-01-31T12:00:00Z.",
                field=name,
                status=422,
            )
        return moment

    def _named(self, model: Any, name: str) -> list[Any] | None:
        text = self.request.query_params.get(name, "").replace("\0", "").strip()
        if not text:
            return None
        found = model.objects.filter(name=text[:120]).first()
        if found is None:
            refuse(f"{name}.unknown", f"There is no {name} {text[:80]}.", field=name, status=422)
        return [found]


def _gap(line: Line) -> dict[str, Any]:
    gap = line.gap
    return {
        "kind": gap.kind,
        "sentence": line.sentence,
        "at": plain(gap.at),
        "service": line.service.name,
        "environment": line.environment.name,
        "apart_seconds": gap.apart.total_seconds() if gap.apart else None,
        "recorded": {
            "digest": gap.recorded.digest,
            "version": gap.recorded.version,
            "finished_at": plain(gap.recorded.finished_at),
            "href": links.api_url_for(line.deployment) if line.deployment else None,
        }
        if gap.recorded
        else None,
        "seen": {
            "digest": gap.seen.digest,
            "version": gap.seen.version,
            "observed_at": plain(gap.seen.observed_at),
            "href": links.api_url_for(line.observation) if line.observation else None,
        }
        if gap.seen
        else None,
    }
