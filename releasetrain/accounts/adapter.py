"""How django-allauth behaves here."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from django.conf import settings

from .addresses import client_address

INVITED = "invited_email"


def invite(request: Any, email: str) -> None:
    """Remember in the session that this visitor holds a valid invitation for the address."""
    request.session[INVITED] = email


def is_invited(request: Any) -> bool:
    """Whether the visitor came by an invitation."""
    return bool(getattr(request, "session", {}).get(INVITED))


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Self-service sign-up only where the installation allows it, or by invitation; the name is the start of the address until given."""

    def is_open_for_signup(self, request: Any) -> bool:
        return bool(settings.SELF_SERVICE_ORGANIZATIONS) or is_invited(request)

    def get_client_ip(self, request: Any) -> str:
        """What sign-in is throttled by, and what a person's list of sessions shows."""
        return client_address(request)

    def populate_username(self, request: Any, user: Any) -> None:
        """People have no user names."""

    def post_login(self, request: Any, user: Any, *, signup: bool, **how: Any) -> Any:
        """Who has just chosen a password has proved to know it."""
        if signup and user.has_usable_password():
            record_authentication(request, user, method="password", email=user.email)
        return super().post_login(request, user, signup=signup, **how)
