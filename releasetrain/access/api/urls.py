"""Endpoints of access below /api/v1/orgs/<organization>/."""

from django.urls import path

from .workload import ExchangeView, TrialView

urlpatterns = [
    path("workload-identity/exchange", ExchangeView.as_view(), name="api-workload-exchange"),
    path("workload-identity/try", TrialView.as_view(), name="api-workload-try"),
]
