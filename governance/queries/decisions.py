"""The register of decisions: a search over the ledger's entries in which somebody decided and said why.

Nothing is copied: the ledger is the archive, sealed and never changed. Which verbs are decisions is declared here, and by
other apps through `decisions`. What a reader may not read of an object, they do not find here either.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from governance.models import ChangeRequest, Document, DocumentVersion, Finding, Waiver
from releasetrain.audit.doorway import actions
from releasetrain.audit.models import LedgerEntry
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.scope import require_scope
from trains.models import Deployment, Release

KINDS = {
    "risk": "Risk assessment",
    "approval": "Approval",
    "vote": "Vote",
    "exception": "Exception or waiver",
    "override": "Override",
    "sign_off": "Sign-off",
}
_VERBS: dict[str, str] = {}
# Where the justification stands among the parameters, first found first shown.
_WORDS = (
    "rationale", "decision", "justification", "statement", "assessment", "reason", "risk", "mitigation", "note",
    "text", "description", "impact", "evidence", "answer",
)  # fmt: skip
PAGE = 50


def decisions(kind: str, *verbs: str) -> None:
    """Say that these verbs are decisions of a kind."""
    if kind not in KINDS:
        raise ValueError(f"{kind} is no kind of decision")
    _VERBS.update(dict.fromkeys(verbs, kind))


decisions(
    "risk", "change.assess", "change.raise_risk",
    "risk.create", "risk.accept", "risk.mitigate", "risk.own", "risk.resolve",
    "modelled_threat.accept", "modelled_threat.dismiss",
)  # fmt: skip
decisions("vote", "change.vote")
decisions(
    "approval", "change.ask_policy", "release.mark_approved", "release.withdraw_approval",
    "approval_policy.publish", "policy_decision.review", "change_model.pre_approve", "change_model.demote",
    "threat_model.approve", "document_version.approve", "document_version.reject", "disposal.approve",
    "disposal.countersign", "disposal.reject",
)  # fmt: skip
decisions(
    "exception", "waiver.request", "waiver.grant", "waiver.refuse", "waiver.revoke", "finding.accept",
    "finding.mark_false_positive", "finding.reopen", "duty_exception.request",
    "duty_exception.grant", "duty_exception.refuse", "duty_exception.revoke", "configuration_item.tolerate",
    "configuration_observation.tolerate", "release.accept_discrepancy", "legal_hold.place", "legal_hold.lift",
)  # fmt: skip
decisions(
    "override", "gate.advise", "gate.retire", "gate.publish_version", "freeze.cancel", "deployment.roll_back",
    "release.roll_back", "release.cancel", "licence_policy.set", "board_policy.set",
    "deployment.roll_back_on_threshold", "change.escalate",
    "duty_matrix.change", "duty_matrix.confirm",
)  # fmt: skip
decisions(
    "sign_off", "condition.meet", "root_cause.validate", "root_cause.reject", "problem.close", "review.close",
    "control_assessment.conclude", "readiness_answer.answer", "release.mark_ready", "feature.endorse",
    "control.edit", "control_mapping.retire", "walkthrough.conclude", "change.sign", "sign_off.give",
    "sign_off.withdraw", "sample.conclude", "release.assess_readiness", "failure_link.accept", "failure_link.dispute",
    "checkpoint_sign_off.sign",
    "readiness_review.sign_off", "readiness_review.send_back", "configuration_audit.conclude", "deployment.validate",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What a reader looks for; empty means any. `services` and `releases` reach what belongs to them."""

    text: str = ""
    kind: str = ""
    person: uuid.UUID | None = None
    services: tuple[uuid.UUID, ...] = ()
    releases: tuple[uuid.UUID, ...] = ()
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True)
class Decision:
    """One decision as it is shown."""

    id: int
    at: datetime
    kind: str
    verb: str
    act: str
    by: Any
    subject_kind: str
    subject_id: str
    label: str
    why: tuple[tuple[str, str], ...]
    choice: str

    @property
    def kind_word(self) -> str:
        return KINDS[self.kind]


def find(actor: Actor, wanted: Wanted, limit: int = PAGE) -> tuple[list[Decision], int | None]:
    """Newest first, with where the list goes on."""
    rows = _rows(actor, wanted)
    found = list(rows.order_by("-id")[: limit + 1])
    more = found[limit - 1].pk if len(found) > limit else None
    people = get_user_model().objects.in_bulk([e.actor_id for e in found if e.actor_id])
    return [_decision(entry, people) for entry in found[:limit]], more


def _rows(actor: Actor, wanted: Wanted) -> QuerySet[LedgerEntry]:
    verbs = [v for v, kind in _VERBS.items() if wanted.kind in ("", kind)]
    rows = LedgerEntry.objects.filter(organization_id=require_scope().organization_id).filter(
        _readable(actor, verbs)
    )
    if wanted.person:
        rows = rows.filter(actor_id=wanted.person)
    if wanted.subject:
        rows = rows.filter(subject_id=wanted.subject)
    if wanted.services or wanted.releases:
        rows = rows.filter(subject_id__in=around(wanted.services, wanted.releases))
    if wanted.since:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(at__lt=wanted.until)
    if wanted.before:
        rows = rows.filter(pk__lt=wanted.before)
    if wanted.text:
        # The words people wrote, stemmed; names of objects as they stand.
        matches = RawSQL(
            "jsonb_to_tsvector('english', body::jsonb -> 'payload' -> 'params', '[\"string\"]')"
            " @@ websearch_to_tsquery('english', %s)",
            [wanted.text],
        )
        rows = rows.annotate(matches=matches).filter(
            Q(matches=True) | Q(subject_label__icontains=wanted.text)
        )
    return rows.defer("leaf_hash")


def _readable(actor: Actor, verbs: Iterable[str]) -> Q:
    """Decisions about what the actor may read: by kind, and by row where a kind is read row by row."""
    known = actions()
    free: list[str] = []
    found = Q(pk__in=[])
    for verb in verbs:
        declared = known.get(verb)
        about = declared.on or declared.creates if declared else None
        resource = resource_of(about) if about is not None else None
        if resource is None:
            continue
        if not actor.may_somewhere(resource.requires):
            continue
        if resource.rows is None:
            free.append(verb)
        else:
            mine = resource.visible(actor).annotate(as_text=Cast("pk", CharField())).values("as_text")
            found |= Q(verb=verb, subject_id__in=mine)
    return found | Q(verb__in=free)


def around(services: Iterable[uuid.UUID], releases: Iterable[uuid.UUID]) -> list[str]:
    """The ids of everything that decisions about these services and releases may be recorded on."""
    served, carried = list(services), set(releases)
    carried |= set(
        Release.objects.filter(artifacts__artifact__service__in=served).values_list("pk", flat=True)
    )
    of_both = Q(release__in=carried) | Q(service__in=served)
    found: set[Any] = {*served, *carried}
    found |= set(ChangeRequest.objects.filter(of_both).values_list("pk", flat=True))
    found |= set(
        Waiver.objects.filter(Q(release__in=carried) | Q(artifact__service__in=served)).values_list(
            "pk", flat=True
        )
    )
    found |= set(Finding.objects.filter(service__in=served).values_list("pk", flat=True))
    documents = Document.objects.filter(of_both)
    found |= set(DocumentVersion.objects.filter(document__in=documents).values_list("pk", flat=True))
    found |= set(
        Deployment.objects.filter(of_both).order_by("-started_at").values_list("pk", flat=True)[:2000]
    )
    return [str(each) for each in found]


def _decision(entry: LedgerEntry, people: dict[Any, Any]) -> Decision:
    params = json.loads(entry.body)["payload"].get("params", {})
    why = tuple(
        (name, str(params[name])) for name in _WORDS if isinstance(params.get(name), str) and params[name]
    )
    declared = actions().get(entry.verb)
    return Decision(
        id=entry.pk,
        at=entry.at,
        kind=_VERBS[entry.verb],
        verb=entry.verb,
        act=declared.title if declared else entry.verb,
        by=people.get(entry.actor_id) or entry.actor_name or None,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        label=entry.subject_label,
        why=why,
        choice=str(params.get("choice") or params.get("conclusion") or ""),
    )


def as_data(found: list[Decision]) -> list[dict[str, Any]]:
    return [
        {
            "entry": d.id,
            "at": d.at,
            "kind": d.kind,
            "verb": d.verb,
            "by": str(d.by.pk) if hasattr(d.by, "pk") else d.by,
            "by_name": str(d.by or ""),
            "subject": {"kind": d.subject_kind, "id": d.subject_id, "label": d.label},
            "choice": d.choice,
            "why": dict(d.why),
        }
        for d in found
    ]


__all__ = ["KINDS", "Decision", "Wanted", "as_data", "decisions", "find"]
