"""The loop that closes: a canary fails and goes back by itself; what was learned changes the gate that holds the next release.

Told twice, by people in browsers and by programs over REST. What a platform, a monitoring and a pipeline report is REST
in both.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope
from tests.governance.gateway import junit
from tests.trains.conftest import World

from .hands import Browsers, Hands, Rest, until
from .people import Person
from .pipeline import Pipeline

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.testbed.processes import LiveApp, Process

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]

BAD, GOOD = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@dataclass
class Scene:
    """What stands before the story begins, and who reports what happens in the machines."""

    cast: Any
    release: str
    path: str
    gate: str
    program: Callable[[str], Pipeline]
    worker: Process

    @property
    def machine(self) -> Pipeline:
        return self.program("service_account")

    def inside(self, role: str) -> Any:
        return tenant_scope(self.cast.organization.pk, self.cast[role])

    def ring(self) -> None:
        """What the scheduler sends four times a minute."""
        from trains.tasks import advance_delivery

        advance_delivery.delay()


@pytest.fixture
def scene(
    committed_db: Any, live_app: LiveApp, celery_worker: Process, cast: Any, token: Any, tmp_path: Path
) -> Scene:
    """An approved release of the ledger, a careful path to production that may go back by itself, and a gate."""
    from governance.actions.gates import create_gate
    from reviews.actions.rules import create_rule
    from reviews.models import Depth
    from trains.actions import staged_paths
    from trains.actions.canary import create_config

    manager = cast["release_manager"]
    with tenant_scope(cast.organization.pk, manager):
        world = World(cast)
        world.deploy("5.1.0", started_at=now() - timedelta(days=9), finished_at=now() - timedelta(days=9))
        gate = create_gate(
            manager,
            name="To production",
            environment=world.production,
            train=world.train,
            checks=[{"kind": "test-results", "name": "tests", "parameters": {"minimum_tests": 1}}],
        )
        config = create_config(
            manager,
            name="Payments",
            metrics=[{"name": "errors", "direction": "increase", "critical": True, "minimum": 5}],
        )
        path = staged_paths.create_path(
            manager, name="Careful", steps="10 % for 10 min\n50 % for 10 min\n100 %", config=config
        )
        staged_paths.authorise_path(manager, path)
        create_rule(
            cast["rte"],
            name="Failures",
            outcomes=["failed", "rolled_back"],
            depth=Depth.DETAILED,
            mandatory=True,
        )
        release = world.approved("5.2.0")
        made = (release.key, str(path.pk), gate.key)
    programs: dict[str, Pipeline] = {}

    def program(role: str) -> Pipeline:
        if role not in programs:
            programs[role] = Pipeline(live_app.url, "northwind", token(role), tmp_path)
        return programs[role]

    return Scene(cast, *made, program, celery_worker)


@pytest.fixture(params=["browser", "rest"])
def hands(request: Any, scene: Scene, browser: Browser, live_app: LiveApp, web: Any) -> Iterator[Hands]:
    if request.param == "rest":
        yield Rest(scene.program)
        return
    from django.conf import settings

    people: dict[str, Person] = {}

    def person(role: str) -> Person:
        if role not in people:
            made = Person(browser, live_app.url, scene.cast.user(role).email)
            cookie = web(role).cookies[settings.SESSION_COOKIE_NAME].value
            made.context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_app.url}]
            )
            made.root = "/o/northwind/"
            people[role] = made
        return people[role]

    yield Browsers(person)
    complaints = [said for each in people.values() for said in each.complaints]
    for each in people.values():
        each.context.close()
    assert not complaints, "Browsers complained:\n" + "\n".join(complaints)


def test_from_a_failed_canary_to_a_closed_problem(scene: Scene, hands: Hands) -> None:
    rollout, deployment = a_canary_goes_out(scene, hands)
    it_fails_and_goes_back_by_itself(scene, hands, rollout)
    incident = people_notice(scene, hands, deployment)
    problem = the_cause_is_found_and_validated(hands, incident)
    a_finding_changes_the_gate(scene, hands)
    fix = the_next_release_is_held(scene, hands, problem)
    it_is_fixed(scene, hands, fix)
    it_is_observed_and_closed(hands, problem)


def a_canary_goes_out(scene: Scene, hands: Hands) -> tuple[str, str]:
    rollout = hands.do(
        "release_manager",
        "rollouts/plan",
        service="ledger",
        environment="production",
        path=scene.path,
        release=scene.release,
    )
    hands.do("release_manager", f"rollouts/{rollout}/start")
    deployment = report(scene, "5.2.0", scene.release, "running", digest=BAD)
    confirm(scene, rollout, weight=10)
    hands.awaits("release_manager", f"rollouts/{rollout}", "running", "10 %")
    return rollout, deployment


def it_fails_and_goes_back_by_itself(scene: Scene, hands: Hands, rollout: str) -> None:
    began = now()
    dice = random.Random(7)
    # Measured faster than in life, so that nobody waits for minutes: a value each tenth of a second.
    until(lambda: now() - began > timedelta(seconds=3), lambda: "three seconds")
    for track, level in (("baseline", 1.0), ("canary", 9.0)):
        points = [
            [(began + timedelta(seconds=n / 10)).isoformat(), level + dice.random()] for n in range(1, 29)
        ]
        scene.machine.post(
            "series/post",
            service="ledger",
            environment="production",
            series=[{"name": "errors", "labels": {"track": track}, "points": points}],
        )
    hands.awaits("release_manager", f"rollouts/{rollout}", "rolling_back", "Rolling back", scene.ring)
    confirm(scene, rollout, weight=0)
    hands.awaits("release_manager", f"rollouts/{rollout}", "rolled_back", "Rolled back")


def people_notice(scene: Scene, hands: Hands, deployment: str) -> str:
    incident = hands.do(
        "problem_manager",
        "incidents/record",
        title="Bookings fail for one customer in ten",
        service="ledger",
        severity=2,
        fingerprint="ledger-lock",
    )
    link = hands.first("problem_manager", "failure-links", incident=incident)
    hands.do("problem_manager", f"failure-links/{link}/accept")
    hands.do("problem_manager", f"incidents/{incident}/resolve")
    return incident


def the_cause_is_found_and_validated(hands: Hands, incident: str) -> str:
    problem = hands.do("problem_manager", f"incidents/{incident}/raise_problem")
    hands.do(
        "problem_manager",
        f"problems/{problem}/propose_root_cause",
        statement="Two jobs lock the same accounts in a different order.",
        method="five_whys",
        category="code_defect",
        evidence=[incident],
    )
    cause = hands.first("problem_manager", "root-causes", problem=problem)
    hands.refused(
        "problem_manager", f"root-causes/{cause}/validate", "somebody else validates it", note="I am sure."
    )
    hands.do("compliance_officer", f"root-causes/{cause}/validate", note="Reproduced with two jobs.")
    hands.do("problem_manager", f"problems/{problem}/edit", observation_days=1)
    return problem


def a_finding_changes_the_gate(scene: Scene, hands: Hands) -> None:
    review = hands.first("rte", "reviews", release=scene.release)
    hands.do("rte", f"reviews/{review}/accept_facts")
    fact = hands.first("rte", "review-facts", review=review)
    hands.do(
        "rte",
        f"reviews/{review}/add_cause",
        statement="Three tests were enough for the gate; none of them runs two jobs at once.",
        category="code_defect",
        evidence=fact,
    )
    cause = hands.first("rte", "review-causes", review=review)
    hands.do(
        "rte",
        f"review-causes/{cause}/propose_gate",
        gate=scene.gate,
        check="test-results",
        parameters={"minimum_tests": 10},
    )
    improvement = hands.first("release_manager", "improvements", review=review)
    hands.do("release_manager", f"improvements/{improvement}/apply")
    hands.awaits("rte", f"improvements/{improvement}", "applied", "Applied")
    hands.do("rte", f"reviews/{review}/agree_causes")
    hands.do(
        "rte",
        f"reviews/{review}/add_action",
        title="A test that runs two jobs at once",
        owner=hands.calls(written=scene.cast.user("developer").email, shown="Developer"),
        due_on=f"{date.today() + timedelta(days=14)}",
        success_criteria="It fails on 5.2.0.",
    )
    hands.do("rte", f"reviews/{review}/close", decision="Repeat with a fix.", rationale="The cause is known.")


def the_next_release_is_held(scene: Scene, hands: Hands, problem: str) -> str:
    fix = hands.do(
        "release_manager",
        "releases",
        train="PAY",
        version="5.2.1",
        classification="problem_fix",
        rollback_plan="Deploy 5.1.0; four minutes.",
        success_criteria="No booking fails within a day.",
    )
    hands.do(
        "problem_manager",
        f"problems/{problem}/link_fix",
        release=fix,
        resolver=hands.calls(written=scene.cast.user("developer").email, shown="Developer"),
        rollback_criterion="failed bookings at most 1 % within 60 minutes",
    )
    post_tests(scene, 3)
    hands.do(
        "release_manager",
        f"releases/{fix}/attach_artifact",
        artifact=hands.calls(written=GOOD, shown="5.2.1"),
    )
    for verb in ("scope", "freeze", "mark_ready"):
        hands.do("release_manager", f"releases/{fix}/{verb}")
    hands.refused("compliance_officer", f"problems/{problem}/close", "observ", note="It looks gone.")
    verdict, said = ask(scene, fix)
    assert verdict == "fail"
    assert "Only 3 tests were executed" in said and "the gate wants 10" in said
    return fix


def it_is_fixed(scene: Scene, hands: Hands, fix: str) -> None:
    from releasetrain.kernel.actor import Actor
    from trains.actions.releases import mark_approved
    from trains.models import Release

    post_tests(scene, 12)
    assert ask(scene, fix)[0] == "pass"
    with scene.inside("release_manager"):
        mark_approved(
            Actor.system(scene.cast.organization.pk, "change approved"), Release.objects.get(key=fix)
        )
    # Two days ago, so that a day of observation lies behind it.
    ended = now() - timedelta(days=2)
    report(
        scene,
        "5.2.1",
        fix,
        "succeeded",
        digest=GOOD,
        started_at=(ended - timedelta(minutes=4)).isoformat(),
        finished_at=ended.isoformat(),
    )
    hands.do("release_manager", f"releases/{fix}/mark_released")


def it_is_observed_and_closed(hands: Hands, problem: str) -> None:
    hands.awaits("problem_manager", f"problems/{problem}", "observing", "Observing")
    hands.do("compliance_officer", f"problems/{problem}/close", note="No booking failed in two days.")
    hands.awaits("problem_manager", f"problems/{problem}", "closed", "Closed")


# -- what machines report


def report(scene: Scene, version: str, release: str, status: str, **more: Any) -> str:
    said = scene.machine.post(
        "deployments/record",
        service="ledger",
        environment="production",
        version=version,
        release=release,
        status=status,
        source="ci",
        external_id=f"run-{version}",
        **more,
    )
    return str(said["id"])


def confirm(scene: Scene, rollout: str, weight: int) -> None:
    """The platform did what it was told to."""
    query = f"rollout-commands?rollout={rollout}&state=awaiting"
    until(lambda: bool(scene.machine.get(query)["items"]), lambda: f"a command to {rollout}")
    command = scene.machine.get(query)["items"][0]
    assert command["weight"] == weight
    scene.machine.post(f"rollout-commands/{command['id']}/confirm", note="Done.")


def post_tests(scene: Scene, passed: int) -> None:
    scene.machine.upload(
        "results/post",
        {"digest": GOOD, "service": "ledger", "version": "5.2.1", "source": "junit.xml"},
        junit(passed),
    )


def ask(scene: Scene, release: str) -> tuple[str, str]:
    """The verdict of the gate before production, and everything it said."""
    answer = scene.machine.send("POST", "gates/evaluate", {"environment": "production", "release": release})
    while answer.status == 202:
        evaluation = answer.body["evaluations"][0]["evaluation"]
        scene.machine.get(f"evaluations/{evaluation}?wait=20")
        answer = scene.machine.send(
            "POST", "gates/evaluate", {"environment": "production", "release": release}
        )
    assert answer.status == 200, answer
    return answer.body["verdict"], str(answer.body)
