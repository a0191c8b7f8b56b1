"""Bulk: many verbs in one request, all or nothing, or each for itself."""

from __future__ import annotations

from typing import Any

from django.db import DataError, transaction
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from releasetrain.audit.doorway import Action, actions
from releasetrain.interface import step_up
from releasetrain.interface.parameters import validated
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.refusals import Refusal, Refused
from releasetrain.tenancy.models import Organization

from . import idempotency, problems
from .representation import loose, reference
from .views import OrganizationView

MOST = 500


class BulkOperationSerializer(serializers.Serializer):
    """One act: its verb, the object it acts on, its parameters."""

    verb = serializers.CharField(max_length=80)
    id = serializers.CharField(
        max_length=100, required=False, help_text="Id or key of the object, for verbs that act on one."
    )
    parameters = serializers.DictField(required=False)


class BulkSerializer(serializers.Serializer):
    """Many acts in order."""

    operations = serializers.ListField(child=BulkOperationSerializer(), min_length=1, max_length=MOST)
    atomic = serializers.BooleanField(
        default=True,
        help_text="True: the first refusal undoes everything. False: each act stands for itself.",
    )


class BulkOutcomeSerializer(serializers.Serializer):
    """What became of one act."""

    status = serializers.IntegerField()
    result = serializers.JSONField(required=False)
    problem = serializers.JSONField(required=False)


class BulkResultSerializer(serializers.Serializer):
    """The outcomes, in the order of the operations."""

    items = BulkOutcomeSerializer(many=True)


class BulkView(OrganizationView):
    """Perform many verbs in one request."""

    @extend_schema(
        operation_id="bulk",
        tags=["bulk"],
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="Repeats of this request act once.",
            )
        ],
        request=BulkSerializer,
        responses=BulkResultSerializer,
    )
    def post(self, request: Any, **_: Any) -> Response:
        asked = BulkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        named = [actions().get(operation["verb"]) for operation in asked.validated_data["operations"]]
        quiet = frozenset(name for action in named if action for name in action.quiet)
        return idempotency.once(request, lambda: self._all(asked.validated_data), quiet)

    def _all(self, asked: dict[str, Any]) -> Response:
        outcomes = []
        for index, operation in enumerate(asked["operations"]):
            try:
                with transaction.atomic():
                    outcomes.append({"status": 200, "result": self._one(operation)})
            except (Refused, serializers.ValidationError, Http404, DataError) as error:
                outcomes.append(self._refused(error, index, stop=asked["atomic"]))
        return Response({"items": outcomes})

    def _one(self, operation: dict[str, Any]) -> Any:
        action = actions().get(operation["verb"])
        if action is None:
            raise Refused(
                Refusal("verb.unknown", f"There is no verb {operation['verb']}.", field="verb", status=422)
            )
        step_up.require(self.request._request, action)
        subject = self._subject(action, operation.get("id", ""))
        params = validated(action, operation.get("parameters", {}), self.actor, subject)
        result = (
            action(self.actor, subject, **params) if action.on is not None else action(self.actor, **params)
        )
        shown = subject if result is None else result
        return reference(shown) if resource_of(shown) else loose(shown)

    def _subject(self, action: Action, ref: str) -> Any:
        if action.on is Organization:
            return self.request._request.organization  # type: ignore[attr-defined]
        if action.on is None:
            return None
        resource = resource_of(action.on)
        subject = resource.find(self.actor, ref) if resource else None
        if subject is None:
            raise Http404
        return subject

    def _refused(self, error: Exception, index: int, *, stop: bool) -> dict[str, Any]:
        described = problems.describe(self.request, error)
        assert described is not None
        status, problem, _ = described
        if stop:
            sentence = f"Operation {index}: {problem['detail']} Nothing was done."
            raise Refused(
                Refusal(
                    problem["code"],
                    sentence,
                    problem.get("remedy", ""),
                    field=f"operations/{index}",
                    status=status,
                )
            ) from error
        return {"status": status, "problem": problem}
