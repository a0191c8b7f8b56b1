"""Contoso Health: a second, small organization, so that isolation can be seen."""

from __future__ import annotations

from datetime import timedelta

from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from trains.actions import environments, increments, services, teams, trains
from trains.models import Environment

from .cast import Cast


def build_clinic(cast: Cast) -> None:
    """One train, two teams, three services."""
    owner, rte = cast.one(Role.OWNER), cast.one(Role.RTE)
    today = now().date()
    start = today - timedelta(days=today.weekday(), weeks=2)
    train = trains.create_train(
        owner, key="CLN", name="Clinical Records", cadence_start=start, pi_weeks=10, time_zone="Europe/London"
    )
    for code, name, listed in (
        ("REC", "Records", ("records-api", "consent")),
        ("APT", "Appointments", ("booking",)),
    ):
        team = teams.create_team(rte, train=train, code=code, name=name, people=6)
        for service in listed:
            services.create_service(owner, name=service, train=train, team=team, tier=2, regulated=True)
    for rank, (name, kind) in enumerate((("staging", "staging"), ("production", "production")), 1):
        environments.create_environment(owner, name=name, kind=Environment.Kind(kind), rank=rank)
    increments.create_increment(rte, train=train, starts=start)
