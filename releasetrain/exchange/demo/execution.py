"""Capacity, the running iteration and the past of the demo train: people, stories with hours, throughput, troubles."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from planning.actions import capacity, impediments, throughput, troubles, work
from planning.models import Feature, FeatureDependency
from releasetrain.kernel.actor import Actor
from trains.models import Iteration, ProgramIncrement, Service, Team, Train

REGIONS = {"ACQ": "GB-ENG", "LED": "DE-HE", "RSK": "IE", "MOB": "GB-ENG", "PLT": "PL"}
PEOPLE = ("Amara", "Bryn", "Chiara", "Dmitri", "Elif", "Farid", "Grete", "Hana", "Ivo", "Jun")
STORIES = ("Contract with tests", "Happy path", "Errors and retries", "Runbook and alerts")
WEEKS = 10


def show_execution(rte: Actor, train: Train, pi: ProgramIncrement) -> None:
    """Give the train its people, a running iteration, and a history to forecast from."""
    draw = random.Random(2604)  # noqa: S311 - sample data, nothing secret
    teams = list(Team.objects.filter(train=train).order_by("code"))
    for team in teams:
        capacity.set_profile(rte, team=team, region=REGIONS.get(team.code, ""), load_factor=Decimal("0.80"))
    _people(rte, teams[0], pi)
    _history(rte, teams, pi, draw)
    iteration = Iteration.objects.filter(pi=pi, number=3).first()
    if iteration is not None:
        _stories(rte, teams, iteration, draw)
    _troubles(rte)


def _people(rte: Actor, team: Team, pi: ProgramIncrement) -> None:
    named = [
        capacity.add_person(rte, team=team, name=name, share=Decimal("0.60") if n == 1 else Decimal("1.00"))
        for n, name in enumerate(PEOPLE[: team.people or 4])
    ]
    first = pi.starts + timedelta(weeks=7)
    capacity.record_absence(
        rte, person=named[0], first_day=first, last_day=first + timedelta(days=4), note="Holiday"
    )


def _history(rte: Actor, teams: list[Team], pi: ProgramIncrement, draw: random.Random) -> None:
    """What the teams finished before their features were kept here."""
    for team in teams:
        for back in range(1, WEEKS + 1):
            done = draw.choices((0, 1, 2), (5, 4, 1))[0]
            throughput.record_week(
                rte, team=team, week=pi.starts - timedelta(weeks=back), features=done,
                points=sum(draw.choice((3, 5, 8)) for _ in range(done)), source="former tracker",
            )  # fmt: skip


def _stories(rte: Actor, teams: list[Team], iteration: Iteration, draw: random.Random) -> None:
    """Each team's stories: some done, some with hours left, one blocked."""
    for team in teams:
        feature = Feature.objects.filter(team=team, pi=iteration.pi).order_by("key").first()
        made: list[Any] = [
            work.create_work_item(
                rte, team=team, title=title, iteration=iteration, since=iteration.starts + timedelta(days=late),
                feature=feature, points=draw.choice((1, 2, 3, 5)),
                estimate_hours=Decimal(draw.choice((6, 8, 12, 16))), assignee_name=draw.choice(PEOPLE),
            )
            for title, late in zip(STORIES, (0, 0, 0, 3), strict=True)
        ]  # fmt: skip
        for item in made[:2]:
            work.log_hours(rte, item, spent=Decimal(draw.choice((7, 9, 12))))
        work.finish_work_item(rte, made[0])
    work.block_work_item(rte, made[1], reason="The scheme's test system is down")
    impediments.log_interruption(
        rte,
        team=teams[0],
        hours=Decimal("6.5"),
        cause="incident",
        what="Wallet timeouts in production",
        on=iteration.starts,
    )


def _troubles(rte: Actor) -> None:
    """Why the dependencies that are late today are late."""
    service = Service.objects.filter(name__icontains="posting").first()
    late = FeatureDependency.objects.filter(
        provider__iteration__isnull=False, consumer__iteration__isnull=False
    )
    for dependency in late.select_related("provider__iteration", "consumer__iteration", "needed_in"):
        if dependency.provider.iteration.starts >= dependency.consumer.iteration.starts:
            troubles.record_trouble(
                rte,
                dependency=dependency,
                cause="interface",
                service=service,
                note="Posting rules were still moving.",
            )
