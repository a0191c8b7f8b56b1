"""Endpoints below /api/v1/orgs/<organization>/."""

from django.urls import path

from . import calendar
from .boundaries import BoundariesView
from .compatibility import BriefHtmlView, BriefPdfView, CanDeployView, CompatibilityView, VolatilityView
from .parity import EnvironmentParityView
from .pipelines import PipelineDriftView, PipelineFileView, StageSecretsView
from .reconciliation import ReconciliationView
from .series import PushView, ValuesView
from .value_stream import ValueStreamView

urlpatterns = [
    path("series/openmetrics", PushView.as_view(), name="api_series_push"),
    path("series/values", ValuesView.as_view(), name="api_series_values"),
    path("reconciliation", ReconciliationView.as_view(), name="api_reconciliation"),
    path("environment-parity", EnvironmentParityView.as_view(), name="api_environment_parity"),
    path("pipeline-drift", PipelineDriftView.as_view(), name="api_pipeline_drift"),
    path("pipeline-templates/<uuid:ref>/file", PipelineFileView.as_view(), name="api_pipeline_file"),
    path("stage-secrets", StageSecretsView.as_view(), name="api_stage_secrets"),
    path("value-stream", ValueStreamView.as_view(), name="api_value_stream"),
    path("boundaries", BoundariesView.as_view(), name="api_boundaries"),
    path("can-i-deploy", CanDeployView.as_view(), name="api-can-i-deploy"),
    path("compatibility", CompatibilityView.as_view(), name="api-compatibility"),
    path("scope-volatility", VolatilityView.as_view(), name="api-scope-volatility"),
    path("content-briefs/<str:ref>/brief.pdf", BriefPdfView.as_view(), name="api-brief-pdf"),
    path("content-briefs/<str:ref>/brief.html", BriefHtmlView.as_view(), name="api-brief-html"),
    path("calendar/events", calendar.CalendarEventsView.as_view(), name="api-calendar-events"),
    path("calendar/cadence", calendar.CadenceView.as_view(), name="api-calendar-cadence"),
    path("calendar/load", calendar.LoadView.as_view(), name="api-calendar-load"),
    path("on-call/now", calendar.OnCallView.as_view(), name="api-on-call-now"),
    path("releases/<str:ref>/landing", calendar.LandingView.as_view(), name="api-release-landing"),
    path(
        "train-meetings/<uuid:ref>/proposals",
        calendar.ProposalsView.as_view(),
        name="api-train-meeting-proposals",
    ),
]
