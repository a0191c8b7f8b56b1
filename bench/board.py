"""The program board of 30 teams and 12 iterations with 400 cards and 300 dependencies: the server, and the browser."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from . import browsing
from .figures import Figure, Observation, Result, milliseconds
from .installation import Installation
from .pages import ROUNDS, server_time

TITLE = "Program board"
CARDS, DEPENDENCIES, TEAMS, ITERATIONS = 400, 300, 30, 12
BUDGET, INTERACTION = 0.2, 0.1


def measure(installation: Installation) -> list[Result]:
    person, address = _planned()
    page, size = server_time(person, address)
    region, _ = server_time(person, f"{address}?fragment=board")
    return [
        Figure(
            f"{TEAMS} teams × {ITERATIONS} iterations, {CARDS} cards, {DEPENDENCIES} dependencies: the page, on the server",
            milliseconds(page),
            milliseconds(BUDGET),
            page / BUDGET,
            1.0,
            note=f"Median of {ROUNDS} after warm-up, {size:,} bytes.",
        ),
        Observation("… its region alone, fetched after a move", milliseconds(region)),
        *_in_the_browser(installation, person, address),
    ]


def _in_the_browser(installation: Installation, person: Any, address: str) -> list[Result]:
    """The slowest answer of the page to a person, from input to the next picture, by the browser's own clock."""
    if not browsing.CHROMIUM.exists():
        return [Observation("… in the browser", "not measured", note=f"No Chromium at {browsing.CHROMIUM}.")]
    with installation.web() as port, browsing.board(port, person, address) as board:
        board.warm_up()
        slowest = board.interactions()
        longest = board.longest_task()
        strings = board.redraw()
    worst = max(slowest.values())
    each = ", ".join(f"{what} {milliseconds(taken)}" for what, taken in slowest.items())
    return [
        Figure(
            "… a card picked up, carried, dropped; strings switched: slowest interaction",
            milliseconds(worst),
            milliseconds(INTERACTION),
            worst / INTERACTION,
            1.0,
            note=f"Chromium's event timing, 1440 × 900: {each}.",
        ),
        Observation(
            "… the longest task of the page while a colleague's move is taken in", milliseconds(longest)
        ),
        Observation(f"… drawing all {DEPENDENCIES} strings", milliseconds(strings)),
    ]


def _planned() -> tuple[Any, str]:
    """A train of thirty teams with a full Program Increment of twelve iterations."""
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
            rte, key="BIG", name="Big train", cadence_start=monday, pi_weeks=ITERATIONS, iteration_weeks=1
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
                    iteration=iterations[n // TEAMS % len(iterations)], pi=increment, state="planned",
                    refined_at=now(), acceptance="Works.", feasibility="Known.", constraints="none", tier=3,
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
