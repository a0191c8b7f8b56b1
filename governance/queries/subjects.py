"""What is asked about: a release or an artifact, with everything that a verdict about it may depend on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from governance.models import Gate
from releasetrain.kernel.actor import ScopeKey, scope_path
from releasetrain.tenancy.scope import require_scope
from trains.models import Artifact, Environment, Release, Service


@dataclass(frozen=True)
class Subject:
    """A release or an artifact, its builds, services and trains."""

    release: Release | None
    artifact: Artifact | None
    artifacts: tuple[Artifact, ...]
    services: tuple[Service, ...]
    train_ids: frozenset[uuid.UUID] = field(default_factory=frozenset)

    @property
    def object(self) -> Any:
        return self.release or self.artifact

    def scopes(self) -> list[ScopeKey]:
        """The scopes on which the right to ask counts."""
        return scope_path(self.object, require_scope().organization_id)

    def restricted_to(self, gate: Gate) -> Subject:
        """What a gate of one service, or of one train, sees of it."""
        if gate.service_id is None and gate.train_id is None:
            return self
        kept = tuple(
            a
            for a in self.artifacts
            if (gate.service_id is None or a.service_id == gate.service_id)
            and (gate.train_id is None or a.service.train_id == gate.train_id or self.release is not None)
        )
        return Subject(self.release, self.artifact, kept, tuple(a.service for a in kept), self.train_ids)

    def dependencies(self, gate: Gate) -> list[uuid.UUID]:
        """Everything whose change may alter a verdict of this gate about it."""
        own = [require_scope().organization_id, gate.pk, gate.environment_id, self.object.pk]
        return list(
            dict.fromkeys(
                [
                    *own,
                    *(a.pk for a in self.artifacts),
                    *(s.pk for s in self.services),
                    *sorted(self.train_ids),
                ]
            )
        )


def subject_of(release: Release | None, artifact: Artifact | None) -> Subject:
    """The subject with its builds, services and trains loaded."""
    if release is not None:
        rows = release.artifacts.select_related("artifact__service").order_by("service__name")
        builds = tuple(row.artifact for row in rows)
        trains = {release.train_id, *(b.service.train_id for b in builds)}
    else:
        assert artifact is not None
        builds = (artifact,)
        trains = {artifact.service.train_id}
    services = tuple(b.service for b in builds)
    return Subject(release, artifact, builds, services, frozenset(t for t in trains if t))


def gates_before(environment: Environment, subject: Subject) -> list[Gate]:
    """The gates that this subject meets at the environment: the organization's, its trains' and its services'."""
    rows = Gate.objects.filter(environment=environment).exclude(mode=Gate.Mode.RETIRED)
    rows = rows.filter(Q(train__isnull=True) | Q(train__in=subject.train_ids))
    rows = rows.filter(Q(service__isnull=True) | Q(service__in=[s.pk for s in subject.services]))
    return list(rows.order_by("key"))


def meets(gate: Gate, subject: Subject) -> bool:
    """Whether this gate stands in the subject's way at all."""
    if gate.train_id and gate.train_id not in subject.train_ids:
        return False
    return not gate.service_id or gate.service_id in {s.pk for s in subject.services}
