"""Reviews that an act of governance makes obligatory."""

from __future__ import annotations

from typing import Any

import pytest

from governance.ports import DueReview, require_review
from reviews.models import Review

pytestmark = pytest.mark.django_db


def test_an_act_opens_its_review_once(world: Any) -> None:
    actor = world.as_["change_manager"]
    due = DueReview("CHG-1 was approved as an emergency.", world.ledger, service=world.ledger)
    review = require_review(actor, due)
    assert (review.service, review.depth, review.state) == (world.ledger, "detailed", "facts")
    assert require_review(actor, due).pk == review.pk
    assert Review.objects.count() == 1


def test_the_open_review_of_the_release_becomes_stricter_instead_of_a_second_one(world: Any) -> None:
    known = world.review(depth="lightweight")
    due = DueReview("Glass was broken.", known.release, release=known.release)
    found = require_review(world.as_["change_manager"], due)
    assert found.pk == known.pk
    assert (found.depth, found.trigger[:17]) == ("detailed", "Glass was broken.")
