"""Addresses of delivery performance."""

from django.urls import path

from . import dora

urlpatterns = [
    path("metrics/", dora.dashboard, name="metrics"),
    path("metrics/<str:metric>/", dora.rows, name="metric_rows"),
]
