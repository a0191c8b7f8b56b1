"""SCIM 2.0 at /scim/<organization>/v2: whoever calls is the organization's directory, by its bearer token."""

from __future__ import annotations

import hmac
from typing import Any

import orjson
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from scim2_models import SCIMException, UnauthorizedException
from scim2_server.requests import ScimRequest
from scim2_server.responses import SCIM_MEDIA_TYPE, ScimResponse

from releasetrain.accounts.addresses import client_address
from releasetrain.exchange import directory, people
from releasetrain.exchange.actions.identity import TOKEN_PREFIX, token_hash
from releasetrain.interface.api import guesses, limits
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


def answer(request: Any, org: str, path: str = "") -> HttpResponse:
    """Serve one SCIM request inside the organization's scope; what is refused has changed nothing."""
    organization = Organization.objects.filter(slug=org, suspended_at__isnull=True).first()
    text = guesses.given(request)
    seconds = guesses.barred(request, text) if text else 0
    if seconds:
        return _too_many(seconds)
    if organization is None:
        return _written(directory.SERVICE.error_response(UnauthorizedException()))
    actor = Actor.system(organization.pk, "directory", route="scim")
    actor.request_id, actor.address = request.request_id, client_address(request)
    with tenant_scope(organization.pk, actor):
        if not _is_the_directory(request, text):
            seconds = guesses.failed(request, text) if text else 0
            if seconds:
                return _too_many(seconds)
            return _written(directory.SERVICE.error_response(UnauthorizedException()))
        allowance = limits.take(organization.pk, "directory")
        response = _too_many() if allowance.spent else _written(_served(request, actor, org, path))
        if response.status_code >= 400:
            transaction.set_rollback(True)
    return allowance.mark(response)  # type: ignore[return-value]


def _is_the_directory(request: HttpRequest, text: str) -> bool:
    provider = people.provider_in_use()
    if provider is None or not provider.directory_hash or not text.startswith(TOKEN_PREFIX):
        return False
    return hmac.compare_digest(token_hash(text), provider.directory_hash)


def _served(request: HttpRequest, actor: Actor, org: str, path: str) -> ScimResponse:
    asked = ScimRequest(
        method=request.method or "GET",
        base_url=request.build_absolute_uri(f"/scim/{org}/v2"),
        path="/" + path,
        query=request.GET.dict(),  # type: ignore[arg-type]
        headers=dict(request.headers),
        body=request.body,
    )
    try:
        return directory.handler(actor).handle(asked)
    except SCIMException as error:
        return directory.SERVICE.error_response(error)
    except Refused as refused:
        return directory.SERVICE.error_response(directory.as_scim(refused))


def _written(said: ScimResponse) -> HttpResponse:
    body = b"" if said.body is None else orjson.dumps(said.body)
    response = HttpResponse(
        body, status=int(said.status), content_type=said.headers.pop("Content-Type", SCIM_MEDIA_TYPE)
    )
    for name, value in said.headers.items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response


def _too_many(seconds: int = 0) -> HttpResponse:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "429",
        "detail": "Too many requests.",
    }
    response = HttpResponse(orjson.dumps(body), status=429, content_type=SCIM_MEDIA_TYPE)
    if seconds:
        response["Retry-After"] = str(seconds)
    return response
