"""Addresses of evidence packages' own pages."""

from django.urls import path

from . import attachments, evidence

urlpatterns = [
    path("attachments/<str:ref>/file", attachments.attachment_file, name="attachment_file"),
    path("evidence/verify.py", evidence.verifier, name="evidence_verifier"),
    path("evidence/public-keys.pem", evidence.public_keys, name="evidence_public_keys"),
    path("evidence/<str:ref>/progress", evidence.progress, name="evidence_progress"),
    path("evidence/<str:ref>/file", evidence.download, name="evidence_file"),
    path("evidence/<str:ref>/file/<str:token>", evidence.linked, name="evidence_link"),
]
