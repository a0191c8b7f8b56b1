"""Addresses of the pages of findings and components."""

from django.urls import path

from . import findings

urlpatterns = [
    path("components/where/", findings.components, name="where_is_component"),
    path("releases/<str:ref>/findings/", findings.release_findings, name="release_findings"),
    path("releases/<str:ref>/findings/export.csv", findings.release_csv, name="release_findings_csv"),
    path("services/<str:ref>/findings/", findings.service_findings, name="service_findings"),
    path("services/<str:ref>/findings/export.csv", findings.service_csv, name="service_findings_csv"),
]
