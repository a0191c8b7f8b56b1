"""The link of an invitation: signing up or in under the invited address, then accepting it once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from releasetrain.access import posting
from releasetrain.access.actions.invitations import accept
from releasetrain.accounts import adapter
from releasetrain.interface.pages import redirect_to
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope

_OVER = "This invitation is not valid any more. Ask whoever sent it for a new one."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invited(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation."""
    organization, invitation = posting.find(token)
    if organization is None or invitation is None:
        return render(request, "access/invitation.html", {"problem": _OVER}, status=404)
    user: Any = request.user
    context: dict[str, Any] = {"invitation": invitation, "inviting": organization}
    if not user.is_authenticated:
        adapter.invite(request, invitation.email)
        here = urlencode({"next": request.get_full_path()})
        context |= {
            "login_url": f"{reverse('account_login')}?{here}",
            "signup_url": f"{reverse('account_signup')}?{here}",
        }
    elif user.email.lower() != invitation.email:
        context["problem"] = (
            f"You are signed in as {user.email}. The invitation is for {invitation.email}: sign in under that address."
        )
    elif request.method == "POST":
        actor = Actor.system(organization.pk, f"invitation {invitation.pk} accepted", route="page")
        actor.on_behalf_of = user.pk
        try:
            with tenant_scope(organization.pk, actor):
                accept(actor, invitation, user)
        except Refused as refused:
            context["problem"] = " ".join(r.sentence for r in refused.refusals)
        else:
            return redirect_to(f"/o/{organization.slug}/")
    else:
        context["may_accept"] = True
    return render(request, "access/invitation.html", context, status=409 if "problem" in context else 200)
