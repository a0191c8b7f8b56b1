"""Pages of sign-in in the settings: the provider with its domains and mapping, a group with its members."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.urls import reverse

from releasetrain.accounts.catalogue import Role
from releasetrain.exchange import naming
from releasetrain.exchange.models import DirectoryGroup, Identity, IdentityProvider, SignInDomain

_SHOWN = 30


def provider_page(request: Any, provider: IdentityProvider) -> dict[str, Any]:
    """What has to be entered at the provider, the domains with their proof, the mapping, and who came lately."""
    slug = request.organization.slug
    domains = [
        {"claim": claim, "record": naming.record_of(claim), "value": naming.value_of(claim)}
        for claim in SignInDomain.objects.filter(organization_id=request.organization.pk)
    ]
    return {
        "redirect_uri": request.build_absolute_uri(reverse("sign_on_callback")),
        "sign_on_address": request.build_absolute_uri(reverse("sign_on", args=[slug])),
        "scim_address": f"{django_settings.PUBLIC_URL}/scim/{slug}/v2",
        "domains": domains,
        "mapping": [{"group": each["group"], "role": Role(each["role"]).label} for each in provider.mapping],
        "required": request.organization.single_sign_on,
        "recent": list(
            Identity.objects.filter(removed_at__isnull=True)
            .select_related("user")
            .order_by("-signed_in_at", "user_name")[:_SHOWN]
        ),
    }


def group_page(request: Any, group: DirectoryGroup) -> dict[str, Any]:
    """The people in it, by name."""
    return {
        "people": list(
            Identity.objects.filter(pk__in=group.members).select_related("user").order_by("user_name")[:500]
        )
    }
