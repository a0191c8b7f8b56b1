"""Addresses of access below /o/<organization>/."""

from django.urls import path

from . import tokens, workload

urlpatterns = [
    path("workload-identity/", workload.overview, name="workload_identity"),
    path("service-accounts/<str:reference>/rotate/<str:token>/", tokens.rotate, name="rotate_token"),
]
