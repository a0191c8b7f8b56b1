"""POST series/openmetrics: what a process exposes, pushed as it is. GET series/values: reading series in bulk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from releasetrain.interface.api.parsing import BodyTooLarge, JSONParser
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.actions.series import push_exposition
from trains.models import Environment, Service
from trains.queries import series
from trains.rules.series import COARSE, FINE, RAW

LARGEST = 5_000_000
LONGEST = timedelta(days=800)
MOST_NAMES = 50


class ExpositionParser(BaseParser):
    """text/plain, as text."""

    media_type = "text/plain"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> str:
        body = stream.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise BodyTooLarge(f"The body is larger than {LARGEST} bytes.")
        try:
            return str(body.decode())
        except UnicodeDecodeError:
            refuse("series.exposition", "The body is no UTF-8.", field="body")


class OpenMetricsParser(ExpositionParser):
    """application/openmetrics-text, likewise."""

    media_type = "application/openmetrics-text"


class PushView(OrganizationView):
    """What a process exposes, pushed as a push gateway takes it."""

    parser_classes = [ExpositionParser, OpenMetricsParser]

    @extend_schema(
        operation_id="series_openmetrics",
        summary="Push an exposition (OpenMetrics or Prometheus text) as the body",
        parameters=[
            OpenApiParameter("service", str, description="By name. Empty: of the organization."),
            OpenApiParameter("environment", str, description="By name."),
        ],
        request={"text/plain": str, "application/openmetrics-text": str},
        responses={200: OpenApiTypes.OBJECT},
    )
    def post(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        text = request.data
        if not isinstance(text, str) or "\0" in text:
            refuse("series.exposition", "The body is an exposition.", field="body")
        said = push_exposition(
            self.actor,
            text=text,
            service=_named(request, Service, "service"),
            environment=_named(request, Environment, "environment"),
        )
        return Response(said)


class ValuesView(OrganizationView):
    """The values of series in a period."""

    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="series_values",
        summary="Values of series in a period, by name and labels; counters as increases per second",
        parameters=[
            OpenApiParameter("name", str, required=True, many=True, description="Up to 50, repeated."),
            OpenApiParameter("service", str, description="By name. Empty: of the organization."),
            OpenApiParameter("environment", str, description="By name."),
            OpenApiParameter("label", str, many=True, description="name=value, repeated."),
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="Default: an hour before the end."),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="Default: now."),
            OpenApiParameter("step", int, enum=[RAW, FINE, COARSE], description="Default: by the period."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        names = request.query_params.getlist("name")
        if not 0 < len(names) <= MOST_NAMES:
            refuse("series.names", f"Give between 1 and {MOST_NAMES} names.", field="name")
        end = _moment(request, "to") or now()
        start = _moment(request, "from") or end - timedelta(hours=1)
        if not start < end <= start + LONGEST:
            refuse("period.range", "The period begins before it ends and is at most 800 days.", field="from")
        found = series.values(
            _named(request, Service, "service"),
            names,
            start,
            end,
            labels=_labels(request),
            environment=_named(request, Environment, "environment"),
            step=_step(request),
        )
        return Response(
            {
                "from": plain(start),
                "to": plain(end),
                "series": [_shown(reading) for readings in found.values() for reading in readings],
            }
        )


def _shown(reading: series.Reading) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": str(reading.series.pk),
        "name": reading.name,
        "labels": reading.labels,
        "kind": reading.series.kind,
        "unit": reading.series.unit,
        "step": reading.step,
        "points": [
            [plain(moment), value] for moment, value in zip(reading.moments, reading.values, strict=True)
        ],
    }
    if reading.lows:
        shown |= {"lows": reading.lows, "highs": reading.highs, "counts": reading.counts}
    return shown


def _named(request: Any, model: Any, name: str) -> Any:
    text = request.query_params.get(name, "")
    if not text:
        return None
    found = model.objects.filter(name=text).first()
    if found is None:
        refuse(f"{name}.absent", f"There is no {name} {text[:80]}.", field=name)
    return found


def _labels(request: Any) -> dict[str, str]:
    pairs = [text.partition("=") for text in request.query_params.getlist("label")]
    if any(not (key and between) for key, between, _ in pairs):
        refuse("series.labels", "A label is given as name=value.", field="label")
    return {key: value for key, _, value in pairs}


def _step(request: Any) -> int | None:
    text = request.query_params.get("step", "")
    if not text:
        return None
    if text not in (str(RAW), str(FINE), str(COARSE)):
        refuse("series.step", f"A step is {RAW}, {FINE} or {COARSE}.", field="step")
    return int(text)


def _moment(request: Any, name: str) -> datetime | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        refuse("period.moment", f"{text[:40]} is no moment with a time zone.", field=name)
    return moment
