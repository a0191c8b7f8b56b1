"""Pages outside any organization: landing, founding an organization, one's own account."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from releasetrain.accounts.actions import create_organization
from releasetrain.accounts.models import User
from releasetrain.interface.middleware import switchable
from releasetrain.kernel import locales
from releasetrain.kernel.refusals import Refused


def _zones() -> list[tuple[str, str]]:
    return [
        (zone, zone.replace("_", " "))
        for zone in sorted(available_timezones())
        if "/" in zone or zone == "UTC"
    ]


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What the product is; for somebody signed in, their organizations."""
    if not request.user.is_authenticated:
        return render(request, "site/landing.html", {"open": settings.SELF_SERVICE_ORGANIZATIONS})
    mine = switchable(request)
    if len(mine) == 1:
        return redirect(f"/o/{mine[0].slug}/")
    return render(
        request,
        "site/organizations.html",
        {"organizations": mine, "open": settings.SELF_SERVICE_ORGANIZATIONS},
    )


class FoundingForm(forms.Form):
    """Name, address and zone of a new organization."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    slug = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=40,
        help_text=gettext_lazy("Used in links: lower-case letters, digits and hyphens, e.g. northwind."),
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=_zones, initial="Europe/London")


@login_required
@require_http_methods(["GET", "POST"])
def new_organization(request: Any) -> HttpResponse:
    """Found an organization; the founder becomes its first owner."""
    if not settings.SELF_SERVICE_ORGANIZATIONS:
        return HttpResponseForbidden(
            "This installation does not let people found organizations by themselves."
        )
    form = FoundingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            organization = create_organization(owner=request.user, **form.cleaned_data)
        except Refused as refused:
            for refusal in refused.refusals:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)
        except ValidationError as error:
            form.add_error("slug", error.messages[0])
        else:
            messages.success(request, f"{organization} is founded. Set up the first train.")
            return redirect(f"/o/{organization.slug}/")
    return render(request, "site/new_organization.html", {"form": form}, status=422 if form.errors else 200)


class ProfileForm(forms.ModelForm):
    """How a person is called and how they see times and colours."""

    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=_zones,
        help_text=gettext_lazy("Times on every page are shown in this zone."),
    )

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=lambda: [("", gettext("As my organization or my browser")), *locales.languages()],
    )
    region = forms.ChoiceField(
        label=gettext_lazy("Dates and numbers as in"),
        required=False,
        choices=lambda: [("", gettext("As the language goes")), *locales.regions()],
        help_text=gettext_lazy(
            "The order of day and month, the clock, the decimal mark and the first day of the week."
        ),
    )

    class Meta:
        model = User
        labels = {"name": gettext_lazy("Name")}
        fields = ["name", "time_zone", "language", "region"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: Any) -> HttpResponse:
    """One's own name, zone and ways of signing in."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, gettext("Your account is saved."))
        return redirect("/accounts/profile/")
    return render(request, "site/profile.html", {"form": form}, status=422 if form.errors else 200)
