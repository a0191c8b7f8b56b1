"""What the demo shows of access can be built: rules, a review with decisions, an invitation."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from releasetrain.access.models import AccessReviewItem, Invitation, TrustRule
from releasetrain.accounts.actions import create_service_account
from releasetrain.exchange.demo.access import build_access


@pytest.mark.django_db
def test_an_owner_of_the_demo_finds_rules_a_review_and_an_invitation(cast, within):
    with within(cast, "owner") as actor:
        create_service_account(actor, name="pipeline")
        people = SimpleNamespace(one=lambda role: cast[str(role)], user=lambda role: cast.user(str(role)))
        build_access(SimpleNamespace(cast=people))
        assert TrustRule.objects.count() == 2
        assert AccessReviewItem.objects.filter(decision="keep").count() == 5
        assert Invitation.objects.count() == 1
