"""Addresses of reviews' own endpoints."""

from django.urls import path

from . import learning

urlpatterns = [
    path("review-archive", learning.ArchiveView.as_view(), name="review_archive"),
    path("review-health", learning.HealthView.as_view(), name="review_health"),
    path("case-studies/<str:reference>/redactions", learning.RedactionsView.as_view(), name="redactions"),
    path("risk-calibration", learning.CalibrationView.as_view(), name="risk_calibration"),
]
