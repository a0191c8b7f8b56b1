"""Addresses of access below /o/<organization>/."""

from django.urls import path

from . import holdings, reviews, tokens, workload

urlpatterns = [
    path("access/", holdings.show, name="access_report"),
    path("access/export.csv", holdings.export, name="access_report_csv"),
    path("access-reviews/<str:reference>/decide/", reviews.decide, name="access_review_decide"),
    path("workload-identity/", workload.overview, name="workload_identity"),
    path("service-accounts/<str:reference>/rotate/<str:token>/", tokens.rotate, name="rotate_token"),
]
