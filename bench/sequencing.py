"""Sequencing two thousand features of thirty teams with their dependencies over twelve iterations."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

from .figures import Figure, Observation, Result, median
from .installation import Installation

TITLE = "Sequencing"
FEATURES, DEPENDENCIES, TEAMS = 2_000, 1_500, 30
BUDGET = 5.0
ROUNDS = 5


def measure(installation: Installation) -> list[Result]:
    from planning.queries.sequence import sequence
    from releasetrain.tenancy.scope import tenant_scope

    cast, train = _backlog()
    from releasetrain.accounts.catalogue import Role

    taken = []
    with tenant_scope(cast.organization.pk, cast.one(Role.RTE)):
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            found = sequence(train)
            taken.append(time.perf_counter() - begun)
    seconds = median(taken)
    return [
        Figure(
            f"{FEATURES:,} features, {DEPENDENCIES:,} dependencies, {TEAMS} teams, {len(found.iterations)} iterations",
            f"{seconds:.2f} s",
            f"{BUDGET:g} s",
            seconds / BUDGET,
            1.0,
            note=f"From the database to the explained proposal; median of {ROUNDS}, the slowest {max(taken):.2f} s.",
        ),
        Observation(
            "… of them placed", f"{len(found.steps):,}", f"{len(found.left_out):,} with the reason why not"
        ),
    ]


def _backlog() -> tuple[Any, Any]:
    """A train with two Program Increments ahead and a refined backlog that does not fit into them."""
    from planning.models import Feature, FeatureDependency, TeamCapacity
    from releasetrain.accounts.catalogue import Role
    from releasetrain.audit.history import bulk_create_tracked
    from releasetrain.exchange.demo.cast import found
    from releasetrain.kernel.clock import now
    from releasetrain.tenancy.scope import tenant_scope
    from trains.actions.increments import create_increment
    from trains.actions.teams import create_team
    from trains.actions.trains import create_train
    from trains.models import Iteration

    draw = random.Random(17)
    cast = found(
        "bench-sequence",
        "Sequencing",
        "UTC",
        [("Planner", "planner@bench-sequence.example", (Role.OWNER, Role.RTE))],
    )
    rte = cast.one(Role.RTE)
    with tenant_scope(cast.organization.pk, rte):
        monday = now().date() + timedelta(days=7 - now().weekday())
        train = create_train(
            rte, key="SEQ", name="Sequenced", cadence_start=monday, pi_weeks=14, iteration_weeks=2
        )
        teams = [
            create_team(rte, train=train, code=f"S{n}", name=f"Team {n}", people=8) for n in range(TEAMS)
        ]
        for _ in range(2):
            create_increment(rte, train=train)
        iterations = list(Iteration.objects.filter(pi__train=train, innovation=False).order_by("starts"))
        bulk_create_tracked(
            [TeamCapacity(team=team, iteration=i, points=48, buffer=8) for team in teams for i in iterations]
        )
        features = bulk_create_tracked(
            [
                Feature(
                    train=train, title=f"Feature {n}", team=teams[n % TEAMS], points=draw.choice((3, 5, 8, 13)), state="ready",
                    value=draw.choice((1, 3, 8, 20)), time_criticality=draw.choice((1, 3, 8)), risk_reduction=draw.choice((1, 5, 13)),
                    job_size=draw.choice((1, 2, 3, 5, 8)), acceptance="Works.",
                )
                for n in range(FEATURES)
            ]
        )  # fmt: skip
        pairs: set[tuple[int, int]] = set()
        while len(pairs) < DEPENDENCIES:
            one, other = sorted(draw.sample(range(FEATURES), 2))
            pairs.add((one, other))
        bulk_create_tracked(
            [
                FeatureDependency(provider=features[a], consumer=features[b], state="accepted")
                for a, b in sorted(pairs)
            ]
        )
    return cast, train
