"""A suspended organization: everything is refused with 423, except that its owners read, export, resume and close it."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refusal
from releasetrain.tenancy.models import Organization

from .api import problems
from .frame import refusal_page

_CODE = "organization.suspended"
_SAFE = ("GET", "HEAD", "OPTIONS")
# What its owners may still do.
_STAYS = re.compile(
    r"/(?:o|api/v1/orgs)/[^/]+/(?:do/organization\.(?:resume|ask_to_close|confirm_closing|withdraw_closing)"
    r"|organization-archives/(?:do/)?ask)\Z"
)


def refusal(request: Any, actor: Actor) -> HttpResponse | None:
    """The answer to whoever comes while the organization is suspended; None to let the request through."""
    organization = request.organization
    if organization.suspended_at is None:
        return None
    if actor.may("organization.manage") and (request.method in _SAFE or _STAYS.search(request.path_info)):
        return None
    if request.path_info.startswith("/api/"):
        return problem(request, organization)
    said = Refusal(_CODE, sentence_of(organization), remedy=_remedy(organization), status=423)
    return refusal_page(
        request,
        423,
        [said],
        heading="This organization is suspended",
        sentence="Nothing can be read or changed here until it is resumed.",
    )


def problem(request: Any, organization: Organization) -> HttpResponse:
    """The same over REST."""
    return problems.respond(request, 423, _CODE, sentence_of(organization), remedy=_remedy(organization))


def sentence_of(organization: Organization) -> str:
    reason = f": {organization.suspended_reason}" if organization.suspended_reason else ""
    return f"{organization} is suspended{reason}.".replace("..", ".")


def _remedy(organization: Organization) -> str:
    if organization.suspended_by_operator:
        return "The operator of this installation can resume it."
    return "An owner of the organization can resume it."
