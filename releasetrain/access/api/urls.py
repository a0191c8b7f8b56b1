"""Endpoints of access below /api/v1/orgs/<organization>/."""

from django.urls import path

from .archives import ArchiveFileView
from .holdings import HoldingsView
from .workload import ExchangeView, TrialView

urlpatterns = [
    path("access-report", HoldingsView.as_view(), name="api-access-report"),
    path(
        "organization-archives/<str:ref>/file",
        ArchiveFileView.as_view(),
        name="api-organization-archive-file",
    ),
    path("workload-identity/exchange", ExchangeView.as_view(), name="api-workload-exchange"),
    path("workload-identity/try", TrialView.as_view(), name="api-workload-try"),
]
