"""Single sign-on in the browser: finding one's organization, the way to its provider and back, and breaking the glass."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from releasetrain.accounts import sessions
from releasetrain.accounts.addresses import client_address
from releasetrain.accounts.models import Membership, User
from releasetrain.exchange import people, signing_on
from releasetrain.exchange.actions.directory import sign_in
from releasetrain.exchange.actions.identity import break_glass
from releasetrain.exchange.models import IdentityProvider, SignInDomain
from releasetrain.exchange.rules.identities import domain_of
from releasetrain.interface.api import limits
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

log = logging.getLogger(__name__)
_PENDING = "sign_on"
_PER_MINUTE = 30


class OrganizationForm(forms.Form):
    """The address or the organization that leads to a provider."""

    account = forms.CharField(
        label=gettext_lazy("Your work e-mail address, or your organization"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


@never_cache
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Which organization's sign-in is it? Found by the domain of an address, or by the organization's word in addresses."""
    form = OrganizationForm(request.POST or None)
    following = _safe(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.method == "POST" and form.is_valid():
        if _too_often(request):
            form.add_error(None, "Too many tries. Wait a minute, then try again.")
        else:
            text = form.cleaned_data["account"].strip()
            organization = _organization(text)
            if organization is not None:
                hint = {"login_hint": text} if "@" in text else {}
                connect = {"connect": "1"} if request.GET.get("connect") == "1" else {}
                query = urlencode({**({"next": following} if following else {}), **hint, **connect})
                return redirect(
                    f"{reverse('sign_on', args=[organization.slug])}{'?' + query if query else ''}"
                )
            form.add_error(
                "account", "No organization signs its people in by single sign-on under this address."
            )
    return render(
        request, "site/sign_on.html", {"form": form, "next": following}, status=422 if form.errors else 200
    )


def _organization(text: str) -> Organization | None:
    """The organization with a provider of its own behind an address's proved domain, or behind its slug."""
    living = Organization.objects.filter(suspended_at__isnull=True)
    if "@" in text:
        claim = SignInDomain.objects.filter(domain=domain_of(text), verified_at__isnull=False).first()
        found = living.filter(pk=claim.organization_id).first() if claim else None
    else:
        found = living.filter(slug=text.lower()).first()
    return found if found is not None and _provider(found) is not None else None


def _provider(organization: Organization) -> IdentityProvider | None:
    with tenant_scope(organization.pk, Actor.system(organization.pk, "single sign-on", route="sign-on")):
        provider = people.provider_in_use()
    return provider if provider is not None and provider.issuer else None


def _too_often(request: HttpRequest) -> bool:
    allowance = limits.take(uuid.UUID(int=0), f"sign-on:{client_address(request)}")
    return allowance.quota - allowance.left > _PER_MINUTE


def _safe(request: HttpRequest, target: str) -> str:
    """An address of this product, or nothing: nobody is led away after signing in."""
    if target and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return ""


@never_cache
@require_safe
def start(request: Any, slug: str) -> HttpResponse:
    """On the way to the provider. A page leads there and no redirect, because forms may not be sent elsewhere."""
    organization = Organization.objects.filter(slug=slug, suspended_at__isnull=True).first()
    provider = _provider(organization) if organization is not None else None
    if organization is None or provider is None:
        raise Http404("No organization signs in here.")
    following = _safe(request, request.GET.get("next", ""))
    if _too_often(request):
        return _failed(
            request, signing_on.SignOnFailed("rate.limited", "Too many tries. Wait a minute."), organization
        )
    connecting = (
        request.GET.get("connect") == "1"
        and request.user.is_authenticated
        and not sessions.confined_to(request)
    )
    try:
        address, pending = signing_on.begin(
            provider,
            request.build_absolute_uri(reverse("sign_on_callback")),
            request.GET.get("login_hint", "")[:254],
            again=request.GET.get("again") == "1",
        )
    except signing_on.SignOnFailed as failed:
        return _failed(request, failed, organization)
    request.session[_PENDING] = {
        **pending,
        "organization": str(organization.pk),
        "provider": str(provider.pk),
        "next": following,
        "connecting": str(request.user.pk) if connecting else "",
    }
    context = {
        "address": address,
        "provider": provider,
        "organization": organization,
        "glass": organization.single_sign_on
        and request.user.is_authenticated
        and not sessions.confined_to(request),
        "break_glass": reverse("break_glass", args=[organization.slug]),
    }
    return render(request, "site/sign_on_way.html", context)


@never_cache
@require_safe
def callback(request: Any) -> HttpResponse:
    """Back from the provider: the answer counts once, and only in the browser that asked."""
    pending = request.session.pop(_PENDING, None)
    if not isinstance(pending, dict):
        return _failed(
            request,
            signing_on.SignOnFailed("sign_on.state", "This answer belongs to no sign-in of this browser."),
        )
    # Written at once: a second answer with this state finds nothing, whatever becomes of the first.
    request.session.save()
    organization = Organization.objects.filter(pk=pending["organization"], suspended_at__isnull=True).first()
    if organization is None:
        raise Http404("There is no such organization.")
    provider = _provider(organization)
    try:
        if provider is None or str(provider.pk) != pending["provider"]:
            raise signing_on.SignOnFailed(
                "sign_on.provider", "The organization's sign-in has changed meanwhile."
            )
        person = signing_on.finish(
            provider, pending, {k: v for k, v in request.GET.items() if len(v) < 8_000}
        )
        user = _taken_in(request, organization, person, pending["connecting"])
    except signing_on.SignOnFailed as failed:
        return _failed(request, failed, organization)
    except Refused as refused:
        said = " ".join(filter(None, (refused.refusals[0].sentence, refused.refusals[0].remedy)))
        return _failed(request, signing_on.SignOnFailed(refused.refusals[0].code, said), organization)
    following = pending["next"] or f"/o/{organization.slug}/"
    if pending["connecting"]:
        messages.success(request, f"Your account is connected to the sign-in of {organization}.")
        return redirect("/accounts/profile/")
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    sessions.confine(request, organization.pk)
    record_authentication(request, user, method="single_sign_on", organization=organization.slug)
    return redirect(following)


def _taken_in(request: Any, organization: Organization, person: signing_on.Person, connecting: str) -> User:
    if connecting and str(request.user.pk) != connecting:
        raise signing_on.SignOnFailed("sign_on.account", "You are signed in with another account by now.")
    actor = Actor.system(organization.pk, "single sign-on", route="sign-on")
    actor.request_id, actor.address = request.request_id, client_address(request)
    with tenant_scope(organization.pk, actor):
        identity = sign_in(
            actor,
            issuer=person.issuer,
            subject=person.subject,
            email=person.email,
            name=person.name,
            groups=person.groups,
            connecting=uuid.UUID(connecting) if connecting else None,
        )
        return User.objects.get(pk=identity.user_id)


def _failed(
    request: HttpRequest, failed: signing_on.SignOnFailed, organization: Organization | None = None
) -> HttpResponse:
    log.warning("single sign-on failed: %s %s", organization.slug if organization else "-", failed.code)
    context = {"failed": failed, "organization": organization}
    return render(request, "site/sign_on_failed.html", context, status=403)


class GlassForm(forms.Form):
    """Why the glass is broken."""

    reason = forms.CharField(
        label="Reason",
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Read by auditors.",
    )


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def glass(request: Any, slug: str) -> HttpResponse:
    """An owner enters by password although the organization asks for single sign-on; it is on record."""
    membership = (
        Membership.objects.select_related("organization")
        .filter(
            user=request.user,
            organization__slug=slug,
            suspended_at__isnull=True,
            organization__suspended_at__isnull=True,
        )
        .first()
    )
    if membership is None or sessions.confined_to(request):
        raise Http404("There is no such organization.")
    organization = membership.organization
    actor = Actor(
        organization.pk,
        request.user.pk,
        str(request.user),
        route="page",
        request_id=request.request_id,
        address=client_address(request),
        fresh=sessions.is_fresh(request),
    )
    with tenant_scope(organization.pk, actor):
        if not actor.may("organization.manage"):
            raise Http404("There is no such organization.")
        if not actor.fresh:
            return redirect(
                f"{reverse('account_reauthenticate')}?{urlencode({'next': request.get_full_path()})}"
            )
        form = GlassForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                break_glass(actor, organization, reason=form.cleaned_data["reason"])
            except Refused as refused:
                form.add_error(None, str(refused))
            else:
                sessions.break_glass(request, organization.pk)
                return redirect(f"/o/{organization.slug}/")
    return render(
        request,
        "site/break_glass.html",
        {"form": form, "organization": organization},
        status=422 if form.errors else 200,
    )
