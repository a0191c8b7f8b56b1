"""Endpoints below /api/v1/orgs/<organization>/."""

from django.urls import path

from .dora import DoraView

urlpatterns = [path("metrics/dora", DoraView.as_view(), name="api_dora")]
