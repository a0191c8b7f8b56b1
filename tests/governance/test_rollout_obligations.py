"""Rollouts beyond their own page: preflight asks for them, people are told of them, evidence packages carry them."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from governance.preflight import REFUSE, preflight
from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange import watching
from releasetrain.exchange.models import Notification, Watch
from releasetrain.interface import notices
from releasetrain.kernel.clock import now
from tests.governance.story import Story
from tests.governance.test_delivery_checks import MINUTE, config, read, system
from tests.trains.conftest import World
from trains import delivering
from trains.actions import rollouts, scope, staged_paths
from trains.actions.canary import create_config
from trains.actions.environments import create_environment
from trains.actions.releases import mark_approved, mark_ready
from trains.notices import remind_of_waiting


@pytest.fixture
def world(cast: Any, in_northwind: Any) -> World:
    return World(cast)


def rollout_answer(world: World, release: Any, environment: Any = None) -> Any:
    found = preflight(world.ledger, environment or world.production, release=release)
    return next(a for a in found.answers if a.precondition.name == "rollout")


def planned(world: World, release: Any, **said: Any) -> Any:
    manager = world.as_["release_manager"]
    path = staged_paths.create_path(
        manager, name="Careful", steps="10 % for 10 min\n100 %", config=config(world), **said
    )
    return rollouts.plan_rollout(
        manager, service=world.ledger, environment=world.production, path=path, release=release
    )


def test_preflight_asks_for_the_staged_path_of_a_release_that_needs_one(world: World) -> None:
    manager = world.as_["release_manager"]
    release = world.approved()
    assert rollout_answer(world, release).holds
    scope.mark_canary(manager, release.items.get(), reason="The ledger was rewritten.")
    release.refresh_from_db()
    asked = rollout_answer(world, release)
    assert (asked.weight, asked.verdict) == (REFUSE, "fail")
    for words in ("needs a staged path to production", "Instant payments", "The ledger was rewritten"):
        assert words in asked.reason
    assert asked.remedy.startswith("Plan a rollout of ledger")
    assert asked.objects[0].kind == "scopeitem"
    assert rollout_answer(world, release, world.staging).holds, "other environments are free"
    rollout = planned(world, release)
    asked = rollout_answer(world, release)
    assert rollout.key in asked.remedy and not asked.holds
    mark_ready(manager, release)
    release.refresh_from_db()
    mark_approved(system(world), release)
    rollouts.start_rollout(manager, rollout)
    assert rollout_answer(world, release).holds


def titles(cast: Any, role: str) -> list[str]:
    rows = Notification.objects.filter(user_id=cast[role].user_id).order_by("created_at", "id")
    return list(rows.values_list("title", flat=True))


def tell(verb: str) -> None:
    entry = LedgerEntry.objects.filter(verb=verb).order_by("id").last()
    assert entry is not None, verb
    assert notices.tell(entry) == ""
    watching.tell_watchers(entry)


def test_held_waiting_and_rolled_back_rollouts_are_told(world: World, cast: Any) -> None:
    manager, bot = world.as_["release_manager"], world.as_["service_account"]
    with time_machine.travel(now(), tick=False) as clock:
        world.deploy("5.1.0", started_at=now() - 60 * MINUTE, finished_at=now() - 59 * MINUTE)
        release = world.approved()
        rollout = planned(world, release)
        Watch.objects.create(user_id=cast["executive"].user_id, object_kind="release", object_id=release.pk)
        rollouts.start_rollout(manager, rollout)
        rollouts.confirm_command(bot, rollout.commands.get())
        clock.shift(11 * MINUTE)
        delivering.lead_on(system(world), read(rollout))
        assert read(rollout).held_by == "data"
        clock.shift(timedelta(seconds=1))
        tell("rollout.halt")
        for role in ("rte", "release_manager"):
            assert f"{rollout.key} is held: ledger 5.2.0 to production" in titles(cast, role), role
        assert titles(cast, "team_member") == []
        assert len(titles(cast, "executive")) == 1, "whoever follows the release hears of it"
        assert remind_of_waiting() == 0, "what goes on by itself waits for nobody"
        rollouts.resume(manager, read(rollout), reason="The series is posted now.")
        rollouts.hold(manager, read(rollout), reason="We look at the logs first.")
        assert remind_of_waiting() == 0
        clock.shift(timedelta(hours=5))
        assert remind_of_waiting() >= 2
        assert remind_of_waiting() == 0, "once a day"
        assert any("waits since" in t for t in titles(cast, "rte"))
        rollouts.roll_back(manager, read(rollout), reason="Errors in the log.")
        tell("rollout.roll_back")
        assert titles(cast, "rte")[-1].startswith(f"{rollout.key} is being rolled back")
        rollouts.confirm_command(bot, rollout.commands.order_by("-number").first())
        tell("rollout_command.confirm")
        assert titles(cast, "rte")[-1].startswith(f"{rollout.key} is rolled back")


def test_a_step_that_passed_and_waits_for_a_person_says_so(world: World, cast: Any) -> None:
    manager, bot = world.as_["release_manager"], world.as_["service_account"]
    with time_machine.travel(now(), tick=False) as clock:
        release = world.approved()
        by_hand = staged_paths.create_path(
            manager,
            name="By hand",
            steps="10 % for 10 min: nothing judged\n50 % for 5 min\n100 %",
            config=config(world),
            auto_advance=False,
        )
        rollout = rollouts.plan_rollout(
            manager, service=world.ledger, environment=world.production, path=by_hand, release=release
        )
        rollouts.start_rollout(manager, rollout)
        rollouts.confirm_command(bot, rollout.commands.get())
        clock.shift(11 * MINUTE)
        delivering.lead_on(system(world), read(rollout))
        tell("rollout.halt")
        assert f"{rollout.key} waits for you to lead on" in titles(cast, "rte")[-1]


@pytest.mark.timeout(300)
def test_an_evidence_package_carries_the_rollouts_and_still_verifies(committed_db: Any, cast: Any) -> None:
    from governance.actions.evidence import verify_package

    story = Story(cast)
    with story.scope("rte") as rte:
        staging = create_environment(rte, name="pre-production", kind="staging")
    with story.scope("release_manager") as manager:
        judged_by = create_config(manager, name="Ledger", metrics=[{"name": "errors"}])
        path = staged_paths.create_path(
            manager, name="Careful", steps="10 % for 10 min\n100 %", config=judged_by
        )
        staged_paths.authorise_path(manager, path)
        rollout = rollouts.plan_rollout(
            manager, service=story.service, environment=staging, path=path, release=story.release
        )
        rollouts.start_rollout(manager, rollout)
    with story.scope("service_account") as bot:
        rollouts.confirm_command(bot, rollout.commands.get(), note="Moved by the mesh.")
    with story.scope("release_manager") as manager:
        rollouts.roll_back(manager, read(rollout), reason="Errors in the log.")
    package = story.built()
    assert package.state == "done", package.error
    file = story.path(package)
    with zipfile.ZipFile(file) as archive:
        records = json.loads(archive.read("records.json"))["records"]
        names = archive.namelist()
        shown = "".join(archive.read(n).decode() for n in names if n.endswith(".html"))
        ledger = archive.read("ledger/entries.jsonl").decode()
    by_kind: dict[str, list[Any]] = {}
    for record in records:
        by_kind.setdefault(record["kind"], []).append(record["data"])
    (carried,) = by_kind["rollout"]
    assert [s["weight"] for s in carried["steps"]] == [10, 100] and carried["auto_roll_back"] is True
    commands = by_kind["rolloutcommand"]
    assert [c["act"] for c in commands] == ["shift", "roll_back"]
    assert commands[0]["answer"] == "Moved by the mesh." and commands[0]["answered_by"]
    (of_path,) = by_kind["stagedpath"]
    assert of_path["authorised_by"]["name"] == story.cast["release_manager"].name
    assert by_kind["canaryconfig"]
    assert "staged_path.authorise" in ledger
    assert "Commands to the platform" in shown and "1. 10 % for 10 min" in shown
    with story.scope("auditor") as auditor:
        assert verify_package(auditor, package).verified
