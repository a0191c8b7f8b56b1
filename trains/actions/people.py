"""People as parameters of verbs: members of the organization, named by their e-mail address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from releasetrain.accounts.models import Membership
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.scope import require_scope


def member(email: str, field: str = "email") -> Any:
    """The member of the organization with this e-mail address."""
    user = get_user_model().objects.filter(email__iexact=email.strip().replace("\0", "")).first()
    organization = require_scope().organization_id
    if user is None or not Membership.objects.filter(user=user, organization_id=organization).exists():
        refuse(
            "person.unknown",
            f"Nobody here has the e-mail address {email}.",
            remedy="Invite them first.",
            field=field,
        )
    return user
