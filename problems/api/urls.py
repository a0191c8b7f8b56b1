"""Addresses below /api/v1/orgs/<org>/ that problems answer by hand."""

from django.urls import path

from . import views

urlpatterns = [
    path("recurrence", views.RecurrenceView.as_view(), name="api-recurrence"),
    path("fix-analysis", views.FixAnalysisView.as_view(), name="api-fix-analysis"),
    path("known-errors", views.KnownErrorsView.as_view(), name="api-known-errors"),
    path("problems/<str:ref>/decision-aid", views.DecisionAidView.as_view(), name="api-decision-aid"),
    path("incidents/<str:ref>/timeline", views.TimelineView.as_view(), name="api-incident-timeline"),
    path(
        "environments/<str:ref>/problems", views.PreflightProblemsView.as_view(), name="api-problem-preflight"
    ),
    path(
        "deployments/<str:ref>/problems",
        views.DeploymentProblemsView.as_view(),
        name="api-deployment-problems",
    ),
    path("releases/<str:ref>/fix-package", views.FixPackageView.as_view(), name="api-fix-package"),
]
