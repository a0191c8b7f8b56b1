"""Reading evidence packages: which somebody may see, what became of one, and what there is about an object."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from governance.evidence import collect
from governance.models import EvidencePackage, PackageDownload
from releasetrain.kernel.actor import Actor


def readable(actor: Actor) -> QuerySet[EvidencePackage]:
    """The packages the actor may read: all of the organization, or those of the trains and boards the right is held on."""
    rows = EvidencePackage.objects.all()
    if actor.may("evidence.read"):
        return rows
    held = actor.grants.get("evidence.read", set())
    trains = [ident for kind, ident in held if kind == "train"]
    boards = [ident for kind, ident in held if kind == "board"]
    return rows.filter(Q(train__in=trains) | Q(board__in=boards))


def readable_downloads(actor: Actor) -> QuerySet[PackageDownload]:
    return PackageDownload.objects.filter(package__in=readable(actor))


def packages_about(actor: Actor, obj: Any) -> QuerySet[EvidencePackage]:
    """Packages about an object, newest first, as far as the actor may read them."""
    kind = collect.kind_of(type(obj))
    rows = readable(actor) if actor.may_somewhere("evidence.read") else EvidencePackage.objects.none()
    return rows.filter(subject_kind=kind.name if kind else "", subject_id=obj.pk)


def same_facts(package: EvidencePackage) -> QuerySet[EvidencePackage]:
    """Other finished packages that hold exactly the same facts."""
    rows = EvidencePackage.objects.filter(facts_digest=package.facts_digest).exclude(pk=package.pk)
    return rows if package.facts_digest else rows.none()


def versions_of(package: EvidencePackage) -> QuerySet[EvidencePackage]:
    """All packages about the same subject and period, newest first."""
    return EvidencePackage.objects.filter(
        subject_kind=package.subject_kind,
        subject_id=package.subject_id,
        starts=package.starts,
        ends=package.ends,
    ).order_by("-version", "-id")
