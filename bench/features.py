"""Importing twenty thousand features with scores and dependencies, and the same file once more."""

from __future__ import annotations

import csv
import io
import random
import time
from datetime import timedelta
from typing import Any

from .figures import AT_MOST, Figure, Observation, Result
from .installation import Installation

TITLE = "Importing features"
ROWS = 20_000
BUDGET = 60.0


def measure(installation: Installation) -> list[Result]:
    from planning.actions.feature_import import import_features
    from releasetrain.accounts.catalogue import Role
    from releasetrain.exchange.demo.cast import found
    from releasetrain.kernel.clock import now
    from releasetrain.kernel.fields import Upload
    from releasetrain.tenancy.scope import tenant_scope
    from trains.actions.teams import create_team
    from trains.actions.trains import create_train

    cast = found(
        "bench-features", "Features", "UTC", [("Planner", "p@bench-features.example", (Role.OWNER, Role.RTE))]
    )
    rte = cast.one(Role.RTE)
    monday = now().date() - timedelta(days=now().weekday())
    with tenant_scope(cast.organization.pk, rte):
        train = create_train(rte, key="IMP", name="Imported", cadence_start=monday)
        for n in range(12):
            create_team(rte, train=train, code=f"I{n}", name=f"Team {n}", people=8)
    file = Upload("features.csv", _file(), "text/csv")
    taken = []
    for _ in range(2):
        begun = time.perf_counter()
        with tenant_scope(cast.organization.pk, rte):
            run: Any = import_features(rte, train=train, file=file)
        taken.append(time.perf_counter() - begun)
    return [
        Figure(
            f"{ROWS:,} features with scores and 6,000 dependencies",
            f"{taken[0]:.1f} s",
            f"{BUDGET:g} s",
            taken[0] / BUDGET,
            1.0,
            AT_MOST,
            "From the file to the commit, history included.",
        ),
        Observation("… the same file once more", f"{taken[1]:.1f} s", f"{run.unchanged:,} unchanged"),
    ]


def _file() -> bytes:
    draw = random.Random(3)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["external_id", "title", "description", "team", "points", "value", "time_criticality", "risk_reduction", "job_size", "needs"]
    )  # fmt: skip
    scale = (1, 2, 3, 5, 8, 13, 20)
    for n in range(ROWS):
        needs = f"X-{draw.randrange(n)}" if n and n % 10 < 3 else ""
        writer.writerow(
            [f"X-{n}", f"Feature {n}", "What it does, and for whom.", f"I{n % 12}", draw.randint(1, 13), *draw.choices(scale, k=4), needs]
        )  # fmt: skip
    return text.getvalue().encode()
