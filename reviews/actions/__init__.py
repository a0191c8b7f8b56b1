"""Verbs of reviews, loaded at start."""

from . import action_items, causes, debt, facts, following, improvements, obligatory, policies, reviews, rules

__all__ = [
    "action_items",
    "causes",
    "debt",
    "facts",
    "following",
    "improvements",
    "obligatory",
    "policies",
    "reviews",
    "rules",
]
