"""ID tokens of pipelines as proof of who asks. They open one address only: the exchange for a short access."""

from __future__ import annotations

import logging
import re
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, Throttled

from releasetrain.accounts.addresses import client_address
from releasetrain.interface.api import limits
from releasetrain.tenancy.models import Organization

from . import workload
from .rules.assertions import BadAssertion

log = logging.getLogger(__name__)
_EXCHANGE = re.compile(r"/api/v1/orgs/([^/]+)/workload-identity/exchange\Z")


class Unproved(APIException):
    """The ID token proves nothing here."""

    status_code = 401
    auth_header = 'Bearer realm="release train", error="invalid_token"'


class IssuerAway(APIException):
    """Nobody can say now whether the token is genuine: refused, and worth another try."""

    status_code = 503
    wait = 10


def refused(bad: BadAssertion) -> APIException:
    """The answer to a token that is not taken."""
    kind = IssuerAway if bad.code == "workload.issuer_unavailable" else Unproved
    return kind(" ".join(filter(None, (bad.sentence, bad.remedy))), code=bad.code)


class WorkloadAuthentication(BaseAuthentication):
    """`Authorization: Bearer <ID token>` at the exchange."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        plain = request._request
        asked = _EXCHANGE.match(plain.path_info) if plain.method == "POST" else None
        scheme, _, text = plain.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if asked is None or scheme.lower() != "bearer" or text.strip().startswith("rtk_"):
            return None
        try:
            identity = self._identity(plain, asked[1], text.strip())
        except BadAssertion as bad:
            log.info("ID token refused in %s: %s", asked[1][:60], bad.code)
            raise refused(bad) from bad
        return identity.user, identity

    def _identity(self, plain: Any, slug: str, text: str) -> workload.Identity:
        organization = Organization.objects.filter(slug=slug).first()
        if organization is None:
            raise BadAssertion(
                "workload.issuer", "No trust rule of this organization names the token's issuer."
            )
        allowance = limits.take(organization.pk, f"exchange:{client_address(plain)}")
        if allowance.spent:
            raise Throttled(wait=allowance.resets_in)
        return workload.identify(organization, text)
