"""The checklist of a team that joined a train: by topic, with what shows that an item is settled."""

from __future__ import annotations

from typing import Any

from releasetrain.interface import links
from trains.actions.onboarding import settle_item
from trains.models import ChecklistTopic, OnboardingItem, TeamOnboarding


def checklist(request: Any, onboarding: TeamOnboarding) -> dict[str, Any]:
    """The items by topic, the open ones with the address where they are settled."""
    items = list(onboarding.items.select_related("done_by").order_by("position"))
    topics = [
        (topic.label, [(item, links.verb_url(settle_item, item)) for item in items if item.topic == topic])
        for topic in ChecklistTopic
    ]
    waiting = [item for item in items if item.mandatory and not item.done_at]
    return {
        "root": links.page_root(),
        "topics": [(label, listed) for label, listed in topics if listed],
        "items": items,
        "done": sum(bool(item.done_at) for item in items),
        "waiting": waiting,
        "may_settle": bool(items) and _may(request, items),
    }


def _may(request: Any, items: list[OnboardingItem]) -> bool:
    return bool(request.actor.may(settle_item.requires, items[0]))
