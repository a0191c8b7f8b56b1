"""Nine months of deployments, commits and incidents of the demo bank, from a seed."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from trains.actions.commits import CommitRow
from trains.actions.deployment_batch import DeploymentRow

from .flow import lines_of

SOURCE = "demo-pipeline"


@dataclass(frozen=True)
class Incident:
    """An outage that a deployment caused."""

    deployment: str
    service: str
    title: str
    severity: int
    detected_at: datetime
    mitigated_at: datetime
    resolved_at: datetime


@dataclass(frozen=True)
class History:
    deployments: list[DeploymentRow]
    commits: list[CommitRow]
    incidents: list[Incident]


SYMPTOMS = (
    "Error rate above 2 %",
    "Timeouts towards the ledger",
    "Queue grows without end",
    "Duplicate postings detected",
    "Sign-in fails for some customers",
    "Settlement file rejected by the scheme",
)


def generate(services: list[tuple[str, int]], until: datetime, *, seed: int = 7, days: int = 270) -> History:
    """A plausible past: weekday deployments per service, some failing, some rolled back, fewer failures lately."""
    draw = random.Random(seed)  # noqa: S311 - sample data, nothing secret
    deployments: list[DeploymentRow] = []
    commits: list[CommitRow] = []
    incidents: list[Incident] = []
    for service, tier in services:
        number, last = 0, ""
        pace = {1: 0.16, 2: 0.24, 3: 0.34, 4: 0.4}[tier]
        for back in range(days, 1, -1):
            day = until - timedelta(days=back)
            if day.weekday() >= 5 or draw.random() > pace:
                continue
            number += 1
            version = f"{3 + number // 40}.{number % 40}.0"
            live = day.replace(
                hour=draw.choice((8, 9, 10, 13, 14, 15)), minute=draw.randrange(60), second=0, microsecond=0
            )
            digest = "sha256:" + hashlib.sha256(f"{service} {version}".encode()).hexdigest()
            sha = hashlib.sha1(f"{service} {version}".encode(), usedforsecurity=False).hexdigest()
            for environment, lead in (("staging", timedelta(hours=20)), ("production", timedelta())):
                started = live - lead
                deployments.append(
                    DeploymentRow(
                        service=service, environment=environment, status="succeeded", version=version, commit=sha, digest=digest,
                        started_at=started, finished_at=started + timedelta(minutes=draw.randrange(4, 19)),
                        source=SOURCE, external_id=f"{service}-{version}-{environment}",
                    )
                )  # fmt: skip
            for part in range(draw.randrange(1, 5)):
                written = live - timedelta(hours=draw.lognormvariate(3.1, 0.7))
                own = hashlib.sha1(f"{sha} {part}".encode(), usedforsecurity=False).hexdigest()
                added, removed = lines_of(own)
                commits.append(
                    CommitRow(
                        service=service,
                        sha=own,
                        lines_added=added,
                        lines_removed=removed,
                        authored_at=written,
                        merged_at=written + (live - written) * draw.uniform(0.3, 0.9),
                        title=f"Change {number}.{part} of {service}",
                        source=SOURCE,
                        external_id=f"{service}-{version}-production",
                    )
                )
            fails = 0.11 if back > 120 else 0.05
            if last and draw.random() < fails:
                detected = live + timedelta(minutes=draw.randrange(12, 90))
                mitigated = detected + timedelta(minutes=draw.lognormvariate(3.7, 0.6))
                incidents.append(
                    Incident(
                        f"{service}-{version}-production", service, f"{draw.choice(SYMPTOMS)} in {service}",
                        draw.choice((2, 2, 3, 3, 4)) if tier > 1 else draw.choice((1, 2, 2, 3)),
                        detected, mitigated, mitigated + timedelta(minutes=draw.randrange(20, 240)),
                    )
                )  # fmt: skip
                deployments.append(
                    DeploymentRow(
                        service=service, environment="production", status="succeeded", version=last, kind="rollback",
                        started_at=mitigated - timedelta(minutes=4), finished_at=mitigated, rework=True,
                        source=SOURCE, external_id=f"{service}-{version}-rollback",
                    )
                )  # fmt: skip
            last = version
    return History(deployments, commits, incidents)
