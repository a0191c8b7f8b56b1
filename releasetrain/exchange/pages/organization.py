"""Settings of an organization: people and roles, service accounts and their tokens, the ledger's key."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from releasetrain.access.closing import closing_of
from releasetrain.accounts.actions import issue_token
from releasetrain.accounts.models import Grant, ServiceAccount
from releasetrain.audit import explorer, keys
from releasetrain.audit.doorway import actions
from releasetrain.exchange.models import IdentityProvider
from releasetrain.interface.links import verb_url
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import row_id


@require_safe
def settings(request: Any) -> HttpResponse:
    """What the organization is set up with."""
    grants = (
        Grant.objects.filter(revoked_at__isnull=True)
        .select_related("user", "scope")
        .order_by("user__name", "role")
    )
    registry = actions()
    context = {
        "section": "settings",
        "title": "Settings",
        "people": [g for g in grants if g.user.kind == "person"],
        "services": list(ServiceAccount.objects.select_related("responsible").order_by("name")),
        "state": explorer.state(),
        "key": keys.public_keys()[0],
        "grant": (registry["grant.create"].decide(request.actor), verb_url(registry["grant.create"])),
        "account": (
            registry["service_account.create"].decide(request.actor),
            verb_url(registry["service_account.create"]),
        ),
        "invite": (registry["invitation.send"].decide(request.actor), verb_url(registry["invitation.send"])),
        "own_verbs": [
            (
                registry[verb].decide(request.actor, request.organization),
                verb_url(registry[verb]),
                registry[verb].title,
            )
            for verb in (
                "organization.edit",
                "organization_archive.ask",
                _stopping(request.organization),
                *_ending(request.organization),
            )
        ],
        "provider": (
            registry["identity_provider.create"].decide(request.actor),
            verb_url(registry["identity_provider.create"]),
        ),
        "providers": list(IdentityProvider.objects.filter(disabled_at__isnull=True))
        if request.actor.may("organization.manage")
        else [],
        "closing": closing_of(request.organization),
        "members_list": f"/o/{request.organization.slug}/grants/",
    }
    return page(request, "organization/settings.html", context)


def _stopping(organization: Any) -> str:
    return "organization.resume" if organization.suspended_at else "organization.suspend"


def _ending(organization: Any) -> list[str]:
    closing = closing_of(organization)
    if closing is None:
        return ["organization.ask_to_close"]
    return [
        *([] if closing.confirmed_at else ["organization.confirm_closing"]),
        "organization.withdraw_closing",
    ]


class TokenForm(forms.Form):
    """Label and life of a new token."""

    label = forms.CharField(max_length=80, help_text="For example the repository that uses it.")
    days = forms.IntegerField(label="Valid for days", min_value=1, max_value=365, initial=90)


@never_cache
@require_http_methods(["GET", "POST"])
def new_token(request: Any, reference: str) -> HttpResponse:
    """Issue a token and show it once: the answer to the POST is the only place where it ever stands."""
    account = ServiceAccount.objects.filter(pk=row_id(reference)).first()
    if account is None or not request.actor.may("tokens.manage"):
        raise Http404("No such service account.")
    form = TokenForm(request.POST or None)
    issued = None
    if request.method == "POST" and form.is_valid():
        try:
            issued = issue_token(request.actor, account, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {
        "section": "settings",
        "title": "New token",
        "crumbs": [
            ("Settings", f"/o/{request.organization.slug}/settings/"),
            (str(account), f"/o/{request.organization.slug}/service-accounts/{account.pk}/"),
            ("New token", ""),
        ],
        "account": account,
        "form": form,
        "issued": issued,
        "host": request.build_absolute_uri("/").rstrip("/"),
    }
    return page(request, "organization/new_token.html", context, status=422 if form.errors else 200)
