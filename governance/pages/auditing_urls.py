"""Addresses of the auditors' desk and of what auditors work with."""

from django.urls import path

from . import auditing, auditor

urlpatterns = [
    path("auditor/", auditor.desk, name="auditor_desk"),
    path("audit-populations/<str:ref>/rows", auditing.population_rows, name="population_rows"),
]
