"""Two years of GOV.UK's deployments and commits, imported into an organization of their own; or as many made-up rows."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import os
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SLUG = "bench-history"
FOLDER = "govuk-deployments"


@dataclass(frozen=True)
class Imported:
    """What was imported, and how long it and its repetition took."""

    organization: Any
    owner: Any
    rows: int
    seconds: float
    cpu: float
    again: float
    source: str


@functools.cache
def imported() -> Imported:
    """The import, run once for everybody who measures on it."""
    from releasetrain.accounts.catalogue import Role
    from releasetrain.exchange.demo.cast import found
    from releasetrain.tenancy.scope import tenant_scope
    from trains.actions.trains import create_train

    files, source = _files()
    cast = found(
        SLUG,
        "Deployment history",
        "Europe/London",
        [("Owner", f"owner@{SLUG}.example", (Role.OWNER, Role.RTE))],
    )
    owner = cast.one(Role.OWNER)
    with tenant_scope(cast.organization.pk, owner):
        train = create_train(
            owner, key="REAL", name="Real data", cadence_start=datetime(2023, 1, 2, tzinfo=UTC).date()
        )
    wall, cpu = time.perf_counter(), time.process_time()
    rows = _run(cast, owner, train, files)
    seconds, used = time.perf_counter() - wall, time.process_time() - cpu
    wall = time.perf_counter()
    _run(cast, owner, train, files)
    again = time.perf_counter() - wall
    return Imported(cast.organization, cast.user(Role.OWNER), rows, seconds, used, again, source)


def _run(cast: Any, owner: Any, train: Any, files: dict[str, Any]) -> int:
    from releasetrain.exchange.imports.govuk import import_deployment_history
    from releasetrain.tenancy.scope import tenant_scope

    with tenant_scope(cast.organization.pk, owner):
        return int(import_deployment_history(owner, train=train, **files).rows)


def _files() -> tuple[dict[str, Any], str]:
    from releasetrain.kernel.fields import Upload

    folder = Path(os.environ.get("RELEASETRAIN_DATA", ""), FOLDER)
    found = {
        "deployments": next(iter(sorted(folder.glob("deployments-*.csv.gz"))), None),
        "commits": next(iter(sorted(folder.glob("production_commits-*.csv.gz"))), None),
    }
    if os.environ.get("RELEASETRAIN_DATA") and all(found.values()):
        return {
            name: Upload(path.name, path.read_bytes()) for name, path in found.items() if path
        }, "GOV.UK, 2023–2024"
    print(
        "RELEASETRAIN_DATA names no folder with GOV.UK's history: as many made-up rows are imported instead."
    )
    return {name: Upload(f"{name}.csv.gz", content) for name, content in _made_up().items()}, "made-up rows"


def _made_up(deployments: int = 57_000, services: int = 90) -> dict[str, bytes]:
    """The same columns and about the same numbers: every version goes to three environments, a fifth of them with commits."""
    draw = random.Random(1)
    start = datetime(2023, 1, 2, tzinfo=UTC)
    listed: list[tuple[str, ...]] = []
    commits: list[tuple[str, ...]] = []
    for number in range(deployments // 3):
        service, version = f"app-{draw.randrange(services)}", f"v{number}"
        sha = f"{draw.getrandbits(160):040x}"
        asked = start + timedelta(seconds=number * 3_300)
        for step, environment in enumerate(("integration", "staging", "production")):
            live = asked + timedelta(minutes=5 * (step + 1))
            previous = f"v{number - 1}"
            kind = "rollback" if environment == "production" and number % 60 == 59 else "deploy"
            listed.append((_z(live), _z(asked), environment, service, version, previous, kind, sha))
        if number % 3:
            written = _z(asked - timedelta(hours=draw.randrange(1, 200)))
            moments = (_z(live), sha, written, written, written)
            commits.append((service, version, previous, *moments, "somebody", "0", "0", "", "A change"))
    head = ("deployed_at", "requested_at", "env", "app", "version", "prev_version", "kind", "sha")
    commit_head = (
        "app", "version", "prev_version", "deployed_at", "sha", "authored_at", "committed_at", "merged_at",
        "author", "is_bot", "is_revert", "reverts", "subject",
    )  # fmt: skip
    return {"deployments": _table(head, listed), "commits": _table(commit_head, commits)}


def _z(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode(), compresslevel=1)
