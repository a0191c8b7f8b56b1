"""The train and the clock of the tests of problems, with review rules and reviews."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.problems.conftest import HOUR, World, clock, refused

__all__ = ["HOUR", "clock", "refused"]


class Reviewing(World):
    """The world of problems, in which reviews follow what happens."""

    def rule(self, name: str = "Failures", **said: Any) -> Any:
        from reviews.actions.rules import create_rule

        given = {
            "outcomes": ["failed", "rolled_back", "incident"],
            "depth": "detailed",
            "mandatory": True,
            **said,
        }
        return create_rule(self.as_["rte"], name=name, **given)

    def heard(self, subject: Any, verb: str = "deployment.record") -> None:
        """What the worker does for the ledger entry about this object."""
        from reviews.actions.following import open_reviews

        entry = SimpleNamespace(
            subject_kind=subject._meta.model_name,
            subject_id=str(subject.pk),
            organization_id=subject.organization_id,
            verb=verb,
        )
        open_reviews(entry)

    def review(self, **said: Any) -> Any:
        """An open review of a release that was deployed."""
        from reviews.actions.reviews import create_review

        release = self.release("5.3.0")
        self.deploy("5.3.0", release=release)
        given = {"service": self.ledger, "release": release, **said}
        return create_review(self.as_["rte"], **given)

    def with_facts(self, **said: Any) -> Any:
        from reviews.actions.facts import accept_facts

        review = self.review(**said)
        accept_facts(self.as_["rte"], review)
        review.refresh_from_db()
        return review

    def why(self, review: Any, **said: Any) -> Any:
        from problems.models import Category
        from reviews.actions.causes import add_cause

        given = {
            "statement": "The canary watched latency only.",
            "category": Category.DEPLOYMENT_PROCESS,
            "evidence": review.facts.first(),
            **said,
        }
        return add_cause(self.as_["developer"], review, **given)

    def action(self, review: Any, **said: Any) -> Any:
        from datetime import timedelta

        from reviews.actions.action_items import add_action

        given = {
            "title": "Watch declined payments in the canary",
            "owner": self.as_.user("developer"),
            "due_on": (self.now + timedelta(days=10)).date(),
            "success_criteria": "The canary stops at 2 % declined payments.",
            **said,
        }
        return add_action(self.as_["rte"], review, **given)


@pytest.fixture
def world(clock: Any, cast: Any, in_northwind: Any) -> Reviewing:
    return Reviewing(cast, clock)


@pytest.fixture
def kinds() -> Callable[[Any], list[str]]:
    """The kinds of a review's facts."""
    return lambda review: sorted(review.facts.values_list("kind", flat=True))
