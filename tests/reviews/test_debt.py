"""What a review found goes on the backlog, linked to the review or to its action."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from releasetrain.kernel.clock import now

from .conftest import Reviewing


def test_a_review_and_its_action_put_debt_on_the_backlog_once(world: Reviewing) -> None:
    from planning.models import Feature
    from releasetrain.accounts.models import User
    from reviews.actions.action_items import add_action
    from reviews.actions.debt import create_debt, create_debt_of_action

    review = world.with_facts()
    judged: dict[str, Any] = {"likelihood": 3, "impact": 4, "business_risk": "Deployments at night only."}
    rte = world.as_["rte"]
    made = create_debt(rte, review, title="Remove the lock", **judged)
    assert create_debt(rte, review, title="Remove the lock", **judged).pk == made.pk
    assert (made.kind, made.exposure, made.source_kind, made.source_id) == ("debt", 12, "review", review.pk)
    item = add_action(
        rte, review, title="Measure the queue", owner=User.objects.get(pk=rte.user_id),
        due_on=now().date() + timedelta(days=9), success_criteria="An alert before users notice.",
    )  # fmt: skip
    second = create_debt_of_action(rte, item, **judged)
    assert second.source_label == f"Post-release review {item.key}"
    assert Feature.objects.filter(kind="debt").count() == 2
