"""Rotating a token on its own page: the answer to the POST is the only place where the new one ever stands."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from releasetrain.access.actions.tokens import rotate_token
from releasetrain.accounts.models import ApiToken, ServiceAccount
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import row_id


class RotationForm(forms.Form):
    """How long both work, and how long the new one."""

    overlap_hours = forms.IntegerField(
        label="Hours both work",
        min_value=0,
        max_value=720,
        initial=24,
        help_text="So long the old token stays valid.",
    )
    days = forms.IntegerField(label="Valid for days", min_value=1, max_value=365, initial=90)


@never_cache
@require_http_methods(["GET", "POST"])
def rotate(request: Any, reference: str, token: str) -> HttpResponse:
    """Issue the successor of a token and show it once."""
    account = ServiceAccount.objects.filter(pk=row_id(reference)).first()
    if account is None or not request.actor.may("tokens.manage"):
        raise Http404("No such service account.")
    old = ApiToken.objects.filter(
        pk=token, user_id=account.user_id, organization=request.organization, trust_rule__isnull=True
    ).first()
    if old is None:
        raise Http404("No such token.")
    form = RotationForm(request.POST or None)
    issued = None
    if request.method == "POST" and form.is_valid():
        try:
            issued = rotate_token(request.actor, account, token=token, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
    root = f"/o/{request.organization.slug}"
    context = {
        "section": "settings",
        "title": "Rotate a token",
        "crumbs": [
            ("Settings", f"{root}/settings/"),
            (str(account), f"{root}/service-accounts/{account.pk}/"),
            ("Rotate a token", ""),
        ],
        "account": account,
        "account_url": f"{root}/service-accounts/{account.pk}/",
        "old": old,
        "form": form,
        "issued": issued,
    }
    return page(request, "access/rotate_token.html", context, status=422 if form.errors else 200)
