"""Verbs of reviews, loaded at start."""

from . import action_items, causes, debt, facts, following, obligatory, reviews, rules

__all__ = ["action_items", "causes", "debt", "facts", "following", "obligatory", "reviews", "rules"]
