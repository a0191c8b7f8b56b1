"""What other systems' messages mean: each kind of sender is read by a module of its own, into the same few facts."""

from .facts import (
    AlertSaid,
    ArtifactSaid,
    DeploymentSaid,
    Fact,
    FlagSaid,
    IncidentSaid,
    Message,
    TestsSaid,
    Unreadable,
)
from .kinds import KINDS, Kind, choices, kind_of

__all__ = [
    "KINDS",
    "AlertSaid",
    "ArtifactSaid",
    "DeploymentSaid",
    "Fact",
    "FlagSaid",
    "IncidentSaid",
    "Kind",
    "Message",
    "TestsSaid",
    "Unreadable",
    "choices",
    "kind_of",
]
