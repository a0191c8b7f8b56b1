"""Addresses of governance's own pages, part by part."""

from .auditing_urls import urlpatterns as auditing
from .changes_urls import urlpatterns as changes
from .controls_urls import urlpatterns as controls
from .duties_urls import urlpatterns as duties
from .evidence_urls import urlpatterns as evidence
from .findings_urls import urlpatterns as findings
from .gates_urls import urlpatterns as gates
from .readiness_urls import urlpatterns as readiness

urlpatterns = [*auditing, *changes, *controls, *duties, *evidence, *findings, *gates, *readiness]
