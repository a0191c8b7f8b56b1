"""Models of trains: structure, cadence, releases, deployments."""

from .artifact import Artifact
from .booking import Booking, SharedResource
from .coupling import Coupling
from .communication import (
    CommitmentChange,
    ContentBrief,
    PublicLog,
    ReleaseNote,
    Walkthrough,
    WalkthroughAttendee,
    WalkthroughQuestion,
)
from .compatibility import SkewLimit, VersionRequirement
from .contract import Contract, ContractVerification, ContractVersion
from .data_migration import DataMigration, MigrationStep
from .deployment import Commit, Deployment, DeploymentCommit
from .escalation import (
    Channel,
    Escalation,
    EscalationLevel,
    EscalationPolicy,
    EscalationStep,
    InboxEntry,
)
from .freeze import Freeze
from .import_run import ImportRun
from .incident_plan import IncidentDrill, IncidentPlan, IncidentPlanRole, IncidentPlanTrain
from .increment import Iteration, Milestone, ProgramIncrement
from .onboarding import ChecklistTemplate, ChecklistTopic, OnboardingItem, TeamOnboarding, TemplateItem
from .pipeline import Pipeline, Stage, StageEvent
from .platform import Comparison, LevelMeasurement, ServiceLevel, SharedPlatform
from .release import Classification, Release, ReleaseArtifact, ScopeItem
from .release_rules import PackagingLimit, ReadinessAnswer, RollbackCriterion, ScopeChange
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

__all__ = [
    "TIERS",
    "Artifact",
    "Booking",
    "Channel",
    "ChecklistTemplate",
    "ChecklistTopic",
    "Classification",
    "Commit",
    "Coupling",
    "CommitmentChange",
    "Comparison",
    "ContentBrief",
    "Contract",
    "ContractVerification",
    "ContractVersion",
    "DataMigration",
    "Deployment",
    "DeploymentCommit",
    "Environment",
    "Escalation",
    "EscalationLevel",
    "EscalationPolicy",
    "EscalationStep",
    "Freeze",
    "ImportRun",
    "InboxEntry",
    "IncidentDrill",
    "IncidentPlan",
    "IncidentPlanRole",
    "IncidentPlanTrain",
    "Iteration",
    "LevelMeasurement",
    "MigrationStep",
    "Milestone",
    "OnboardingItem",
    "Pipeline",
    "PackagingLimit",
    "ProgramIncrement",
    "PublicLog",
    "ReadinessAnswer",
    "Release",
    "ReleaseArtifact",
    "ReleaseNote",
    "RollbackCriterion",
    "ScopeChange",
    "ScopeItem",
    "Service",
    "SharedResource",
    "SolutionIncrement",
    "SolutionMember",
    "SolutionMilestone",
    "SolutionTrain",
    "Stage",
    "StageEvent",
    "ServiceLevel",
    "SharedPlatform",
    "SkewLimit",
    "Team",
    "TeamOnboarding",
    "TemplateItem",
    "Train",
    "TrainDependency",
    "TrainReadiness",
    "VersionRequirement",
    "Walkthrough",
    "WalkthroughAttendee",
    "WalkthroughQuestion",
]
