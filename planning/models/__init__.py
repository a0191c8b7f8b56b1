"""Models of planning, one file per aggregate."""

from .capacity import TeamCapacity
from .dependency import FeatureDependency
from .feature import PARTS, Feature, FeatureKind, FeatureScore, wsjf_of
from .integration import FeatureIntegration, IntegrationPoint, TrainNeed, VersionRequirement
from .plan import ConfidenceVote, Objective, PlanBaseline
from .theme import Theme

__all__ = [
    "PARTS",
    "ConfidenceVote",
    "Feature",
    "FeatureDependency",
    "FeatureIntegration",
    "FeatureKind",
    "FeatureScore",
    "IntegrationPoint",
    "Objective",
    "PlanBaseline",
    "TeamCapacity",
    "Theme",
    "TrainNeed",
    "VersionRequirement",
    "wsjf_of",
]
