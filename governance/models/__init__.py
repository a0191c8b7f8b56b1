"""Models of governance: gates and their evidence, changes, evidence packages."""

from .files import StoredFile
from .findings import Finding, FindingOccurrence, Severity
from .gates import Evaluation, Gate, GateVersion, InputChange, SettledAnswer, Verdict
from .results import Component, Result, ResultKind
from .waivers import Waiver

__all__ = [
    "Component",
    "Evaluation",
    "Finding",
    "FindingOccurrence",
    "Gate",
    "GateVersion",
    "InputChange",
    "Result",
    "ResultKind",
    "SettledAnswer",
    "Severity",
    "StoredFile",
    "Verdict",
    "Waiver",
]
