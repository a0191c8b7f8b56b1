"""Where one is signed in: each session with its device, address and last use, and an end to any of them."""

from __future__ import annotations

import re
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from releasetrain.accounts import sessions
from releasetrain.tenancy.models import Organization

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def device(agent: str) -> str:
    """The browser and system that an agent's text tells of, for people to recognise."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    return re.sub(r"[^\w ./-]", "", agent)[:40].strip() or gettext("Unknown device")


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def show(request: Any) -> HttpResponse:
    """List one's sessions; end one, or all but this."""
    living = UserSession.objects.purge_and_list(request.user)
    # Whoever came by an organization's provider sees that organization's sessions only, as their provider would.
    confined = sessions.confined_to(request)
    mine = [each for each in living if not confined or sessions.confinement_of(each.session_key) == confined]
    if request.method == "POST":
        return _ended(request, mine)
    names = dict(Organization.objects.filter(memberships__user=request.user).values_list("pk", "name"))
    by_text = {str(pk): name for pk, name in names.items()}
    rows = [
        {
            "session": each,
            "device": device(each.user_agent),
            "current": each.session_key == request.session.session_key,
            "by": by_text.get(sessions.confinement_of(each.session_key), ""),
        }
        for each in sorted(mine, key=lambda each: each.last_seen_at, reverse=True)
    ]
    return render(request, "site/sessions.html", {"rows": rows})


def _ended(request: Any, mine: list[UserSession]) -> HttpResponse:
    wanted = request.POST.get("session", "")
    here = request.session.session_key
    chosen = [each for each in mine if (str(each.pk) == wanted if wanted else each.session_key != here)]
    for each in chosen:
        if each.session_key == here:
            each.delete()
            logout(request)
            return redirect("/")
        each.end()
    if chosen:
        messages.success(request, "Signed out there." if wanted else "Signed out everywhere else.")
    return redirect("sessions")
