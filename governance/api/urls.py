"""Addresses below /api/v1/orgs/<org>/ that governance answers by hand."""

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from .controls import CoverageRowsView, CoverageView
from .downloads import (
    AttachmentFileView,
    PackageFileView,
    PopulationRowsView,
    PublicKeysView,
    ReportFileView,
    VerifierView,
)
from .findings import (
    ReleaseFindingsCsvView,
    ReleaseFindingsView,
    ServiceFindingsCsvView,
    ServiceFindingsView,
    WhereIsView,
)
from .promotion import CheckKindsView, PreflightView, WaiverUseView
from .reports import DecisionsView, DocumentRegisterView, GovernanceReportView
from .views import EvaluateView, EvaluationView

urlpatterns = [
    # The middleware has checked the CSRF token of sessions and needs none from tokens.
    path("gates/evaluate", csrf_exempt(EvaluateView.as_view()), name="api-gates-evaluate"),
    path("preflight", csrf_exempt(PreflightView.as_view()), name="api-preflight"),
    path("gates/kinds", CheckKindsView.as_view(), name="api-check-kinds"),
    path("waivers/use", WaiverUseView.as_view(), name="api-waiver-use"),
    path("control-coverage", CoverageView.as_view(), name="api-control-coverage"),
    path("control-coverage/rows", CoverageRowsView.as_view(), name="api-control-coverage-rows"),
    path("decisions", DecisionsView.as_view(), name="api-decisions"),
    path("document-register", DocumentRegisterView.as_view(), name="api-document-register"),
    path("governance-report", GovernanceReportView.as_view(), name="api-governance-report"),
    path("where-is", WhereIsView.as_view(), name="api-where-is"),
    path("releases/<str:ref>/findings-report", ReleaseFindingsView.as_view(), name="api-release-findings"),
    path(
        "releases/<str:ref>/findings-report.csv",
        ReleaseFindingsCsvView.as_view(),
        name="api-release-findings-csv",
    ),
    path("services/<str:ref>/findings-report", ServiceFindingsView.as_view(), name="api-service-findings"),
    path(
        "services/<str:ref>/findings-report.csv",
        ServiceFindingsCsvView.as_view(),
        name="api-service-findings-csv",
    ),
    path("attachments/<str:ref>/file", AttachmentFileView.as_view(), name="api-attachment-file"),
    path("evidence/verify.py", VerifierView.as_view(), name="api-evidence-verifier"),
    path("evidence/public-keys.pem", PublicKeysView.as_view(), name="api-evidence-public-keys"),
    path("evidence/<str:ref>/file", PackageFileView.as_view(), name="api-evidence-file"),
    path("audit-populations/<str:ref>/rows", PopulationRowsView.as_view(), name="api-population-rows"),
    path("results/<str:ref>/file", ReportFileView.as_view(), name="api-result-file"),
    path("evaluations/<str:ref>", csrf_exempt(EvaluationView.as_view()), name="api-evaluation"),
]
