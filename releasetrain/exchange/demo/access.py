"""Access in the demo: pipelines trusted by their ID token, a review under way, somebody invited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from releasetrain.access.actions.invitations import send_invitation
from releasetrain.access.actions.reviews import keep_access, open_access_review
from releasetrain.access.actions.trust import create_trust_rule
from releasetrain.access.models import AccessReviewItem, TrustRule
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import ServiceAccount
from releasetrain.kernel.clock import now


def build_access(bank: Any) -> None:
    """What an owner finds under Settings."""
    owner = bank.cast.one(Role.OWNER)
    account = ServiceAccount.objects.order_by("created_at").first()
    if account is not None:
        create_trust_rule(
            owner, name="Deployments of the ledger", system=TrustRule.System.GITHUB, service_account=account,
            conditions=["repository=northwind/ledger-core", "ref=refs/heads/main", "ref=refs/tags/v*", "environment=production"],
        )  # fmt: skip
        create_trust_rule(
            owner, name="Merchant portal", system=TrustRule.System.GITLAB, service_account=account,
            conditions=["project_path=northwind/merchant-portal", "ref_protected=true"],
        )  # fmt: skip
    open_access_review(
        owner, title="Access of the fourth quarter", due_at=now() + timedelta(days=12), reviewer=bank.cast.user(Role.OWNER),
        second_reviewer=bank.cast.user(Role.COMPLIANCE_OFFICER),
    )  # fmt: skip
    waiting = AccessReviewItem.objects.select_related("review", "grant__user", "grant__scope").filter(
        reviewer=owner.user_id
    )
    for item in waiting.order_by("id")[:5]:
        keep_access(owner, item, reason="Confirmed with the head of the department.")
    send_invitation(
        owner, email="nia.brown@northwind.example", role=Role.CAB_MEMBER, days=14,
        message="Welcome to the change advisory board.",
    )  # fmt: skip
