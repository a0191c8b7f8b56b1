"""Models of governance: gates and their evidence, changes, evidence packages."""

from .changes import (
    AgendaItem,
    Board,
    BoardMember,
    ChangeContributor,
    ChangeDeployment,
    ChangeRequest,
    Condition,
    Meeting,
    Vote,
)
from .evidence import EvidencePackage, PackageDownload
from .files import StoredFile
from .findings import Finding, FindingOccurrence, Severity
from .gates import Evaluation, Gate, GateVersion, InputChange, SettledAnswer, Verdict
from .results import Component, Result, ResultKind
from .waivers import Waiver

__all__ = [
    "AgendaItem",
    "Board",
    "BoardMember",
    "ChangeContributor",
    "ChangeDeployment",
    "ChangeRequest",
    "Component",
    "Condition",
    "Evaluation",
    "EvidencePackage",
    "Finding",
    "FindingOccurrence",
    "Gate",
    "GateVersion",
    "InputChange",
    "Meeting",
    "PackageDownload",
    "Result",
    "ResultKind",
    "SettledAnswer",
    "Severity",
    "StoredFile",
    "Verdict",
    "Vote",
    "Waiver",
]
