"""Download links: signed, for one person and one package, and over after some minutes.

A link carries no right of its own: whoever opens it must be signed in as the person it was made for, and must hold the
right to read the package at that moment.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.core import signing

from governance.models import EvidencePackage
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse

SALT = "governance.evidence.download"
DEFAULT_MINUTES = 15
MOST_MINUTES = 7 * 24 * 60


@dataclass(frozen=True)
class Claim:
    """What a link says: which package, for whom, until when (seconds since 1970)."""

    package: str
    user: str
    until: int


def issue(package: EvidencePackage, user_id: uuid.UUID, minutes: int = DEFAULT_MINUTES) -> str:
    """The token of a link."""
    until = int((now() + timedelta(minutes=minutes)).timestamp())
    return signing.dumps([str(package.pk), str(user_id), until], salt=SALT)


def read(token: str) -> Claim | None:
    """What a token claims, or None when it is not one of ours."""
    try:
        package, user, until = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Claim(package, user, int(until))


def check(token: str, package: EvidencePackage, user_id: uuid.UUID | None) -> None:
    """Refuse unless the link is whole, for this package, for this person, and not over."""
    claim = read(token)
    if claim is None or claim.package != str(package.pk):
        refuse(
            "link.invalid",
            "This link is not valid.",
            remedy="Download from the page of the package.",
            status=403,
        )
    if claim.user != str(user_id):
        refuse(
            "link.other_person",
            "This link was made for somebody else.",
            remedy="Sign in as the person it was made for, or open the package yourself.",
            blocked_by=Ref.of(package),
            status=403,
        )
    if claim.until <= now().timestamp():
        refuse(
            "link.expired",
            "This link is over.",
            remedy="Open the package again for a new one, or ask whoever sent it.",
            blocked_by=Ref.of(package),
            status=410,
        )
