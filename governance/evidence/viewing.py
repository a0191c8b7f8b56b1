"""Every view of evidence is recorded: who opened which package or sample, and all that an external auditor opened."""

from __future__ import annotations

from typing import Any

from governance.models import AuditPopulation, AuditSample, EvidencePackage, SampledRow
from governance.queries.auditing import access_of
from releasetrain.audit import ledger
from releasetrain.interface.viewing import watches_views
from releasetrain.kernel.actor import Actor

EVIDENCE = (EvidencePackage, AuditPopulation, AuditSample, SampledRow)


@watches_views
def record_view(actor: Actor, obj: Any) -> None:
    """One ledger entry: about the external auditor's access, else about the evidence itself."""
    if actor.user_id is None:
        return
    access = access_of(actor)
    if access is not None:
        seen = {"kind": obj._meta.model_name, "id": str(obj.pk), "label": str(obj)[:200]}
        ledger.append(actor, "evidence.view", access, {"seen": seen})
    elif isinstance(obj, EVIDENCE):
        ledger.append(actor, "evidence.view", obj, {})
