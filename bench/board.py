"""The program board with 400 cards and 300 dependencies."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from .figures import Figure, Observation, Result, milliseconds
from .installation import Installation
from .pages import ROUNDS, server_time

TITLE = "Program board"
CARDS, DEPENDENCIES, TEAMS = 400, 300, 12
BUDGET = 0.2


def measure(installation: Installation) -> list[Result]:
    person, address = _planned()
    page, size = server_time(person, address)
    region, _ = server_time(person, f"{address}?fragment=board")
    return [
        Figure(
            f"{CARDS} cards and {DEPENDENCIES} dependencies",
            milliseconds(page),
            milliseconds(BUDGET),
            page / BUDGET,
            1.0,
            note=f"Median of {ROUNDS} after warm-up, {size:,} bytes.",
        ),
        Observation("… its region alone, fetched after a move", milliseconds(region)),
    ]


def _planned() -> tuple[Any, str]:
    """A train of twelve teams with a full Program Increment."""
    from planning.actions.capacity import set_capacity
    from planning.models import Feature, FeatureDependency
    from releasetrain.accounts.catalogue import Role
    from releasetrain.audit.history import bulk_create_tracked
    from releasetrain.exchange.demo.cast import found
    from releasetrain.kernel.clock import now
    from releasetrain.tenancy.scope import tenant_scope
    from trains.actions.increments import create_increment
    from trains.actions.teams import create_team
    from trains.actions.trains import create_train

    draw = random.Random(1)
    cast = found(
        "bench-board", "Planning", "UTC", [("Planner", "planner@bench-board.example", (Role.OWNER, Role.RTE))]
    )
    rte = cast.one(Role.RTE)
    with tenant_scope(cast.organization.pk, rte):
        monday = now().date() - timedelta(days=now().weekday())
        train = create_train(
            rte, key="BIG", name="Big train", cadence_start=monday, pi_weeks=12, iteration_weeks=2
        )
        teams = [
            create_team(rte, train=train, code=f"T{n}", name=f"Team {n}", people=8) for n in range(TEAMS)
        ]
        increment = create_increment(rte, train=train, starts=monday)
        iterations = list(increment.iterations.order_by("starts"))
        for team in teams:
            for iteration in iterations:
                set_capacity(rte, team=team, iteration=iteration, points=40)
        features = bulk_create_tracked(
            [
                Feature(
                    train=train, title=f"Feature {n} of the big train", team=teams[n % TEAMS], points=draw.choice((3, 5, 8, 13)),
                    iteration=iterations[n // TEAMS % len(iterations)], pi=increment, state="planned", acceptance="Works.",
                    kind=draw.choice(("feature", "enabler", "compliance")), wsjf=draw.randrange(1, 20),
                )
                for n in range(CARDS)
            ]
        )  # fmt: skip
        pairs: set[tuple[int, int]] = set()
        while len(pairs) < DEPENDENCIES:
            one, other = sorted(draw.sample(range(CARDS), 2))
            pairs.add((one, other))
        bulk_create_tracked(
            [
                FeatureDependency(provider=features[a], consumer=features[b], what="API", state="accepted")
                for a, b in sorted(pairs)
            ]
        )
    return cast.user(Role.RTE), f"/o/{cast.organization.slug}/board/{increment.pk}/"
