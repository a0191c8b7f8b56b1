"""Resources of the ground floor: grants and service accounts, shown under Settings."""

from releasetrain.accounts.models import Grant, Scope, ServiceAccount
from releasetrain.interface.resources import Resource, register
from releasetrain.kernel.clock import now

register(
    Resource(
        Grant,
        plural="grants",
        section="settings",
        icon="user",
        columns=("user", "role", "scope", "starts_at", "ends_at", "revoked_at"),
        filters=("role",),
        search=("user__name", "user__email"),
        order=("user__name", "role"),
        requires="organization.view",
    )
)
register(
    Resource(
        ServiceAccount,
        plural="service-accounts",
        section="settings",
        icon="key",
        columns=("name", "responsible", "disabled_at", "created_at"),
        search=("name",),
        order=("name",),
        template="organization/service_account.html",
        context=lambda request, account: {
            "tokens": account.user.tokens.filter(trust_rule__isnull=True).order_by("-created_at"),
            "moment": now(),
        },
        select=("user",),
        requires="tokens.manage",
    )
)
register(
    Resource(
        Scope,
        plural="scopes",
        section="settings",
        columns=("label", "kind"),
        filters=("kind",),
        search=("label",),
        order=("kind", "label"),
    )
)
