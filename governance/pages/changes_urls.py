"""Addresses of the change advisory board."""

from django.urls import path

from . import cab

urlpatterns = [
    path("cab/", cab.desk, name="cab"),
    path("cab/<str:reference>/", cab.desk, name="cab_change"),
    path("cab/<str:reference>/vote/", cab.vote, name="cab_vote"),
]
