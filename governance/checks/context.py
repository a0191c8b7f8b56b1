"""What a check may look at: the subject, the moment and the gate, and nothing that a person types."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.models import Gate
from trains.models import Artifact, Environment, Release, Service


@dataclass(frozen=True)
class CheckContext:
    """One check of one evaluation.

    release      the release that was asked about, or None when an artifact was
    artifacts    the builds under judgement: the release's, or the one artifact
    at           the moment that counts as now
    max_age      how old evidence may be
    """

    organization_id: uuid.UUID
    gate: Gate
    environment: Environment
    release: Release | None
    artifacts: tuple[Artifact, ...]
    services: tuple[Service, ...]
    at: datetime
    max_age: timedelta

    @property
    def subject_label(self) -> str:
        return str(self.release or (self.artifacts[0] if self.artifacts else "nothing"))
