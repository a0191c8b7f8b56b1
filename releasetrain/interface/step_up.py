"""Step-up: acts that need a proof of the last minutes. The doorway refuses without one; here people are led to give it.

What somebody had filled in is kept in the session meanwhile, and is there again when they are back.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from releasetrain.accounts import sessions
from releasetrain.audit.doorway import Action
from releasetrain.kernel.refusals import Refusal, Refused

from .pages import redirect_to

CODE = "step_up.required"
_KEPT = "kept_form"
_LARGEST = 100_000


def needed(request: Any, action: Action) -> bool:
    """Whether this person has to prove themselves again before the act."""
    return action.step_up and not request.actor.fresh


def require(request: Any, action: Action) -> None:
    """Refuse (403) in the API before anything is read, when the proof is too old for the act."""
    if needed(request, action):
        raise Refused(
            Refusal(
                CODE,
                "This act needs a sign-in within the last minutes.",
                remedy="Sign in again under /accounts/reauthenticate/, then repeat it; a person's token has to be a new one.",
                status=403,
            )
        )


def asked_first(request: Any, back: str = "") -> HttpResponse:
    """Lead to the proof and back to the page, with what was filled in."""
    here = back or request.get_full_path()
    if request.method == "POST":
        here = back or _page_of(request)
        sent = request.POST.copy()
        sent.pop("csrfmiddlewaretoken", None)
        text = sent.urlencode()
        if len(text) <= _LARGEST:
            request.session[_KEPT] = {
                "path": here.partition("?")[0],
                "form": text,
                "files": bool(request.FILES),
            }
    confined = sessions.confined_to(request)
    if confined and confined == str(request.organization.pk):
        address = f"{reverse('sign_on', args=[request.organization.slug])}?{urlencode({'next': here, 'again': '1'})}"
    else:
        address = f"{reverse('account_reauthenticate')}?{urlencode({'next': here})}"
    if request.headers.get("HX-Request") == "true":
        # Not a refusal to htmx: the whole page goes there.
        return HttpResponse(status=200, headers={"HX-Redirect": address})
    return redirect_to(address)


def _page_of(request: Any) -> str:
    """The page that the form stood on, where it is one of ours; else the address that the form was sent to."""
    seen = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if seen and url_has_allowed_host_and_scheme(
        seen, {request.get_host()}, require_https=request.is_secure()
    ):
        return "/" + seen.split("/", 3)[3] if seen.count("/") >= 3 else "/"
    return str(request.get_full_path())


def kept(request: Any) -> QueryDict | None:
    """What was filled in on this page before the proof; once."""
    found = request.session.get(_KEPT)
    if not found or found["path"] != request.path or not request.actor.fresh:
        return None
    del request.session[_KEPT]
    return QueryDict(found["form"])
