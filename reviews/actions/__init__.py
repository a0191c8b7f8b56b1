"""Verbs of reviews, loaded at start."""

from . import (
    action_items,
    archive,
    baselines,
    causes,
    debt,
    escalating,
    facts,
    following,
    improvements,
    meeting,
    obligatory,
    participants,
    policies,
    reviews,
    rules,
    sharing,
)

__all__ = [
    "action_items",
    "archive",
    "baselines",
    "causes",
    "debt",
    "escalating",
    "facts",
    "following",
    "improvements",
    "meeting",
    "obligatory",
    "participants",
    "policies",
    "reviews",
    "rules",
    "sharing",
]
