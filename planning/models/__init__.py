"""Models of planning, one file per aggregate."""

from .capacity import TeamCapacity
from .dependency import FeatureDependency
from .endorsement import Endorsement, EndorsementRule
from .feature import PARTS, Feature, FeatureKind, FeatureScore, exact_wsjf, wsjf_of
from .integration import FeatureIntegration, IntegrationPoint, TrainNeed, VersionRequirement
from .investment import BucketShare, Demand, DemandState, InvestmentBucket
from .people import Absence, CapacityProfile, TeamPerson
from .plan import ConfidenceVote, Objective, PlanBaseline
from .quarterly_review import (
    ProposalState,
    QuarterlyReview,
    QuarterlyReviewer,
    QuarterlyReviewState,
    ReviewProposal,
)
from .scoring import FrozenScore, ModelRating, ModelScore, ScoringMethod, ScoringModel, ScoringModelVersion
from .theme import GoalKind, QuarterlyGoal, Theme
from .throughput import ThroughputWeek
from .trade_off import TradeOff, TradeOffEffect, TradeOffItem, TradeOffState
from .trouble import DependencyTrouble
from .work import TrackerLink, WorkItem

__all__ = [
    "PARTS",
    "Absence",
    "BucketShare",
    "CapacityProfile",
    "ConfidenceVote",
    "Demand",
    "DemandState",
    "DependencyTrouble",
    "Endorsement",
    "EndorsementRule",
    "Feature",
    "FeatureDependency",
    "FeatureIntegration",
    "FeatureKind",
    "FeatureScore",
    "FrozenScore",
    "GoalKind",
    "IntegrationPoint",
    "InvestmentBucket",
    "ModelRating",
    "ModelScore",
    "Objective",
    "PlanBaseline",
    "ProposalState",
    "QuarterlyGoal",
    "QuarterlyReview",
    "QuarterlyReviewState",
    "QuarterlyReviewer",
    "ReviewProposal",
    "ScoringMethod",
    "ScoringModel",
    "ScoringModelVersion",
    "TeamCapacity",
    "TeamPerson",
    "Theme",
    "ThroughputWeek",
    "TrackerLink",
    "TradeOff",
    "TradeOffEffect",
    "TradeOffItem",
    "TradeOffState",
    "TrainNeed",
    "VersionRequirement",
    "WorkItem",
    "exact_wsjf",
    "wsjf_of",
]
