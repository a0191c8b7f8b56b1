"""Addresses of problems' own pages, below /o/<organization>/."""

from django.urls import path

from . import figures, incident_import

urlpatterns = [
    path("incidents/import/", incident_import.show, name="incident_import"),
    path("recurrence/", figures.recurrence, name="recurrence"),
    path("recurrence/export.csv", figures.recurrence_csv, name="recurrence_csv"),
    path("fix-analysis/", figures.analysis, name="fix_analysis"),
    path("fix-analysis/rows", figures.analysis_rows, name="fix_analysis_rows"),
    path("fix-analysis/export.csv", figures.analysis_csv, name="fix_analysis_csv"),
    path("known-errors/", figures.search_known_errors, name="known_errors"),
    path("problems/<str:ref>/decision-aid/", figures.decision_aid, name="decision_aid"),
    path("environments/<str:ref>/problems/", figures.on_environment, name="environment_problems"),
]
