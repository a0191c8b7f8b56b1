"""Endpoints below /api/v1/orgs/<organization>/."""

from django.urls import path

from .ranking import PreviewView, RankingView
from .sequence import SequenceView

urlpatterns = [
    path("sequence", SequenceView.as_view(), name="api_sequence"),
    path("features/ranking", RankingView.as_view(), name="api_feature_ranking"),
    path("scoring-models/<str:ref>/preview", PreviewView.as_view(), name="api_scoring_model_preview"),
]
