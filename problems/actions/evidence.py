"""Asking for the evidence package of a problem."""

from __future__ import annotations

from governance.actions.evidence import queue
from governance.models import EvidencePackage
from problems.models import Problem
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor


@action("problem.build_evidence", on=Problem, requires="evidence.build", label="Build evidence", step_up=True)
def build_evidence(actor: Actor, problem: Problem) -> EvidencePackage:
    """Ask for a package of everything recorded about this problem, its root cause and its fixes; a worker builds it."""
    return queue(actor, problem)
