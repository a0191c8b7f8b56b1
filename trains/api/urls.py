"""Endpoints below /api/v1/orgs/<organization>/."""

from django.urls import path

from .boundaries import BoundariesView

urlpatterns = [path("boundaries", BoundariesView.as_view(), name="api_boundaries")]
