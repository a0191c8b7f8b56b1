"""Addresses of gates' own pages."""

from django.urls import path

from . import gates, promotion

urlpatterns = [
    path("preflight/", promotion.preflight_page, name="preflight"),
    path("waivers/in-use/", promotion.waivers_page, name="waivers_in_use"),
    path("gates/<str:ref>/publish/", gates.publish, name="gate_publish"),
    path("results/<str:ref>/file", gates.result_file, name="result_file"),
    path("releases/<str:ref>/badge.svg", gates.badge, name="release_badge"),
]
