"""Records of readiness for evidence packages: sign-offs, reviews, security tests, threat models, configuration audits."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from governance.models import (
    CheckpointSignOff,
    ComplianceCheckpoint,
    ConfigurationAudit,
    ModelledThreat,
    ReadinessReview,
    SecurityTest,
    SignOff,
    ThreatModel,
)

from .collect import Entry, Subject, collector


@collector("governance.sign_offs")
def sign_offs(subject: Subject) -> Iterator[Entry]:
    """Who signed for the releases and builds, at gates and at compliance checkpoints."""
    about = Q(release__in=subject.releases) | Q(artifact__in=subject.artifacts)
    yield from subject.records(SignOff.objects.filter(about))
    signed = CheckpointSignOff.objects.filter(release__in=subject.releases)
    yield from subject.records(signed)
    yield from subject.records(ComplianceCheckpoint.objects.filter(pk__in=signed.values("checkpoint")))


@collector("governance.readiness")
def readiness(subject: Subject) -> Iterator[Entry]:
    """Readiness reviews, security tests, threat models with their threats, and configuration audits."""
    yield from subject.records(ReadinessReview.objects.filter(release__in=subject.releases))
    yield from subject.records(SecurityTest.objects.filter(artifact__in=subject.artifacts))
    models = ThreatModel.objects.filter(release__in=subject.releases)
    yield from subject.records(models)
    yield from subject.records(ModelledThreat.objects.filter(model__in=models))
    yield from subject.records(ConfigurationAudit.objects.filter(release__in=subject.releases))
