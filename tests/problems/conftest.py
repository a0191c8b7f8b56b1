"""A small train of Northwind with a service in production, incidents and problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# After the moment in which the cast was given its roles.
START = (datetime.now(UTC) + DAY).replace(hour=9, minute=0, second=0, microsecond=0)


class World:
    """What the tests speak of. The clock stands at START until a test moves it."""

    def __init__(self, cast: Any, clock: Any):
        from trains.actions.environments import create_environment
        from trains.actions.services import create_service
        from trains.actions.trains import create_train
        from trains.models import Environment

        self.as_ = cast
        self.clock = clock
        rte = cast["rte"]
        self.train = create_train(rte, key="PAY", name="Payments", cadence_start=date(2026, 1, 5))
        self.ledger = create_service(rte, name="ledger", train=self.train, tier=1)
        self.web = create_service(rte, name="web", train=self.train, tier=3)
        self.production = create_environment(rte, name="production", kind=Environment.Kind.PRODUCTION)
        self.staging = create_environment(rte, name="staging", kind=Environment.Kind.STAGING)

    @property
    def now(self) -> datetime:
        from releasetrain.kernel.clock import now

        return now()

    def deploy(self, version: str = "5.1.0", *, role: str = "service_account", **said: Any) -> Any:
        from trains.actions.deployments import record_deployment

        given = {"service": self.ledger, "environment": self.production, "status": "succeeded", **said}
        return record_deployment(self.as_[role], version=version, **given)

    def incident(
        self, title: str = "Payments are declined", *, role: str = "service_account", **said: Any
    ) -> Any:
        from problems.actions.incidents import record_incident

        return record_incident(self.as_[role], title=title, **{"service": self.ledger, "severity": 1, **said})

    def problem(self, title: str = "Ledger deadlocks", **said: Any) -> Any:
        from problems.actions.problems import create_problem

        given = {"service": self.ledger, "severity": 1, "fingerprint": "ledger-deadlock", **said}
        return create_problem(self.as_["problem_manager"], title=title, **given)

    def release(self, version: str = "5.2.0", **said: Any) -> Any:
        from trains.actions.releases import create_release

        return create_release(self.as_["release_manager"], train=self.train, version=version, **said)

    def cause(self, problem: Any, *, evidence: list[str] | None = None) -> Any:
        from problems.actions.root_causes import propose_root_cause
        from problems.models import Category, RootCause

        return propose_root_cause(
            self.as_["problem_manager"],
            problem,
            statement="Two jobs lock the same accounts in a different order.",
            method=RootCause.Method.FIVE_WHYS,
            category=Category.CODE_DEFECT,
            evidence=["https://logs.example/deadlock/17"] if evidence is None else evidence,
        )

    def validated(self, problem: Any) -> Any:
        from problems.actions.root_causes import validate_root_cause

        return validate_root_cause(self.as_["compliance_officer"], self.cause(problem))

    def fixed(self, problem: Any, version: str = "5.2.0") -> Any:
        """The problem's fix is linked to a release and deployed to production; the followers have run."""
        release = self.release(version)
        self.link(problem, release)
        self.follow(self.deploy(version, release=release))
        problem.refresh_from_db()
        return release

    def link(self, problem: Any, release: Any) -> Any:
        from problems.actions.problems import link_fix

        resolver = self.as_.user("developer")
        return link_fix(self.as_["problem_manager"], problem, release=release, resolver=resolver)

    def follow(self, deployment: Any, verb: str = "deployment.record") -> None:
        """What the worker does for this ledger entry."""
        from problems.actions.following import follow_deployment

        entry = SimpleNamespace(
            subject_kind="deployment",
            subject_id=str(deployment.pk),
            organization_id=deployment.organization_id,
            verb=verb,
        )
        follow_deployment(entry)

    def later(self, span: timedelta) -> None:
        self.clock.shift(span)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def world(clock: Any, cast: Any, in_northwind: Any) -> World:
    return World(cast, clock)


@pytest.fixture
def refused() -> Callable[..., Any]:
    """`with refused("problem.own_fix"): …` — the act is refused for this reason."""
    from contextlib import contextmanager

    from releasetrain.kernel.refusals import Refused

    @contextmanager
    def context(code: str) -> Iterator[None]:
        with pytest.raises(Refused) as caught:
            yield
        assert code in [r.code for r in caught.value.refusals], [r.code for r in caught.value.refusals]

    return context
