"""Addresses of readiness."""

from django.urls import path

from . import readiness

urlpatterns = [path("readiness/", readiness.overview, name="readiness")]
