"""Addresses of governance that belong to no organization."""

from django.urls import path

from . import auditor, download

urlpatterns = [
    path("release-gate", download.release_gate, name="release_gate"),
    path("auditor-invitation/<str:token>", auditor.invited, name="auditor_invitation"),
]
