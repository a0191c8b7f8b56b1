"""A small train of Northwind: two teams, two services, three environments, a Program Increment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from releasetrain.kernel.clock import now

DAY = timedelta(days=1)


class World:
    """What the tests speak of; `as_` gives the actor of a role."""

    def __init__(self, cast: Any):
        from trains.actions.environments import create_environment
        from trains.actions.increments import create_increment
        from trains.actions.services import create_service
        from trains.actions.teams import create_team
        from trains.actions.trains import create_train
        from trains.models import Environment

        self.as_ = cast
        rte = cast["rte"]
        self.train = create_train(rte, key="PAY", name="Payments", cadence_start=date(2026, 1, 5))
        self.team = create_team(rte, train=self.train, code="LED", name="Ledger", people=8)
        self.ledger = create_service(rte, name="ledger", train=self.train, team=self.team, tier=1)
        self.web = create_service(rte, name="web", train=self.train, tier=3)
        kind = Environment.Kind
        self.test = create_environment(rte, name="test", kind=kind.TEST)
        self.staging = create_environment(rte, name="staging", kind=kind.STAGING)
        self.production = create_environment(rte, name="production", kind=kind.PRODUCTION)
        self.pi = create_increment(rte, train=self.train)

    def release(self, version: str = "5.2.0", **said: Any) -> Any:
        from trains.actions.releases import create_release

        return create_release(self.as_["release_manager"], train=self.train, version=version, **said)

    def scoped(self, version: str = "5.2.0", **said: Any) -> Any:
        from trains.actions.releases import scope_release
        from trains.actions.scope import add_item

        release = self.release(version, **said)
        add_item(self.as_["release_manager"], release, title="Instant payments", source_key="FEAT-1")
        return scope_release(self.as_["release_manager"], release)

    def frozen(self, version: str = "5.2.0", **said: Any) -> Any:
        from trains.actions.releases import freeze_release

        return freeze_release(self.as_["release_manager"], self.scoped(version, **said))

    def artifact(self, service: Any = None, version: str = "5.2.0", seed: str = "a") -> Any:
        from trains.actions.artifacts import register_artifact

        return register_artifact(
            self.as_["service_account"],
            service=service or self.ledger,
            digest="sha256:" + seed * 64,
            version=version,
        )

    def ready(self, version: str = "5.2.0", **said: Any) -> Any:
        from trains.actions.releases import mark_ready
        from trains.actions.scope import attach_artifact

        release = self.frozen(version, **said)
        attach_artifact(self.as_["release_manager"], release, artifact=self.artifact(version=version))
        return mark_ready(self.as_["release_manager"], release)

    def approved(self, version: str = "5.2.0", **said: Any) -> Any:
        from releasetrain.kernel.actor import Actor
        from trains.actions.releases import mark_approved

        release = self.ready(version, **said)
        system = Actor.system(release.organization_id, "change approved")
        return mark_approved(system, release)

    def deploy(self, version: str = "5.2.0", *, role: str = "service_account", **said: Any) -> Any:
        from trains.actions.deployments import record_deployment

        given = {"service": self.ledger, "environment": self.production, "status": "succeeded", **said}
        return record_deployment(self.as_[role], version=version, **given)


@pytest.fixture
def world(cast: Any, in_northwind: Any) -> World:
    return World(cast)


@pytest.fixture
def moment() -> Callable[[float], datetime]:
    """A moment some hours from now."""
    base = now()
    return lambda hours: base + timedelta(hours=hours)


__all__ = ["DAY", "UTC", "World"]
