"""Addresses of the pages of controls, decisions and governance reports."""

from django.urls import path

from . import controls, decisions, documents, governance_report

urlpatterns = [
    path("control-coverage/", controls.show, name="control_coverage"),
    path("control-coverage/export.csv", controls.export, name="control_coverage_csv"),
    path("control-coverage/rows", controls.rows, name="control_coverage_rows"),
    path("decisions/", decisions.show, name="decisions"),
    path("decisions/export.csv", decisions.export, name="decisions_csv"),
    path("document-register/", documents.show, name="document_register"),
    path("governance-report/", governance_report.show, name="governance_report"),
    path("governance-report/rows", governance_report.rows, name="governance_report_rows"),
    path("governance-report/export.csv", governance_report.export, name="governance_report_csv"),
]
