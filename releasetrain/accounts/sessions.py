"""Browser sessions: how they were opened, for which organization they are good, and how they end at once.

A session that an organization's own provider has opened is good in that organization only: whoever runs a provider
speaks for its organization and for no other that the person belongs to.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from importlib import import_module
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .models import Membership, User

CONFINED = "confined_to"
BROKEN = "broke_glass"
GLASS_STAYS_BROKEN = 3600
SEEN = "seen"
SEEN_EVERY = 300


def confine(request: Any, organization_id: uuid.UUID) -> None:
    """Bind the session to the organization whose provider opened it."""
    request.session[CONFINED] = str(organization_id)


def confined_to(request: Any) -> str:
    """The organization that this session is good for; empty: every one of the person's."""
    session = getattr(request, "session", None)
    return str(session.get(CONFINED, "")) if session is not None else ""


def break_glass(request: Any, organization_id: uuid.UUID) -> None:
    """Let this session into an organization that asks for single sign-on, for an hour."""
    request.session[BROKEN] = {str(organization_id): time.time() + GLASS_STAYS_BROKEN}


def may_enter(request: Any, organization: Any) -> bool:
    """Whether a signed-in browser may enter the organization in the way it signed in."""
    confined = confined_to(request)
    if confined:
        return confined == str(organization.pk)
    if not organization.single_sign_on:
        return True
    until = request.session.get(BROKEN, {}).get(str(organization.pk), 0)
    return bool(until > time.time())


def is_fresh(request: Any) -> bool:
    """Whether the person has proved who they are within the last minutes: in this session, or by asking for this token."""
    token = getattr(request, "auth", None)
    if token is not None:
        return token.user.kind != User.Kind.PERSON or _recent(token.created_at.timestamp())
    proofs = [record["at"] for record in get_authentication_records(request, request.user)]
    return bool(proofs) and _recent(max(proofs))


def _recent(moment: float) -> bool:
    return time.time() - moment <= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def end_sessions(user: User, organization_id: uuid.UUID) -> int:
    """End a person's sessions as somebody of this organization: all of them, unless another organization knows the person too."""
    elsewhere = (
        Membership.objects.filter(user=user, suspended_at__isnull=True)
        .exclude(organization_id=organization_id)
        .exists()
    )
    ended = 0
    for session in UserSession.objects.filter(user=user):
        if not elsewhere or confinement_of(session.session_key) == str(organization_id):
            session.end()
            ended += 1
    return ended


def confinement_of(key: str) -> str:
    """The organization that a stored session is good for; empty: every one of the person's."""
    return str(_store(key).get(CONFINED, ""))


def _store(key: str) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


class LastUse:
    """Keeps when and from where a session was last used, to five minutes, so that reading stays reading."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        if request.session.session_key and request.user.is_authenticated:
            seen = request.session.get(SEEN, 0)
            if time.time() - seen > SEEN_EVERY:
                UserSession.objects.create_from_request(request)
                request.session[SEEN] = int(time.time())
        return self.get_response(request)
