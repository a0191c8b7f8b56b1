"""Addresses of reviews' own pages."""

from django.urls import path

from . import learning

urlpatterns = [
    path("review-archive/", learning.archive, name="review_archive"),
    path("review-health/", learning.report, name="review_health"),
    path("review-health/export.csv", learning.report_csv, name="review_health_csv"),
    path("risk-calibration/", learning.calibration, name="risk_calibration"),
]
