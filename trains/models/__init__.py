"""Models of trains: structure, cadence, releases, deployments."""

from .artifact import Artifact
from .booking import Booking, SharedResource
from .coupling import Coupling
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
from .increment import Iteration, Milestone, ProgramIncrement
from .onboarding import ChecklistTemplate, ChecklistTopic, OnboardingItem, TeamOnboarding, TemplateItem
from .pipeline import Pipeline, Stage, StageEvent
from .release import Classification, Release, ReleaseArtifact, ScopeItem
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
    "Iteration",
    "Milestone",
    "OnboardingItem",
    "Pipeline",
    "ProgramIncrement",
    "Release",
    "ReleaseArtifact",
    "ScopeItem",
    "Service",
    "SharedResource",
    "SolutionIncrement",
    "SolutionMember",
    "SolutionMilestone",
    "SolutionTrain",
    "Stage",
    "StageEvent",
    "Team",
    "TeamOnboarding",
    "TemplateItem",
    "Train",
    "TrainDependency",
    "TrainReadiness",
]
