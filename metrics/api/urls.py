"""Endpoints below /api/v1/orgs/<organization>/. Own endpoints below metrics/ come before the names of dashboards."""

from django.urls import path

from .dashboards import DashboardsView, DashboardView, FigureView
from .dora import DoraView
from .prometheus import PrometheusView

urlpatterns = [
    path("prometheus", PrometheusView.as_view(), name="api_prometheus"),
    path("metrics", DashboardsView.as_view(), name="api_dashboards"),
    path("metrics/dora", DoraView.as_view(), name="api_dora"),
    path("metrics/<slug:name>", DashboardView.as_view(), name="api_dashboard"),
    path("metrics/<slug:name>/<str:figure>", FigureView.as_view(), name="api_figure"),
]
