"""JSON values on pages are words, and a fresh row is told as it will be read."""

from __future__ import annotations

from typing import Any

import pytest

from releasetrain.interface.templatetags.kit import spelled


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"1": {"release": "required"}}, "1: release: required"),
        (
            [{"title": "Facts", "minutes": 10}, {"title": "Causes"}],
            "title: Facts, minutes: 10; title: Causes",
        ),
        (["a", 2], "a, 2"),
        ({"hold_overdue": True, "note": None, "none": []}, "hold overdue: Yes, note: –, none: –"),
        ("error_rate", "error rate"),
        ("services/api_v2.py", "services/api_v2.py"),
        (7, 7),
    ],
)
def test_json_is_spelled_in_words(value: Any, words: Any) -> None:
    assert spelled(value) == words


@pytest.mark.django_db
def test_a_review_policy_shows_its_facts_in_words(web: Any, api: Any) -> None:
    agenda = [{"title": "What happened", "phase": "facts", "minutes": 10}]
    made = api("rte").post(
        "/api/v1/orgs/northwind/review-policies",
        {"agenda": agenda, "attendance": {"1": {"release": "required"}}},
    )
    assert made.status_code == 201, made.content
    page = web("owner").get(f"/o/northwind/review-policies/{made.json()['id']}/").content.decode()
    assert "title: What happened" in page
    assert "minutes: 10" in page
    assert "release: required" in page
    assert "{&#x27;" not in page
