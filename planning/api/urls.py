"""Endpoints below /api/v1/orgs/<organization>/."""

from django.urls import path

from .sequence import SequenceView

urlpatterns = [path("sequence", SequenceView.as_view(), name="api_sequence")]
