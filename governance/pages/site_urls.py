"""Addresses of governance that belong to no organization."""

from django.urls import path

from . import download

urlpatterns = [path("release-gate", download.release_gate, name="release_gate")]
