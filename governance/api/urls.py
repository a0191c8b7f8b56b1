"""Addresses below /api/v1/orgs/<org>/ that governance answers by hand."""

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from .views import EvaluateView, EvaluationView

urlpatterns = [
    # The middleware has checked the CSRF token of sessions and needs none from tokens.
    path("gates/evaluate", csrf_exempt(EvaluateView.as_view()), name="api-gates-evaluate"),
    path("evaluations/<str:ref>", csrf_exempt(EvaluationView.as_view()), name="api-evaluation"),
]
