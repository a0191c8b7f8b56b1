"""Models of trains: structure, cadence, releases, deployments."""

from .artifact import Artifact
from .booking import Booking, SharedResource
from .business_calendar import BusinessCalendar, ClosedPeriod
from .canary import CanaryAnalysis, CanaryConfig, CanaryVerdict
from .communication import (
    CommitmentChange,
    ContentBrief,
    PublicLog,
    ReleaseNote,
    Walkthrough,
    WalkthroughAttendee,
    WalkthroughQuestion,
)
from .compatibility import CompatibilityRule, SkewLimit
from .configuration import (
    ConfigurationBaseline,
    ConfigurationItem,
    ConfigurationObservation,
    ConfigurationRelation,
    ToleratedDifference,
)
from .contract import Contract, ContractVerification, ContractVersion
from .coupling import Coupling
from .data_migration import DataMigration, MigrationStep
from .deployment import Commit, Deployment, DeploymentCommit
from .deployment_plan import DeploymentPlan, PlanStep
from .drill import FailureDrill, ObservedAlert
from .environment_facts import EnvironmentFacts
from .escalation import (
    Channel,
    Escalation,
    EscalationLevel,
    EscalationPolicy,
    EscalationStep,
    InboxEntry,
)
from .feature_flag import FeatureFlag
from .feed import CalendarFeed
from .freeze import Freeze
from .import_run import ImportRun
from .incident_plan import IncidentDrill, IncidentPlan, IncidentPlanRole, IncidentPlanTrain
from .increment import Iteration, Milestone, ProgramIncrement
from .observation import PipelineRun, RuntimeObservation
from .on_call import HandOverNote, OnCallLayer, OnCallOverride, OnCallRotation, OnCallTurn
from .onboarding import ChecklistTemplate, ChecklistTopic, OnboardingItem, TeamOnboarding, TemplateItem
from .pipeline import Pipeline, Stage, StageEvent
from .pipeline_template import PipelineTemplate
from .platform import Comparison, LevelMeasurement, ServiceLevel, SharedPlatform
from .release import Classification, Release, ReleaseArtifact, ScopeItem
from .release_rules import PackagingLimit, ReadinessAnswer, RollbackCriterion, ScopeChange
from .rollback_plan import RollbackPlan
from .rollout import Rollout, RolloutCommand, StagedPath
from .secret_reference import SecretReference
from .series import Series, SeriesBlock, SeriesKind, SeriesPolicy, SeriesSource
from .service import TIERS, Environment, Service
from .solution import (
    SolutionIncrement,
    SolutionMember,
    SolutionMilestone,
    SolutionTrain,
    TrainReadiness,
)
from .train import Team, Train
from .train_dependency import TrainDependency
from .vendor import Vendor, VendorContact, VendorContract, VendorNotice, VendorService
from .window import AllowedWindow, LoadLimit, RecurringWindow, ReleaseMember
from .working_hours import TrainMeeting, TrainMeetingParty, TrainMeetingSlot, WorkingHours

__all__ = [
    "TIERS",
    "AllowedWindow",
    "Artifact",
    "Booking",
    "BusinessCalendar",
    "CalendarFeed",
    "CanaryAnalysis",
    "CanaryConfig",
    "CanaryVerdict",
    "Channel",
    "ChecklistTemplate",
    "ChecklistTopic",
    "Classification",
    "ClosedPeriod",
    "Commit",
    "CommitmentChange",
    "Comparison",
    "CompatibilityRule",
    "ConfigurationBaseline",
    "ConfigurationItem",
    "ConfigurationObservation",
    "ConfigurationRelation",
    "ContentBrief",
    "Contract",
    "ContractVerification",
    "ContractVersion",
    "Coupling",
    "DataMigration",
    "Deployment",
    "DeploymentCommit",
    "DeploymentPlan",
    "Environment",
    "EnvironmentFacts",
    "Escalation",
    "EscalationLevel",
    "EscalationPolicy",
    "EscalationStep",
    "FailureDrill",
    "FeatureFlag",
    "Freeze",
    "HandOverNote",
    "ImportRun",
    "InboxEntry",
    "IncidentDrill",
    "IncidentPlan",
    "IncidentPlanRole",
    "IncidentPlanTrain",
    "Iteration",
    "LevelMeasurement",
    "LoadLimit",
    "MigrationStep",
    "Milestone",
    "ObservedAlert",
    "OnCallLayer",
    "OnCallOverride",
    "OnCallRotation",
    "OnCallTurn",
    "OnboardingItem",
    "PackagingLimit",
    "Pipeline",
    "PipelineRun",
    "PipelineTemplate",
    "PlanStep",
    "ProgramIncrement",
    "PublicLog",
    "ReadinessAnswer",
    "RecurringWindow",
    "Release",
    "ReleaseArtifact",
    "ReleaseMember",
    "ReleaseNote",
    "RollbackCriterion",
    "RollbackPlan",
    "Rollout",
    "RolloutCommand",
    "RuntimeObservation",
    "ScopeChange",
    "ScopeItem",
    "SecretReference",
    "Series",
    "SeriesBlock",
    "SeriesKind",
    "SeriesPolicy",
    "SeriesSource",
    "Service",
    "ServiceLevel",
    "SharedPlatform",
    "SharedResource",
    "SkewLimit",
    "SolutionIncrement",
    "SolutionMember",
    "SolutionMilestone",
    "SolutionTrain",
    "Stage",
    "StageEvent",
    "StagedPath",
    "Team",
    "TeamOnboarding",
    "TemplateItem",
    "ToleratedDifference",
    "Train",
    "TrainDependency",
    "TrainMeeting",
    "TrainMeetingParty",
    "TrainMeetingSlot",
    "TrainReadiness",
    "Vendor",
    "VendorContact",
    "VendorContract",
    "VendorNotice",
    "VendorService",
    "Walkthrough",
    "WalkthroughAttendee",
    "WalkthroughQuestion",
    "WorkingHours",
]
