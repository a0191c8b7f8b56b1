"""How django-allauth behaves here."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Self-service sign-up only where the installation allows it; the name is the start of the address until given."""

    def is_open_for_signup(self, request: Any) -> bool:
        return bool(settings.SELF_SERVICE_ORGANIZATIONS)

    def populate_username(self, request: Any, user: Any) -> None:
        """People have no user names."""
