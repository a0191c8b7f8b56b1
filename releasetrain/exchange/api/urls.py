"""Endpoints below /api/v1/orgs/<organization>/ that belong to no single domain."""

from django.urls import path

from .ledger import LedgerEntryView, LedgerView
from .tools import ToolsView

urlpatterns = [
    path("tools", ToolsView.as_view(), name="api-tools"),
    path("ledger", LedgerView.as_view(), name="api-ledger"),
    path("ledger/<int:number>", LedgerEntryView.as_view(), name="api-ledger-entry"),
]
