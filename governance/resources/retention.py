"""Retention policies, legal holds, disposals and what they left behind."""

from __future__ import annotations

from django.db.models import QuerySet

from governance.models import Disposal, DisposedFile, LegalHold, RetentionPolicy
from governance.pages.controls import disposal_context
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register

navigation.register(
    navigation.Place("retention", "Retention", "clock", "disposals/", 126, "Assure", "Retention and disposal")
)


def _standing(rows: QuerySet, value: str) -> QuerySet:
    return rows.filter(lifted_at__isnull=value == "yes")


register(
    Resource(
        RetentionPolicy,
        plural="retention-policies",
        section="retention",
        icon="clock",
        columns=(
            "record_type",
            "framework",
            "jurisdiction",
            "regulated_only",
            "keep_days",
            "clock",
            "retired_at",
        ),
        filters=("record_type", "regulated_only"),
        search=("framework", "jurisdiction", "reason"),
        order=("record_type", "-keep_days", "id"),
        description="How long records are kept. Of several policies the longest wins.",
    )
)
register(
    Resource(
        LegalHold,
        plural="legal-holds",
        section="retention",
        icon="flag",
        columns=("key", "title", "record_type", "train", "service", "release", "placed_by", "lifted_at"),
        filters=(
            "record_type",
            "train",
            "service",
            Filter("standing", "Standing", _standing, (("yes", "Yes"), ("no", "No"))),
        ),
        search=("key", "title", "reason"),
        order=("-created_at", "-id"),
        description="What a hold covers is disposed of by nobody until it is lifted.",
    )
)
register(
    Resource(
        Disposal,
        plural="disposals",
        section="retention",
        icon="vault",
        columns=("key", "record_type", "count", "bytes", "state", "proposed_at", "first_by", "second_by"),
        filters=("state", "record_type"),
        search=("key",),
        order=("-proposed_at", "-id"),
        hidden=("lease", "claimed_until"),
        template="governance/controls/disposal.html",
        context=disposal_context,
        description="Records past their retention: proposed by a worker, approved by two people, executed, certified.",
    )
)
register(
    Resource(
        DisposedFile,
        plural="disposed-files",
        section="retention",
        icon="file",
        columns=("file", "digest", "size", "disposal", "disposed_at"),
        filters=("disposal",),
        search=("digest", "file__name"),
        order=("-disposed_at", "-id"),
        description="What is left of a disposed file: its digest.",
    )
)
