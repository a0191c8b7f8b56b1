"""Onboarding: a joining team gets a checklist, and owns no production release while mandatory items are open."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from releasetrain.kernel.refusals import Refused
from trains import ports
from trains.actions import onboarding as acts
from trains.actions.releases import mark_ready
from trains.actions.scope import attach_artifact
from trains.actions.teams import create_team
from trains.actions.trains import create_train
from trains.models import ChecklistTopic, OnboardingItem, Service, Team, TeamOnboarding

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(world: Any, monkeypatch: Any) -> Any:
    """A template of the train with two mandatory items and one of advice; reviews know one failure mode."""
    monkeypatch.setattr(
        ports, "_failure_modes", [lambda train: [ports.FailureMode(f"Late briefing of {train.key}", "REV-1")]]
    )
    made = acts.create_template(
        world.as_["rte"],
        name="Joining Payments",
        train=world.train,
        compliance=["Segregation of duties agreed", " ", "Segregation of duties agreed"],
        tooling=["Pipeline posts its results"],
    )
    acts.add_item(
        world.as_["rte"], made, text="Sits in on a CAB", topic=ChecklistTopic.AGREEMENT, mandatory=False
    )
    return made


def join(world: Any, code: str = "OPB") -> tuple[Any, Any]:
    team = create_team(world.as_["rte"], train=world.train, code=code, name=f"Team {code}", people=6)
    return team, TeamOnboarding.objects.get(team=team)


def settle_all(world: Any, team: Any) -> None:
    for item in OnboardingItem.objects.filter(onboarding__team=team, mandatory=True):
        acts.settle_item(world.as_["team_member"], item, evidence="https://wiki.example/agreed")


def test_a_team_that_joins_gets_the_checklist_with_known_failure_modes(world: Any, template: Any) -> None:
    _, onboarding = join(world)
    items = list(onboarding.items.order_by("position").values_list("topic", "text", "mandatory", "source"))
    assert items == [
        ("compliance", "Segregation of duties agreed", True, ""),
        ("tooling", "Pipeline posts its results", True, ""),
        ("agreement", "Sits in on a CAB", False, ""),
        ("failure_mode", "Knows how to avoid: Late briefing of PAY", False, "REV-1"),
    ]
    # Teams that were aboard before have none, and a retired template is given to nobody.
    assert not TeamOnboarding.objects.filter(team=world.team).exists()
    acts.retire_template(world.as_["rte"], template)
    late = create_team(world.as_["rte"], train=world.train, code="LATE", name="Late")
    assert not TeamOnboarding.objects.filter(team=late).exists()


def test_a_team_with_mandatory_items_open_cannot_own_a_production_release(world: Any, template: Any) -> None:
    team, onboarding = join(world)
    manager = world.as_["release_manager"]
    release = world.release("7.0.0")
    with pytest.raises(Refused) as refused:
        acts.assign_owner(manager, release, team=team)
    said = refused.value.refusals[0]
    assert "Segregation of duties agreed" in said.sentence
    assert said.blocked_by is not None
    assert str(said.blocked_by.id) == str(onboarding.pk)
    settle_all(world, team)
    assert acts.assign_owner(manager, release, team=team).owner == team
    other = create_train(world.as_["rte"], key="LND", name="Lending", cadence_start=date(2026, 1, 5))
    stranger = create_team(world.as_["rte"], train=other, code="ORG", name="Origination")
    with pytest.raises(Refused):
        acts.assign_owner(manager, release, team=stranger)


def test_nor_does_a_release_with_its_builds_become_ready(world: Any, template: Any) -> None:
    team, _ = join(world)
    from trains.actions.services import edit_service

    edit_service(world.as_["rte"], world.ledger, team=team)
    release = world.frozen("7.1.0")
    attach_artifact(world.as_["release_manager"], release, artifact=world.artifact(version="7.1.0"))
    with pytest.raises(Refused) as refused:
        mark_ready(world.as_["release_manager"], release)
    assert "cannot own a production release yet" in refused.value.refusals[0].sentence
    settle_all(world, team)
    assert mark_ready(world.as_["release_manager"], release).state == "ready"


def test_settling_needs_something_to_show_and_can_be_taken_back(world: Any, template: Any) -> None:
    _, onboarding = join(world)
    item = onboarding.items.order_by("position").first()
    member = world.as_["team_member"]
    with pytest.raises(Refused) as refused:
        acts.settle_item(member, item, evidence="  ")
    assert refused.value.refusals[0].field == "evidence"
    acts.settle_item(member, item, evidence="Minutes of 3 May")
    with pytest.raises(Refused):
        acts.settle_item(member, item, evidence="again")
    reopened = acts.reopen_item(member, item, reason="The minutes were of another team.")
    assert reopened.done_at is None
    with pytest.raises(Refused):
        acts.reopen_item(member, item, reason="twice")


def test_a_team_that_moves_gets_the_other_trains_checklist_and_takes_its_services(
    world: Any, template: Any
) -> None:
    rte = world.as_["rte"]
    other = create_train(rte, key="LND", name="Lending", cadence_start=date(2026, 1, 5))
    acts.create_template(rte, name="Joining Lending", train=other, tooling=["Loans sandbox"])
    team, first = join(world)
    acts.join_train(rte, team, train=other)
    assert TeamOnboarding.objects.get(pk=first.pk).ended_at is not None
    current = TeamOnboarding.objects.get(team=team, ended_at__isnull=True)
    assert (current.train, current.template.name) == (other, "Joining Lending")
    acts.join_train(rte, Team.objects.get(code="LED"), train=other)
    assert Service.objects.get(name="ledger").train == other
    with pytest.raises(Refused):
        acts.join_train(rte, team, train=other)
    team.refresh_from_db()
    with pytest.raises(Refused):
        acts.start_onboarding(rte, team=team, template=template)


def test_the_page_says_what_is_open_and_the_endpoint_lists_it(
    world: Any, template: Any, web: Any, api: Any, django_assert_max_num_queries: Any
) -> None:
    team, onboarding = join(world)
    client = web("rte")
    client.get(f"/o/northwind/onboardings/{onboarding.pk}/")
    with django_assert_max_num_queries(45):
        text = client.get(f"/o/northwind/onboardings/{onboarding.pk}/").content.decode()
    assert "2 mandatory items open" in text
    assert "from REV-1" in text
    found = api("rte").get(
        "/api/v1/orgs/northwind/onboarding-items", {"onboarding": str(onboarding.pk), "open": "yes"}
    )
    assert len(found.json()["items"]) == 4
    settle_all(world, team)
    assert "is aboard" in client.get(f"/o/northwind/onboardings/{onboarding.pk}/").content.decode()


def test_reviews_feed_known_failure_modes(in_northwind: Any, world: Any) -> None:
    from reviews.failure_modes import causes_of_failures

    assert causes_of_failures in ports._failure_modes
    assert list(causes_of_failures(world.train)) == []
