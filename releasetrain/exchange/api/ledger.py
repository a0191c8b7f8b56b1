"""The audit trail over REST: who did what, when, and the proof of one entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from releasetrain.audit import explorer
from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange.ledger import require_reader
from releasetrain.interface.api.pagination import limit_of
from releasetrain.interface.api.views import OrganizationView
from releasetrain.interface.search import named
from releasetrain.kernel.refusals import refuse

_WORDS = ("q", "verb", "actor", "kind", "subject")
_NAMES = (*_WORDS, "since", "until", "before", "limit")

_FIELDS = {
    "entry": serializers.IntegerField(),
    "at": serializers.DateTimeField(),
    "verb": serializers.CharField(),
    "actor": serializers.UUIDField(allow_null=True),
    "actor_name": serializers.CharField(help_text="Empty for people, who are named by id."),
    "route": serializers.CharField(),
    "kind": serializers.CharField(),
    "subject": serializers.CharField(),
    "label": serializers.CharField(),
    "request": serializers.CharField(),
}
_PROOF = inline_serializer(
    "LedgerProof",
    {
        "index": serializers.IntegerField(),
        "path": serializers.ListField(
            child=serializers.CharField(), help_text="Hashes from leaf to root, hex."
        ),
        "size": serializers.IntegerField(),
        "checkpoint": serializers.CharField(help_text="The signed note (C2SP tlog-checkpoint)."),
    },
    allow_null=True,
)


class LedgerView(OrganizationView):
    """The list of entries."""

    @extend_schema(
        operation_id="ledger_list",
        parameters=[
            OpenApiParameter("q", str, description="A key, name or id of an object, or a part of its name."),
            OpenApiParameter("verb", str, description="E.g. change.submit."),
            OpenApiParameter("actor", str, description="Id of a person or service account."),
            OpenApiParameter("kind", str, description="Kind of the object, e.g. release."),
            OpenApiParameter("subject", str, description="Id of the object."),
            OpenApiParameter("since", datetime, description="From this moment on."),
            OpenApiParameter("until", datetime, description="Before this moment."),
            OpenApiParameter(
                "before", int, description="Entries with smaller numbers: `next` of the last answer."
            ),
            OpenApiParameter("limit", int, description="How many, 1 to 200."),
        ],
        responses=inline_serializer(
            "LedgerPage",
            {
                "items": serializers.ListField(child=inline_serializer("LedgerEntry", _FIELDS)),
                "next": serializers.IntegerField(allow_null=True, help_text="`before` of the next page."),
                "looked_back_to": serializers.DateTimeField(
                    allow_null=True,
                    help_text="Set where older entries were not looked at yet; go on with `next`.",
                ),
            },
        ),
    )
    def get(self, request: Any) -> Response:
        """The audit trail, newest first. Needs audit.read."""
        require_reader(self.actor)
        given = request.query_params
        if unknown := sorted(set(given) - set(_NAMES)):
            refuse("filter.unknown", f"There is no parameter {unknown[0][:60]} here.", field=unknown[0][:60])
        words = {name: given.get(name, "").strip()[:100] for name in _WORDS}
        text = words.pop("q")
        query = explorer.Query(
            text=text,
            objects=tuple(named(self.actor, text)) if text else (),
            **words,
            since=_moment(given, "since"),
            until=_moment(given, "until"),
            before=_number(given, "before"),
        )
        found = explorer.search(query, limit_of(given.get("limit", "")))
        return Response(
            {
                "items": [_line(entry) for entry in found.entries],
                "next": found.more,
                "looked_back_to": found.looked_back_to,
            }
        )


class LedgerEntryView(OrganizationView):
    """One entry."""

    @extend_schema(
        operation_id="ledger_entry",
        responses=inline_serializer(
            "LedgerEntryProved",
            {
                **_FIELDS,
                "body": serializers.CharField(
                    help_text="Canonical JSON (RFC 8785), the text that is hashed."
                ),
                "leaf_hash": serializers.CharField(
                    help_text="SHA-256 of a zero byte and the body, hex (RFC 6962)."
                ),
                "proof": _PROOF,
            },
        ),
    )
    def get(self, request: Any, number: int) -> Response:
        """One entry with its canonical body, leaf hash and, once sealed, inclusion proof. Needs audit.read."""
        require_reader(self.actor)
        entry = LedgerEntry.objects.filter(pk=number).first() if number < 2**63 else None
        if entry is None:
            raise Http404
        proof = explorer.proof(entry)
        return Response(
            {
                **_line(entry),
                "body": entry.body,
                "leaf_hash": bytes(entry.leaf_hash).hex(),
                "proof": proof
                and {
                    "index": proof.index,
                    "path": proof.path,
                    "size": proof.checkpoint.size,
                    "checkpoint": proof.checkpoint.note,
                },
            }
        )


def _line(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "entry": entry.pk,
        "at": entry.at,
        "verb": entry.verb,
        "actor": entry.actor_id,
        "actor_name": entry.actor_name,
        "route": entry.route,
        "kind": entry.subject_kind,
        "subject": entry.subject_id,
        "label": entry.subject_label,
        "request": entry.request_id,
    }


def _moment(given: Any, name: str) -> datetime | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or not 1970 <= moment.year <= 9000:
        refuse("filter.invalid", f"{name} is a moment like 2026-11-21T09:30:00Z.", field=name)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _number(given: Any, name: str) -> int | None:
    text = given.get(name, "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 19):
        refuse("filter.invalid", f"{name} is the number of an entry.", field=name)
    return int(text) if text else None
