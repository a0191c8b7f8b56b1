"""Models of planning, one file per aggregate."""

from .capacity import TeamCapacity
from .dependency import FeatureDependency
from .feature import PARTS, SCALE, Feature, FeatureKind, FeatureScore
from .plan import ConfidenceVote, Objective, PlanBaseline
from .theme import Theme

__all__ = [
    "PARTS",
    "SCALE",
    "ConfidenceVote",
    "Feature",
    "FeatureDependency",
    "FeatureKind",
    "FeatureScore",
    "Objective",
    "PlanBaseline",
    "TeamCapacity",
    "Theme",
]
