"""A train with two teams, a Program Increment of five iterations, and refined features to plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest


@dataclass
class World:
    """What the tests plan with; `place` and `feature` are shortcuts through the real verbs."""

    cast: Any
    train: Any
    acquiring: Any
    ledger: Any
    pi: Any
    iterations: list[Any]
    features: dict[str, Any] = field(default_factory=dict)

    def feature(
        self, title: str, *, refined: bool = True, points: int = 5, tier: int = 3, **fields: Any
    ) -> Any:
        from planning.actions.features import create_feature, refine_feature

        rte = self.cast["rte"]
        made = create_feature(rte, train=self.train, title=title, **fields)
        if refined:
            made = refine_feature(
                self.cast["technical_lead"],
                made,
                acceptance="Works.",
                feasibility="Known.",
                constraints="none",
                points=points,
                tier=tier,
            )
        made.refresh_from_db()
        self.features[title] = made
        return made

    def place(self, feature: Any, team: Any, number: int, **params: Any) -> Any:
        from planning.actions.placement import place_feature

        placed = place_feature(
            self.cast["rte"], feature, team=team, iteration=self.iterations[number - 1], **params
        )
        feature.refresh_from_db()
        return placed

    def needs(self, consumer: Any, provider: Any, **params: Any) -> Any:
        from planning.actions.dependencies import create_dependency

        return create_dependency(self.cast["rte"], consumer=consumer, provider=provider, **params)

    def capacity(
        self, team: Any, number: int, points: int, buffer: int | None = None, reason: str = "agreed"
    ) -> Any:
        from planning.actions.capacity import set_capacity

        return set_capacity(
            self.cast["rte"],
            team=team,
            iteration=self.iterations[number - 1],
            points=points,
            buffer_points=buffer,
            reason=reason,
        )


def make_world(cast: Any, code: str = "PAY") -> World:
    from releasetrain.kernel.actor import Actor
    from trains.actions.increments import create_increment
    from trains.actions.teams import create_team
    from trains.actions.trains import create_train

    setup = Actor.system(cast.organization.pk, "test world", route="test")
    train = create_train(
        setup,
        key=code,
        name="Meridian Payments",
        cadence_start=date(2026, 10, 5),
        pi_weeks=11,
        iteration_weeks=2,
    )
    acquiring = create_team(setup, train=train, code=f"{code}-ACQ", name="Acquiring", people=6)
    ledger = create_team(setup, train=train, code=f"{code}-LED", name="Ledger Core", people=5)
    pi = create_increment(setup, train=train, name="26.4", starts=date(2026, 10, 5), ends=date(2026, 12, 21))
    return World(cast, train, acquiring, ledger, pi, list(pi.iterations.order_by("number")))


@pytest.fixture
def world(in_northwind: Any, cast: Any) -> World:
    return make_world(cast)
