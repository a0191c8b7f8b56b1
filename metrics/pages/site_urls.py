"""Addresses of metrics outside organizations."""

from django.urls import path

from . import prometheus

urlpatterns = [path("metrics", prometheus.installation, name="prometheus")]
