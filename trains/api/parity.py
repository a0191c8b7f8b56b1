"""GET environment-parity: the differences of two environments."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from releasetrain.interface import links
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Environment
from trains.queries.parity import Found, parity_of
from trains.rules.parity import KINDS, Sight


class EnvironmentParityView(OrganizationView):
    """Where two environments differ."""

    @extend_schema(
        operation_id="environment_parity",
        summary="Differences of two environments: missing, version, size, flag, digest, iac",
        parameters=[
            OpenApiParameter("left", str, required=True, description="An environment, by name."),
            OpenApiParameter("right", str, required=True, description="Another one, by name."),
            OpenApiParameter("kinds", str, description=f"Some of {','.join(KINDS)}; default: all."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        left, right = self._environment("left"), self._environment("right")
        if left.pk == right.pk:
            refuse("parity.same", "Compare two different environments.", field="right", status=422)
        asked = [k for k in request.query_params.get("kinds", "").split(",") if k] or list(KINDS)
        unknown = sorted(set(asked) - set(KINDS))
        if unknown:
            refuse(
                "parity.kinds",
                f"There is no kind {unknown[0][:40]}; there are {', '.join(KINDS)}.",
                field="kinds",
                status=422,
            )
        found = parity_of(left, right, now(), asked)
        return Response(
            {
                "left": _side(left, found.left_sight),
                "right": _side(right, found.right_sight),
                "alike": found.alike,
                "open": len(found.open),
                "in_parity": found.observed and not found.open,
                "differences": [_difference(each) for each in found.found],
            }
        )

    def _environment(self, name: str) -> Environment:
        text = self.request.query_params.get(name, "").replace("\0", "").strip()
        found = Environment.objects.filter(name=text[:80]).first() if text else None
        if found is None:
            said = (
                f"There is no environment {text[:80]}." if text else "Name two environments: left and right."
            )
            refuse("environment.unknown", said, field=name, status=422)
        return found


def _side(environment: Environment, sight: Sight) -> dict[str, Any]:
    return {
        "name": environment.name,
        "href": links.api_url_for(environment),
        "facts": len(sight.facts),
        "observed": sight.observed,
        "oldest": plain(sight.oldest),
        "iac": {
            "repository": sight.iac.repository,
            "path": sight.iac.path,
            "revision": sight.iac.revision,
            "digest": sight.iac.digest,
        },
    }


def _difference(each: Found) -> dict[str, Any]:
    difference, row = each.difference, each.tolerated
    return {
        "kind": difference.kind,
        "fact": difference.fact,
        "name": difference.name,
        "left": difference.left,
        "right": difference.right,
        "sentence": difference.sentence,
        "fingerprint": difference.fingerprint,
        "tolerated": {"until": plain(row.expires_at), "reason": row.reason, "href": links.api_url_for(row)}
        if row
        else None,
    }
