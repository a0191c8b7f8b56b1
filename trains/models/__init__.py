"""Models of trains: structure, cadence, releases, deployments."""

from .artifact import Artifact
from .deployment import Commit, Deployment, DeploymentCommit
from .freeze import Freeze
from .import_run import ImportRun
from .increment import Iteration, Milestone, ProgramIncrement
from .release import Classification, Release, ReleaseArtifact, ScopeItem
from .service import TIERS, Environment, Service
from .train import Team, Train
from .train_dependency import TrainDependency

__all__ = [
    "TIERS",
    "Artifact",
    "Classification",
    "Commit",
    "Deployment",
    "DeploymentCommit",
    "Environment",
    "Freeze",
    "ImportRun",
    "Iteration",
    "Milestone",
    "ProgramIncrement",
    "Release",
    "ReleaseArtifact",
    "ScopeItem",
    "Service",
    "Team",
    "Train",
    "TrainDependency",
]
