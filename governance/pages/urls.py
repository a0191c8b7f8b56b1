"""Addresses of governance's own pages, part by part."""

from .changes_urls import urlpatterns as changes
from .evidence_urls import urlpatterns as evidence
from .gates_urls import urlpatterns as gates

urlpatterns = [*changes, *gates, *evidence]
