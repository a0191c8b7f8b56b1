"""Addresses outside any organization."""

from typing import Any

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from . import hooks, own_sessions, sign_on, site


@csrf_exempt
def scim(request: Any, org: str, path: str = "") -> HttpResponse:
    """Directories ask here. Their protocol's library takes two seconds to load, and most processes never need it."""
    from .scim import answer

    return answer(request, org, path)


urlpatterns = [
    path("hooks/<slug:org>/<uuid:source>", hooks.receive, name="hooks"),
    path("", site.landing, name="landing"),
    path("organizations/new/", site.new_organization, name="new_organization"),
    path("accounts/profile/", site.profile, name="profile"),
    path("accounts/sessions/", own_sessions.show, name="sessions"),
    path("accounts/sso/", sign_on.find, name="find_sign_on"),
    path("accounts/sso/callback/", sign_on.callback, name="sign_on_callback"),
    path("accounts/sso/<slug:slug>/start/", sign_on.start, name="sign_on"),
    path("accounts/sso/<slug:slug>/break-glass/", sign_on.glass, name="break_glass"),
    path("scim/<slug:org>/v2", scim),
    path("scim/<slug:org>/v2/<path:path>", scim, name="scim"),
]
