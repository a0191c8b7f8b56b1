"""Addresses of gates' own pages."""

from django.urls import path

from . import gates

urlpatterns = [
    path("gates/<str:ref>/publish/", gates.publish, name="gate_publish"),
    path("results/<str:ref>/file", gates.result_file, name="result_file"),
    path("releases/<str:ref>/badge.svg", gates.badge, name="release_badge"),
]
