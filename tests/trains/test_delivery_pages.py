"""What the pages of delivery say, and that each costs the same number of queries however much there is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from releasetrain.kernel.clock import now
from tests.trains.test_failure_drills import planned as planned_drill
from tests.trains.test_rollback_plans import live, planned  # noqa: F401 - a fixture
from tests.trains.test_rollouts import BASE, Ship
from trains.actions import failure_drills, feature_flags, rollback_plans, scope

ORG = "/o/northwind"


@pytest.fixture
def ship(world: Any) -> Any:
    with time_machine.travel(BASE, tick=False) as clock:
        yield Ship(world, clock)


def read(web: Any, address: str, role: str = "release_manager") -> str:
    answer = web(role).get(f"{ORG}/{address}")
    assert answer.status_code == 200, answer.content[:500]
    return " ".join(answer.content.decode().split())


def test_the_page_of_a_rollout_says_what_happens_next_at_every_stage(ship: Any, web: Any) -> None:
    address = f"rollouts/{ship.rollout.key}/"
    assert "told to move 10 % of the traffic" in read(web, address)
    ship.start()
    assert "has to confirm command 1: 10 % of the traffic, until 10:10 UTC" in read(web, address)
    ship.confirm()
    ship.measure(2)
    ship.round()
    text = read(web, address)
    assert "50 % follows after 01 Mar 10:10 UTC" in text and "the traffic goes back by itself" in text
    # Both samples of each metric are drawn, with their sizes and the reason of the verdict.
    assert text.count('class="chart dist') == 2 and "n = 8" in text
    ship.measure(7, worse=9)
    ship.round()
    ship.confirm()
    text = read(web, address)
    assert "All traffic is back on 5.1.0" in text and "Critical: errors" in text


def test_the_page_of_a_plan_offers_the_open_validation_and_shows_the_time(live: Any, web: Any) -> None:  # noqa: F811
    plan = planned(live, triggers="web: error rate > 2 % for 5 min")
    address = f"rollback-plans/{plan.key}/"
    assert "Not yet: its triggers do nothing" in read(web, address)
    rollback_plans.order_plan(live.rm, plan, reason="Payments fail.")
    text = read(web, address)
    assert ("Banner is up" in text and "&amp;question=1" in text) or "question=1" in text
    assert "Postings since stay readable." in text


def test_the_cockpit_shows_rollouts_plans_and_what_is_dark(ship: Any, web: Any) -> None:
    item = ship.release.items.get()
    scope.mark_canary(ship.rm, item)
    feature_flags.register_flag(ship.rm, name="instant", service=ship.world.ledger, item=item)
    feature_flags.report_flag(
        ship.bot, name="instant", environment=ship.world.production, on=False, service=ship.world.ledger
    )
    text = read(web, f"releases/{ship.release.key}/")
    assert "1 item with canary marker" in text and ship.rollout.key in text
    assert "1 of 1 dark" in text and "Nobody has planned how its services are taken back together" in text


def test_the_register_names_stale_flags_and_contradictions(world: Any, web: Any) -> None:
    manager, bot = world.as_["release_manager"], world.as_["service_account"]
    feature_flags.register_flag(manager, name="new", service=world.ledger, requires=["missing"])
    feature_flags.report_flag(
        bot, name="new", environment=world.production, on=True, share=20, service=world.ledger
    )
    text = read(web, "feature-flags/")
    assert "requires missing, which is not registered" in text and "No day is planned for its removal" in text
    assert "on in production 20 %" in text


def test_drills_show_coverage_and_what_became_of_each_alert(world: Any, web: Any) -> None:
    manager = world.as_["release_manager"]
    with time_machine.travel(now(), tick=False) as clock:
        drill = failure_drills.start_drill(manager, planned_drill(world))
        clock.shift(timedelta(minutes=20))
        failure_drills.conclude_drill(manager, drill)
        assert "did not fire" in read(web, f"failure-drills/{drill.key}/")
        text = read(web, "failure-drills/")
        assert "Monitoring coverage" in text and "unnoticed" in text
        assert "proven by drills" in read(web, f"services/{world.ledger.name}/")


def test_lists_and_pages_cost_the_same_however_much_there_is(world: Any, web: Any) -> None:
    manager, bot = world.as_["release_manager"], world.as_["service_account"]
    client = web("release_manager")

    def queries(address: str) -> int:
        client.get(f"{ORG}/{address}")
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(f"{ORG}/{address}").status_code == 200
        return len(caught)

    def grow(start: int) -> None:
        for n in range(start, start + 4):
            feature_flags.register_flag(manager, name=f"flag-{n}", service=world.ledger)
            feature_flags.report_flag(
                bot, name=f"flag-{n}", environment=world.production, on=True, service=world.ledger
            )
            planned_drill(world)

    grow(0)
    before = {a: queries(a) for a in ("feature-flags/", "failure-drills/")}
    grow(4)
    assert {a: queries(a) for a in before} == before


def test_a_staged_path_and_its_configuration_are_read_as_tables(ship: Any, web: Any) -> None:
    text = read(web, f"staged-paths/{ship.path.pk}/")
    for words in ("10 min", "at once", "at least", "<code>track</code>", "<code>canary</code>"):
        assert words in text, words
    assert "as Release manager authorised" in text or "authorised." in text
    assert "bake_minutes" not in text and "{&#x27;" not in text and "{&quot;" not in text
    ship.start()
    ship.confirm()
    ship.measure(2)
    ship.round()
    text = read(web, f"canary-configs/{ship.path.config.key}/")
    for words in ("A rise, 98 % certain.", "critical", "ANA-", "Judged by it of late"):
        assert words in text, words
    assert "allowed_increase" not in text and "{&#x27;" not in text and "{&quot;" not in text


def test_what_fails_a_metric_is_said_in_words() -> None:
    from trains.pages.canaries import fails_when
    from trains.rules.canary_config import config_of

    said = [
        {"name": "a", "direction": "increase", "allowed_increase": 1.1},
        {"name": "b", "direction": "decrease", "allowed_increase": 1.1},
        {"name": "c", "method": "limit", "at_most": 0.5},
        {"name": "d", "method": "limit", "at_most": 3, "at_least": 1, "failures": 2},
    ]
    assert [fails_when(metric) for metric in config_of(said).metrics] == [
        "A rise beyond a ratio of 1.1, 98 % certain.",
        "A fall, 98 % certain.",
        "A value above 0.5.",
        "More than 2 values above 3 or below 1.",
    ]
