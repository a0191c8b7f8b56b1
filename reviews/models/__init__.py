"""Models of reviews: rules, reviews, facts, causes and action items."""

from .review import ActionItem, Review, ReviewCause, ReviewFact
from .rule import Depth, Outcome, ReviewRule

__all__ = ["ActionItem", "Depth", "Outcome", "Review", "ReviewCause", "ReviewFact", "ReviewRule"]
