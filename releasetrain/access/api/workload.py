"""The exchange of an ID token for a short access, and trying claims against the rules."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.response import Response

from releasetrain.access import workload
from releasetrain.access.authentication import refused
from releasetrain.access.queries import trust
from releasetrain.access.rules.assertions import BadAssertion
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.refusals import refuse

_ACCESS = inline_serializer(
    "WorkloadAccess",
    {
        "access_token": serializers.CharField(help_text="rtk_…, shown here only."),
        "token_type": serializers.CharField(),
        "expires_in": serializers.IntegerField(help_text="Seconds, 900 at most."),
        "expires_at": serializers.DateTimeField(),
        "service_account": serializers.CharField(),
        "trust_rule": serializers.CharField(),
        "subject": serializers.CharField(),
    },
)
_TRIAL = inline_serializer(
    "WorkloadTrial",
    {
        "taken_by": serializers.CharField(allow_null=True),
        "service_account": serializers.CharField(allow_null=True),
        "rules": inline_serializer(
            "WorkloadTrialRule",
            {
                "rule": serializers.CharField(),
                "takes": serializers.BooleanField(),
                "reasons": serializers.ListField(child=serializers.CharField()),
            },
            many=True,
        ),
    },
)
_CLAIMS = inline_serializer("WorkloadClaims", {"claims": serializers.JSONField()})


class ExchangeView(OrganizationView):
    """POST with the ID token as bearer: a short access as the service account of the rule that takes it."""

    @extend_schema(operation_id="workload_exchange", request=None, responses={200: _ACCESS})
    def post(self, request: Any, **_: Any) -> Response:
        identity = request._request.auth
        if not isinstance(identity, workload.Identity):
            raise NotAuthenticated("Send the ID token of the job: Authorization: Bearer <ID token>.")
        try:
            given = workload.exchange(self.actor, identity)
        except BadAssertion as bad:
            raise refused(bad) from bad
        return Response(given, headers={"Cache-Control": "no-store"})


class TrialView(OrganizationView):
    """POST claims: what each rule says to them. Nothing is believed, kept or opened."""

    @extend_schema(operation_id="workload_try", request=_CLAIMS, responses={200: _TRIAL})
    def post(self, request: Any, **_: Any) -> Response:
        trust.require_manager(self.actor)
        claims = request.data.get("claims") if isinstance(request.data, dict) else None
        if not isinstance(claims, dict) or set(request.data) != {"claims"}:
            refuse("claims.not_object", "Give the claims as a JSON object.", field="claims")
        found = trust.tried(claims)
        return Response(
            {
                "taken_by": found.rule.name if found.rule else None,
                "service_account": found.rule.service_account.name if found.rule else None,
                "rules": [
                    {"rule": each.rule.name, "takes": each.takes, "reasons": each.reasons}
                    for each in found.trials
                ],
            }
        )
