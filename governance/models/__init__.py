"""Models of governance: gates and their evidence, changes, evidence packages."""

from .attachments import Attachment
from .auditing import AuditPopulation, AuditSample, PopulationGap, SampledRow
from .auditors import AuditorAccess, PackageSchedule
from .boardroom import ChangeSignature, MeetingAction, Recusal, Reminder
from .change_models import ChangeModel
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
from .compliance import (
    CheckpointSignOff,
    ComplianceCheckpoint,
    FlagKind,
    ModelledThreat,
    ScopeFlag,
    SecurityTest,
    ThreatModel,
)
from .configuration_audits import ConfigurationAudit
from .controls import Control, ControlAssessment, ControlCatalogue, ControlMapping
from .documents import Document, DocumentKind, DocumentVersion
from .duties import (
    DeploymentValidation,
    DutyAct,
    DutyException,
    DutyLevel,
    DutyMatrix,
    DutyNearMiss,
    PersonAlias,
)
from .evidence import EvidencePackage, PackageDownload
from .files import StoredFile
from .findings import Finding, FindingOccurrence, Severity
from .gates import Evaluation, Gate, GateVersion, InputChange, SettledAnswer, Verdict
from .policies import ApprovalPolicy, PolicyDecision
from .promotion import DeploymentTurn, EnvironmentRule
from .readiness import ReadinessChecklist, ReadinessReview, RequirementMeasurement, ServiceRequirement
from .replays import Replay
from .results import Component, Result, ResultKind
from .retention import Disposal, DisposedFile, LegalHold, RecordType, RetentionPolicy
from .rollbacks import RollbackOrder, RollbackRule
from .sign_offs import SignOff
from .supply_chain import Advisory, BuilderKey, LicencePolicy
from .waivers import Waiver

__all__ = [
    "Advisory",
    "AgendaItem",
    "ApprovalPolicy",
    "Attachment",
    "AuditPopulation",
    "AuditSample",
    "AuditorAccess",
    "Board",
    "BoardMember",
    "BuilderKey",
    "ChangeContributor",
    "ChangeDeployment",
    "ChangeModel",
    "ChangeRequest",
    "ChangeSignature",
    "CheckpointSignOff",
    "ComplianceCheckpoint",
    "Component",
    "Condition",
    "ConfigurationAudit",
    "Control",
    "ControlAssessment",
    "ControlCatalogue",
    "ControlMapping",
    "DeploymentTurn",
    "DeploymentValidation",
    "Disposal",
    "DisposedFile",
    "Document",
    "DocumentKind",
    "DocumentVersion",
    "DutyAct",
    "DutyException",
    "DutyLevel",
    "DutyMatrix",
    "DutyNearMiss",
    "EnvironmentRule",
    "Evaluation",
    "EvidencePackage",
    "Finding",
    "FindingOccurrence",
    "FlagKind",
    "Gate",
    "GateVersion",
    "InputChange",
    "LegalHold",
    "LicencePolicy",
    "Meeting",
    "MeetingAction",
    "ModelledThreat",
    "PackageDownload",
    "PackageSchedule",
    "PersonAlias",
    "PolicyDecision",
    "PopulationGap",
    "ReadinessChecklist",
    "ReadinessReview",
    "RecordType",
    "Recusal",
    "Reminder",
    "Replay",
    "RequirementMeasurement",
    "Result",
    "ResultKind",
    "RetentionPolicy",
    "RollbackOrder",
    "RollbackRule",
    "SampledRow",
    "ScopeFlag",
    "SecurityTest",
    "ServiceRequirement",
    "SettledAnswer",
    "Severity",
    "SignOff",
    "StoredFile",
    "ThreatModel",
    "Verdict",
    "Vote",
    "Waiver",
]
