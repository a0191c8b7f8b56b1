"""Addresses of trains' own pages, below /o/<organization>/."""

from django.urls import path

from . import (
    boundaries,
    briefs,
    cadence,
    calendar,
    compatibility,
    configuration,
    deployment_plans,
    feeds,
    load,
    on_call,
    parity,
    pipeline_templates,
    reconciliation,
    volatility,
)

app_name = "trains"
urlpatterns = [
    path("deployments/reconciliation/", reconciliation.show, name="reconciliation"),
    path("deployment-plans/<str:ref>/live", deployment_plans.live, name="deployment_plan_live"),
    path("pipelines/drift/", pipeline_templates.drift, name="pipeline_drift"),
    path("pipeline-templates/<uuid:ref>/file", pipeline_templates.file, name="pipeline_file"),
    path("environments/parity/", parity.show, name="parity"),
    path("boundaries/", boundaries.show, name="boundaries"),
    path("calendar/", calendar.show, name="calendar"),
    path("compatibility/", compatibility.matrix, name="compatibility"),
    path("can-i-deploy/", compatibility.can_i_deploy, name="can_i_deploy"),
    path("configuration/", configuration.graph, name="configuration"),
    path("configuration/drift/", configuration.drift, name="configuration_drift"),
    path("scope-volatility/", volatility.show, name="scope_volatility"),
    path("content-briefs/<str:ref>/brief.pdf", briefs.document, {"form": "pdf"}, name="brief_pdf"),
    path("content-briefs/<str:ref>/brief.html", briefs.document, {"form": "html"}, name="brief_html"),
    path("calendar/cadence/", cadence.show, name="cadence"),
    path("calendar/load/", load.show, name="load"),
    path("calendar/subscribe/", feeds.subscriptions, name="subscribe"),
    path("on-call/", on_call.show, name="on-call"),
    path("on-call/<uuid:pk>/calendar.ics", on_call.export, name="on-call-export"),
]
