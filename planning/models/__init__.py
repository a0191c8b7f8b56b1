"""Models of planning, one file per aggregate."""

from .board import BoardPolicy
from .capacity import TeamCapacity
from .confidence import ConfidenceBallot, ConfidenceRound, ConfidenceTurnout, SealedBallot
from .dependency import FeatureDependency
from .done import DefinitionOfDone, DoneLine, DoneMark
from .endorsement import Endorsement, EndorsementRule
from .event import EventAttendee, EventRoom, EventSlot, ParkingItem, PlanningEvent, SlotKind
from .feature import PARTS, Feature, FeatureKind, FeatureScore, exact_wsjf, wsjf_of
from .health import Assessment, AssessmentScore, Ceremony, CeremonyAction, CeremonyKind
from .impediment import Impediment, Interruption
from .integration import FeatureIntegration, IntegrationPoint, TrainNeed, VersionRequirement
from .investment import BucketShare, Demand, DemandState, InvestmentBucket
from .people import Absence, CapacityProfile, TeamPerson
from .plan import ConfidenceVote, Objective, PlanBaseline
from .plan_change import PlanChange, PlanChangeItem
from .quarterly_review import (
    ProposalState,
    QuarterlyReview,
    QuarterlyReviewer,
    QuarterlyReviewState,
    ReviewProposal,
)
from .report import FeatureReport, ReportSource
from .risk import Risk, RiskLink, Roam, Threat, ThreatControl, ThreatSession
from .scoring import FrozenScore, ModelRating, ModelScore, ScoringMethod, ScoringModel, ScoringModelVersion
from .splitting import FeatureService, SizeRule
from .strategy import StrategyState, TestLevel, TestStrategy, TestStrategyLine
from .theme import GoalKind, QuarterlyGoal, Theme
from .throughput import ThroughputWeek
from .tiering import FeatureRequirement, RequirementKind, TierAssessment, TierRule
from .trade_off import TradeOff, TradeOffEffect, TradeOffItem, TradeOffState
from .trouble import DependencyTrouble
from .wall import WallLink
from .work import TrackerLink, WorkItem

__all__ = [
    "PARTS",
    "Absence",
    "Assessment",
    "AssessmentScore",
    "BoardPolicy",
    "BucketShare",
    "CapacityProfile",
    "Ceremony",
    "CeremonyAction",
    "CeremonyKind",
    "ConfidenceBallot",
    "ConfidenceRound",
    "ConfidenceTurnout",
    "ConfidenceVote",
    "DefinitionOfDone",
    "Demand",
    "DemandState",
    "DependencyTrouble",
    "DoneLine",
    "DoneMark",
    "Endorsement",
    "EndorsementRule",
    "EventAttendee",
    "EventRoom",
    "EventSlot",
    "Feature",
    "FeatureDependency",
    "FeatureIntegration",
    "FeatureKind",
    "FeatureReport",
    "FeatureRequirement",
    "FeatureScore",
    "FeatureService",
    "FrozenScore",
    "GoalKind",
    "Impediment",
    "IntegrationPoint",
    "Interruption",
    "InvestmentBucket",
    "ModelRating",
    "ModelScore",
    "Objective",
    "ParkingItem",
    "PlanBaseline",
    "PlanChange",
    "PlanChangeItem",
    "PlanningEvent",
    "ProposalState",
    "QuarterlyGoal",
    "QuarterlyReview",
    "QuarterlyReviewState",
    "QuarterlyReviewer",
    "ReportSource",
    "RequirementKind",
    "ReviewProposal",
    "Risk",
    "RiskLink",
    "Roam",
    "ScoringMethod",
    "ScoringModel",
    "ScoringModelVersion",
    "SealedBallot",
    "SizeRule",
    "SlotKind",
    "StrategyState",
    "TeamCapacity",
    "TeamPerson",
    "TestLevel",
    "TestStrategy",
    "TestStrategyLine",
    "Theme",
    "Threat",
    "ThreatControl",
    "ThreatSession",
    "ThroughputWeek",
    "TierAssessment",
    "TierRule",
    "TrackerLink",
    "TradeOff",
    "TradeOffEffect",
    "TradeOffItem",
    "TradeOffState",
    "TrainNeed",
    "VersionRequirement",
    "WallLink",
    "WorkItem",
    "exact_wsjf",
    "wsjf_of",
]
