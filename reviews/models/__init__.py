"""Models of reviews: rules and policies, reviews with facts, causes, actions and people, and what follows from them."""

from .archive import CaseStudy, ReviewRecord
from .baseline import ReviewBaseline
from .participant import ReviewParticipant
from .policy import ReviewPolicy
from .proposal import ImprovementKind, ImprovementProposal
from .review import ActionItem, Review, ReviewCause, ReviewFact
from .rule import Depth, Outcome, ReviewRule

__all__ = [
    "ActionItem",
    "CaseStudy",
    "Depth",
    "ImprovementKind",
    "ImprovementProposal",
    "Outcome",
    "Review",
    "ReviewBaseline",
    "ReviewCause",
    "ReviewFact",
    "ReviewParticipant",
    "ReviewPolicy",
    "ReviewRecord",
    "ReviewRule",
]
