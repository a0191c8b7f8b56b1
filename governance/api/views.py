"""Asking gates over REST, and waiting for an evaluation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from governance.asking import FIELDS, Question, ask
from governance.models import Evaluation
from governance.queries import verdicts
from releasetrain.interface import links
from releasetrain.interface.api.documentation import ProblemDetailsSerializer
from releasetrain.interface.api.problems import CONTENT_TYPE
from releasetrain.interface.api.views import OrganizationView
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.refusals import refuse

LONGEST_WAIT = 30

_CHECK = inline_serializer(
    "GateCheck",
    {
        "gate": serializers.CharField(),
        "name": serializers.CharField(),
        "kind": serializers.CharField(),
        "title": serializers.CharField(),
        "rule": serializers.CharField(),
        "verdict": serializers.ChoiceField(["pass", "fail", "pending", "error", "waived"]),
        "reason": serializers.CharField(),
        "remedy": serializers.CharField(),
        "as_of": serializers.DateTimeField(allow_null=True),
        "valid_until": serializers.DateTimeField(),
        "waiver": serializers.JSONField(allow_null=True),
        "evidence": serializers.JSONField(),
    },
)
ANSWER = inline_serializer(
    "GateAnswer",
    {
        "verdict": serializers.ChoiceField(["pass", "fail", "pending", "error"]),
        "environment": serializers.CharField(),
        "release": serializers.CharField(allow_null=True),
        "artifact": serializers.CharField(allow_null=True),
        "valid_until": serializers.DateTimeField(allow_null=True),
        "inputs_digest": serializers.CharField(),
        "gates": serializers.JSONField(),
        "checks": serializers.ListField(child=_CHECK),
    },
)
_QUESTION = inline_serializer(
    "GateQuestion", {name: serializers.CharField(required=False, allow_blank=True) for name in FIELDS}
)
_UNDER_WAY = inline_serializer(
    "GateUnderWay",
    {
        "verdict": serializers.ChoiceField(["pending"]),
        "state": serializers.ChoiceField(["queued", "running"]),
        "evaluations": serializers.JSONField(),
    },
)


def _problems(*statuses: int) -> dict[Any, Any]:
    """Refusals, as everywhere in the API."""
    return {(status, CONTENT_TYPE): OpenApiResponse(ProblemDetailsSerializer) for status in statuses}


class EvaluateView(OrganizationView):
    """POST: may this release or artifact enter this environment?"""

    @extend_schema(
        operation_id="gates_ask",
        tags=["gates"],
        summary="Ask the gates before an environment for their verdict",
        request=_QUESTION,
        responses={
            200: OpenApiResponse(
                ANSWER, "The verdict; it stands until valid_until or until anything it read changes."
            ),
            202: OpenApiResponse(
                _UNDER_WAY, "Evaluations under way; Location says where to wait, with ?wait=30."
            ),
            **_problems(400, 401, 403, 404, 409, 413, 415, 422, 429),
        },
    )
    def post(self, request: Any, **_: Any) -> Response:
        question = Question.read(request.data)
        if question is None:
            refuse("gate.question", f"Ask with texts under some of: {', '.join(FIELDS)}.", field="release")
        asked = ask(self.actor, question)
        if asked.answer is not None:
            return Response(asked.answer)
        evaluations = [
            {"evaluation": e.key, "gate": e.gate.key, "state": e.state, "href": links.api_url_for(e)}
            for e in asked.under_way
        ]
        return Response(
            {"verdict": "pending", "state": asked.under_way[0].state, "evaluations": evaluations},
            status=202,
            headers={"Location": evaluations[0]["href"], "Retry-After": "1"},
        )


class EvaluationView(OrganizationView):
    """GET: an evaluation. `verdict` is what may be acted upon now: pending while it is not settled or outdated."""

    @extend_schema(
        operation_id="evaluations_retrieve",
        tags=["evaluations"],
        summary="An evaluation, waiting for its verdict if asked to",
        parameters=[
            OpenApiParameter(
                "wait", int, description=f"Seconds to wait for the verdict, at most {LONGEST_WAIT}."
            ),
        ],
        responses={200: ANSWER, **_problems(401, 403, 404, 429)},
    )
    def get(self, request: Any, ref: str, **_: Any) -> Response:
        resource = resource_of(Evaluation)
        found = resource.find(self.actor, ref) if resource else None
        if found is None:
            refuse("not_found", "There is no such evaluation.", status=404)
        body = describe(found)
        headers = {} if found.is_settled else {"Retry-After": "1"}
        return Response(body, headers=headers)


def describe(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation at any point of its life."""
    base = {
        "id": str(evaluation.pk),
        "key": evaluation.key,
        "state": evaluation.state,
        "recorded_verdict": evaluation.verdict,
        "current": evaluation.is_settled and verdicts.stands(evaluation),
        "requested_at": evaluation.requested_at,
        "finished_at": evaluation.finished_at,
        "attempts": evaluation.attempts,
    }
    if evaluation.is_settled:
        return {**base, **verdicts.answer([evaluation]), "verdict": verdicts.standing_verdict(evaluation)}
    return {
        **base,
        "verdict": "pending",
        "environment": evaluation.environment.name,
        "release": evaluation.release.key if evaluation.release else None,
        "artifact": evaluation.artifact.digest if evaluation.artifact else None,
        "valid_until": None,
        "inputs_digest": "",
        "gates": [verdicts.gate_part(evaluation)],
        "checks": [],
    }
