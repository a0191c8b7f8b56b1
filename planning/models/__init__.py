"""Models of planning, one file per aggregate."""

from .capacity import TeamCapacity
from .dependency import FeatureDependency
from .feature import PARTS, Feature, FeatureKind, FeatureScore, wsjf_of
from .plan import ConfidenceVote, Objective, PlanBaseline
from .theme import Theme

__all__ = [
    "PARTS",
    "ConfidenceVote",
    "Feature",
    "FeatureDependency",
    "FeatureKind",
    "FeatureScore",
    "Objective",
    "PlanBaseline",
    "TeamCapacity",
    "Theme",
    "wsjf_of",
]
