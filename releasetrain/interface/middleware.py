"""Middleware: request ids, and the tenant scope around every request of an organization."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.settings import api_settings

from releasetrain.accounts import sessions
from releasetrain.accounts.addresses import client_address
from releasetrain.accounts.models import ApiToken, Membership
from releasetrain.kernel import locales, logs
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.ids import uuid7
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from . import links, step_up, suspended
from .addressing import zone_among
from .api import guesses, limits, problems
from .frame import refusal_page

log = logging.getLogger("releasetrain.requests")
GetResponse = Callable[[HttpRequest], HttpResponseBase]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")
_OF_ORGANIZATION = re.compile(r"/(?P<face>o|api/v1/orgs)/(?P<slug>[^/]+)(?:/|\Z)")


class RequestIdMiddleware:
    """Every request has an id: the caller's, when it is a sane one, or a new one; the response repeats it."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.request_id = given if _REQUEST_ID.match(given) else str(uuid7())
        token, began = logs.request_id.set(request.request_id), time.perf_counter()
        try:
            response = self._answer(request)
            _told(request, response, time.perf_counter() - began)
        finally:
            logs.request_id.reset(token)
        return response

    def _answer(self, request: Any) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.path_info:
            # PostgreSQL cannot hold the zero character, so no row can match it.
            response: HttpResponseBase = _without_zero_characters(request)
        else:
            response = self.get_response(request)
        response["X-Request-ID"] = request.request_id
        return response


def _told(request: Any, response: HttpResponseBase, seconds: float) -> None:
    """A line in the log: the pattern of the address, never the address itself, whose words may be secret (feeds)."""
    match, actor = request.resolver_match, getattr(request, "actor", None)
    log.info(
        "%s %s %d",
        request.method,
        match.route if match else "-",
        response.status_code,
        extra={
            "method": request.method,
            "route": match.route if match else "",
            "status": response.status_code,
            "milliseconds": round(seconds * 1000, 1),
            **({"organization": str(actor.organization_id), "user": str(actor.user_id)} if actor else {}),
        },
    )


def _without_zero_characters(request: Any) -> HttpResponseBase:
    if request.path_info.startswith("/api/"):
        return problems.respond(request, 400, "text.zero_character", "The address contains a zero character.")
    return HttpResponseBadRequest("The address contains a zero character.", content_type="text/plain")


class OrganizationMiddleware:
    """Finds the organization of the address and who asks, and answers inside the tenant scope.

    The scope spans the whole response; an answer of 400 or above has changed nothing, so its transaction is
    rolled back. A streamed answer runs after the middleware has returned and therefore gets a scope of its own.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        match = _OF_ORGANIZATION.match(request.path_info)
        if match is None:
            return self._outside(request)
        if match["face"] == "o":
            return self._page(request, match["slug"])
        return self._api(request, match["slug"])

    def process_view(self, request: Any, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """Views find the organization on the request; its word in the address is no argument of theirs."""
        if hasattr(request, "organization"):
            kwargs.pop("org", None)

    def process_exception(self, request: Any, error: Exception) -> HttpResponseBase | None:
        """A refusal that a page did not catch becomes a page that says why and what would make it pass."""
        if not isinstance(error, Refused) or not error.refusals:
            return None
        if request.path_info.startswith("/api/"):
            return problems.respond_to(request, error)
        if error.refusals[0].code == step_up.CODE:
            return step_up.asked_first(request)
        return refusal_page(request, error.status, error.refusals)

    def _outside(self, request: Any) -> HttpResponseBase:
        """Pages of no organization: sign-in, one's own account, what the public reads."""
        if request.path_info.startswith("/api/"):
            return self.get_response(request)
        with locales.written_in(locale_of(request)):
            response = _not_for_the_confined(request) or self.get_response(request)
            return _in_its_language(response)

    def _page(self, request: Any, slug: str) -> HttpResponseBase:
        if not request.user.is_authenticated:
            if request.headers.get("HX-Request") == "true":
                return HttpResponse("Signed out.", status=401, content_type="text/plain")
            return redirect_to_login(request.get_full_path(), reverse("account_login"))
        try:
            actor = enter(request, slug, request.user, "page")
        except EntersOtherwise as other:
            return _by_its_own_sign_in(request, other.organization)
        request.theme = request.user.theme
        request.organizations = SimpleLazyObject(lambda: switchable(request))
        with timezone.override(zone_of(request)), locales.written_in(locale_of(request)):
            return _in_its_language(self._inside(request, actor))

    def _api(self, request: Any, slug: str) -> HttpResponseBase:
        kinds: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
        asking: Any = Request(request, authenticators=[kind() for kind in kinds])
        text = guesses.given(request)
        # An ID token on its way to the exchange is no guess of ours.
        seconds = guesses.barred(request, text) if text.startswith("rtk_") else 0
        if seconds:
            return _too_many_guesses(request, seconds)
        try:
            user = asking.user
        except APIException as refusal:
            return problems.respond_to(request, refusal)
        if text and asking.auth is None:
            seconds = guesses.failed(request, text)
            if seconds:
                return _too_many_guesses(request, seconds)
        elif isinstance(asking.auth, ApiToken):
            guesses.proved(text)
        if user is None or not user.is_authenticated:
            return _signed_out(request, asking)
        request.user, request.auth = user, asking.auth
        token = asking.auth
        if token is not None and token.organization.slug != slug:
            return problems.respond(request, 404, "not_found", "There is no such organization.")
        try:
            actor = enter(request, slug, user, "api")
        except Http404:
            return problems.respond(request, 404, "not_found", "There is no such organization.")
        except EntersOtherwise as other:
            return problems.respond(request, 403, "sign_in.other_way", other.sentence, remedy=other.remedy)
        allowance = limits.take(actor.organization_id, token.pk if token is not None else str(user.pk))
        if allowance.spent:
            spent = problems.respond(
                request, 429, "rate.limited", "Too many requests.", remedy="Wait, then try again."
            )
            return allowance.mark(spent)
        return allowance.mark(self._inside(request, actor))

    def _inside(self, request: Any, actor: Actor) -> HttpResponseBase:
        with tenant_scope(actor.organization_id, actor):
            # Remembered before anything can fail: a refusal names addresses when its transaction asks no more.
            links.slug_of(actor.organization_id)
            response = suspended.refusal(request, actor) or self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        if getattr(response, "streaming", False):
            response.streaming_content = _in_scope(response.streaming_content, actor)  # type: ignore[attr-defined]
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-cache"
        return response


def _signed_out(request: Any, asking: Any) -> HttpResponseBase:
    remedy = "Send Authorization: Bearer rtk_…"
    response = problems.respond(
        request, 401, "signed_out", "This needs a signed-in session or a token.", remedy=remedy
    )
    response["WWW-Authenticate"] = asking.authenticators[0].authenticate_header(asking)
    return response


def _too_many_guesses(request: Any, seconds: int) -> HttpResponse:
    response = problems.respond(
        request,
        429,
        "token.guessed",
        "Too many tokens that are none came from this address, or were tried for this token.",
        remedy=f"Wait {seconds} seconds, then send a living token.",
    )
    response["Retry-After"] = str(seconds)
    return response


class EntersOtherwise(Exception):
    """The person belongs to the organization, but this session was not opened in the way that leads into it."""

    sentence = "This session was not opened by the organization's own sign-in."
    remedy = "Sign in by single sign-on; an owner may break the glass instead."

    def __init__(self, organization: Organization):
        super().__init__(self.sentence)
        self.organization = organization


# Of the pages outside organizations, those that a session opened by one organization's provider may use.
_FOR_THE_CONFINED = re.compile(r"/accounts/(?:login|logout|sso|sessions|profile|reauthenticate)(?:/|\Z)")


def _not_for_the_confined(request: Any) -> HttpResponseBase | None:
    """An organization's provider speaks for that organization; it does not change how a person signs in elsewhere."""
    path = request.path_info
    if not path.startswith(("/accounts/", "/organizations/")) or _FOR_THE_CONFINED.match(path):
        return None
    if not sessions.confined_to(request):
        return None
    return refusal_page(
        request,
        403,
        heading="Your organization signs you in",
        sentence="You came by single sign-on, so this session is good for that organization only.",
        remedy="To change your own password or second factors, sign in with your password.",
    )


def _by_its_own_sign_in(request: Any, organization: Organization) -> HttpResponseBase:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse("Signed out.", status=401, content_type="text/plain")
    if organization.single_sign_on:
        return redirect_to_login(request.get_full_path(), reverse("sign_on", args=[organization.slug]))
    return refusal_page(
        request,
        403,
        heading=f"Sign in to {organization.name}",
        sentence="You came by the single sign-on of another organization; this session is good there only.",
        remedy="Sign out, and sign in with your password.",
    )


def enter(request: Any, slug: str, user: Any, face: str) -> Actor:
    """The actor for this person in this organization; 404 when there is no such organization for them."""
    membership = (
        Membership.objects.select_related("organization")
        .filter(
            user_id=user.pk,
            organization__slug=slug,
            suspended_at__isnull=True,
        )
        .first()
    )
    if membership is None:
        raise Http404("There is no such organization.")
    organization = membership.organization
    if getattr(request, "auth", None) is None and not sessions.may_enter(request, organization):
        raise EntersOtherwise(organization)
    request.organization = organization
    request.actor = Actor(
        organization_id=organization.pk,
        user_id=user.pk,
        name=getattr(getattr(request, "auth", None), "acts_as", "") or str(user),
        kind=user.kind,
        route=face,
        request_id=request.request_id,
        address=client_address(request),
        fresh=sessions.is_fresh(request),
    )
    return request.actor  # type: ignore[no-any-return]


def switchable(request: Any) -> list[Organization]:
    """The organizations that this session leads into."""
    confined = sessions.confined_to(request)
    return [each for each in organizations_of(request.user) if not confined or str(each.pk) == confined]


def organizations_of(user: Any) -> list[Organization]:
    """The organizations a person can switch to."""
    theirs = Membership.objects.filter(user_id=user.pk, suspended_at__isnull=True)
    return [
        membership.organization
        for membership in theirs.select_related("organization").order_by("organization__name")
    ]


def zone_of(request: Any) -> ZoneInfo:
    """The zone a person's pages are written in: their own, or else the organization's."""
    return zone_among(getattr(request.user, "time_zone", ""), request.organization.time_zone)


def locale_of(request: Any) -> locales.Choice:
    """What a person's pages are written in: as they chose, or else their organization, or else their browser."""
    # Without a session's cookie nobody is asked, so that what the public reads depends on no cookie.
    person = request.user if settings.SESSION_COOKIE_NAME in request.COOKIES else None
    wishes = [
        (each.language, each.region)
        for each in (person, getattr(request, "organization", None))
        if each is not None and hasattr(each, "language")
    ]
    return locales.meant(*wishes, accepts=request.headers.get("Accept-Language", ""))


def _in_its_language(response: HttpResponseBase) -> HttpResponseBase:
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers.setdefault("Content-Language", locales.current().catalogue)
        patch_vary_headers(response, ("Accept-Language",))
    return response


def _in_scope(parts: Iterator[bytes], actor: Actor) -> Iterator[bytes]:
    with tenant_scope(actor.organization_id, replace(actor)):
        yield from parts
