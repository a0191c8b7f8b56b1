"""Addresses of access below /o/<organization>/."""

from django.urls import path

from . import archives, holdings, reviews, tokens, workload

urlpatterns = [
    path("access/", holdings.show, name="access_report"),
    path("access/export.csv", holdings.export, name="access_report_csv"),
    path("access-reviews/<str:reference>/decide/", reviews.decide, name="access_review_decide"),
    path("organization-archives/<str:reference>/file", archives.download, name="organization_archive_file"),
    path("workload-identity/", workload.overview, name="workload_identity"),
    path("service-accounts/<str:reference>/rotate/<str:token>/", tokens.rotate, name="rotate_token"),
]
