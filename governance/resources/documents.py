"""The register of documents: kinds with templates, documents, and their versions."""

from __future__ import annotations

from governance.models import Document, DocumentKind, DocumentVersion
from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register

navigation.register(
    navigation.Place(
        "documents",
        "Documents",
        "file",
        "document-register/",
        123,
        "Assure",
        "Documents: required and in force",
    )
)

register(
    Resource(
        DocumentKind,
        plural="document-kinds",
        section="documents",
        icon="file",
        columns=("title", "about", "practice", "tiers", "months_valid", "retired_at"),
        filters=("about",),
        search=("code", "title", "practice"),
        order=("title", "id"),
        description="Which documents services and releases must have, and the outline each starts from.",
    )
)
register(
    Resource(
        Document,
        plural="documents",
        section="documents",
        icon="file",
        columns=("key", "title", "kind", "service", "release", "created_at"),
        filters=("kind", "service", "release"),
        search=("key", "title"),
        order=("-created_at", "-id"),
    )
)
register(
    Resource(
        DocumentVersion,
        plural="document-versions",
        section="documents",
        icon="file",
        columns=("document", "number", "state", "author", "decided_by", "decided_at", "expires_on"),
        filters=("state", "document", "author"),
        search=("document__title", "document__key", "note"),
        order=("-created_at", "-id"),
        select=("document",),
    )
)
