"""The wall screen: its link is hashed, revocable, read-only, and shows one train and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from releasetrain.kernel.refusals import Refused

from .conftest import make_world

NOW = datetime(2026, 10, 13, 9, 0, tzinfo=UTC)


@pytest.fixture
def link(world: Any, cast: Any) -> Any:
    from planning.actions.wall_links import create_wall_link

    return create_wall_link(cast["rte"], train=world.train, name="Floor 3", seconds=15, days=30)


def issued(cast: Any, link: Any) -> str:
    from planning.actions.wall_links import issue_address
    from planning.models import WallLink

    return issue_address(cast["rte"], WallLink.objects.get(pk=link.pk))["address"]


def test_the_address_is_shown_once_and_only_its_hash_is_kept(world, cast, link):
    from planning.models import WallLink

    address = issued(cast, link)
    secret = address.rstrip("/").rsplit("/", 1)[1]
    kept = WallLink.objects.get(pk=link.pk)
    assert len(secret) >= 43
    assert secret not in repr(kept.__dict__)
    assert len(kept.secret_hash) == 64
    assert secret not in repr(list(WallLink.history.values()))


def test_the_screen_needs_no_login_and_shows_progress_releases_and_what_is_in_the_way(world, cast, link, web):
    from planning.actions.features import block_feature, complete_feature
    from trains.actions.releases import create_release

    done, blocked = world.feature("Done one", points=5), world.feature("Blocked one", points=8)
    world.place(done, world.acquiring, 1)
    world.place(blocked, world.ledger, 1)
    complete_feature(cast["rte"], done)
    block_feature(cast["rte"], blocked, reason="No environment")
    create_release(
        cast["release_manager"],
        train=world.train,
        version="26.11.0",
        target_at=datetime(2026, 11, 12, tzinfo=UTC),
    )
    address = issued(cast, link)
    with time_machine.travel(NOW, tick=False):
        page = Client().get(address)
    html = page.content.decode()
    assert page.status_code == 200
    assert "38 %" in html
    assert "5 / 13" in html
    assert f"{blocked.key} is blocked: No environment" in html
    assert "26.11.0" in html
    assert "not asked yet" in html
    assert 'data-seconds="15"' in html
    assert page["Cache-Control"] == "private, no-store"
    assert page["X-Robots-Tag"] == "noindex"
    assert page["Referrer-Policy"] == "no-referrer"
    assert "/o/northwind/" not in html, "no way from the wall into the product"


def test_no_name_of_a_person_is_on_the_wall(world, cast, link):
    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 1)
    html = Client().get(issued(cast, link)).content.decode()
    for role in ("rte", "product_manager", "release_manager"):
        assert str(cast.user(role)) not in html
        assert cast.user(role).email not in html


def test_a_revoked_an_expired_a_replaced_and_a_wrong_link_are_all_404(world, cast, link):
    from planning.actions.wall_links import create_wall_link, revoke_wall_link
    from planning.models import WallLink

    first = issued(cast, link)
    assert Client().get(first).status_code == 200
    second = issued(cast, link)
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31), tick=False):
        assert Client().get(second).status_code == 404
    revoke_wall_link(cast["rte"], WallLink.objects.get(pk=link.pk))
    assert Client().get(second).status_code == 404
    assert Client().get(second[:-3] + "AA/").status_code == 404
    # a screen without an issued address has no address, not an empty one
    create_wall_link(cast["rte"], train=world.train, name="Unissued")
    assert Client().get("/wall/northwind//").status_code == 404


def test_a_secret_of_one_organization_opens_nothing_of_another(cast, within):
    from planning.actions.wall_links import create_wall_link

    with within(cast, "rte") as actor:
        world = make_world(cast)
        address = issued(cast, create_wall_link(actor, train=world.train, name="Floor 3"))
    assert Client().get(address).status_code == 200
    assert Client().get(address.replace("northwind", "contoso-health")).status_code == 404
    assert Client().get(address.replace("northwind", "nowhere")).status_code == 404


def test_the_link_opens_nothing_but_the_wall(world, cast, link):
    address = issued(cast, link)
    visitor = Client()
    assert visitor.post(address).status_code == 405
    assert visitor.get(f"/o/northwind/board/{world.pi.pk}/").status_code == 302
    assert visitor.get("/api/v1/orgs/northwind/features").status_code == 401
    assert visitor.get(address).cookies == {}


def test_the_database_itself_refuses_to_write_for_a_wall(world, cast, link, monkeypatch):
    from django.db import InternalError, transaction

    from planning.pages import wall

    def writing(train: Any, moment: Any) -> Any:
        train.name = "Hijacked"
        train.save()

    monkeypatch.setattr(wall, "load_wall", writing)
    address = issued(cast, link)
    with pytest.raises(InternalError, match="read-only"), transaction.atomic():
        Client().get(address)


def test_the_region_is_304_until_something_happens(world, cast, link):
    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 1)
    address = f"{issued(cast, link)}?fragment=wall"
    first = Client().get(address)
    assert first.content.decode().lstrip().startswith('<div id="wall"')
    assert Client().get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    world.place(feature, world.ledger, 2)
    assert Client().get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_gates_of_the_next_release_are_on_the_wall(world, cast, link):
    from planning.queries.wall import _release

    class Ahead:
        version, target_at = "26.11.0", datetime(2026, 11, 12, tzinfo=UTC)

        def get_state_display(self) -> str:
            return "Frozen"

    shown = _release(Ahead(), {"Production gate": "fail", "Staging": "pass"}, NOW.date())  # type: ignore[arg-type]
    assert (shown.verdict, shown.tone, shown.days) == ("fail", "bad", 30)
    assert shown.gates == [("Production gate", "fail", "bad"), ("Staging", "pass", "ok")]


def test_the_burn_up_of_the_iteration_comes_from_the_states_of_its_features(world, cast):
    from planning.actions.features import complete_feature
    from planning.actions.placement import unplace_feature
    from planning.queries.wall import iteration_burn_up

    first, second, gone = (
        world.feature(title, points=n) for title, n in (("One", 5), ("Two", 8), ("Gone", 3))
    )
    for feature in (first, second, gone):
        world.place(feature, world.acquiring, 1)
    complete_feature(cast["rte"], first)
    unplace_feature(cast["rte"], gone)
    iteration, today = world.iterations[0], datetime.now(UTC).date()
    iteration.starts, iteration.ends = today - timedelta(days=2), today + timedelta(days=5)
    days = iteration_burn_up(iteration, today, ZoneInfo("UTC"))
    assert [(d.scope, d.done) for d in days] == [(0, 0), (0, 0), (13, 5)]


def test_other_apps_put_panels_on_the_wall(world, cast, link, monkeypatch):
    from planning import ports

    panel = ports.WallPanel("Impediments", "3", (ports.WallLine("No test data", "4 d", "bad"),), "bad")
    monkeypatch.setattr(ports, "_wall", [lambda train, pi: panel, lambda train, pi: None])
    html = Client().get(issued(cast, link)).content.decode()
    assert "Impediments" in html
    assert "No test data" in html


def test_only_who_runs_the_train_sets_up_screens_and_revoking_twice_is_refused(world, cast, link, api):
    from planning.actions.wall_links import create_wall_link, issue_address, revoke_wall_link
    from planning.models import WallLink

    with pytest.raises(Refused) as caught:
        create_wall_link(cast["team_member"], train=world.train, name="Mine")
    assert caught.value.status == 403
    revoke_wall_link(cast["rte"], WallLink.objects.get(pk=link.pk))
    for verb in (revoke_wall_link, issue_address):
        with pytest.raises(Refused) as caught:
            verb(cast["rte"], WallLink.objects.get(pk=link.pk))
        assert caught.value.status == 409
    refused = api("rte").post(
        "/api/v1/orgs/northwind/wall-links", {"train": "PAY", "name": "X", "seconds": 1}
    )
    assert refused.status_code == 422
    made = api("rte").post("/api/v1/orgs/northwind/wall-links", {"train": "PAY", "name": "Kitchen"})
    assert made.status_code == 201
    assert "secret_hash" not in made.json()
    told = api("rte").post(f"/api/v1/orgs/northwind/wall-links/{made.json()['id']}/issue", {})
    assert told.status_code == 200
    assert Client().get(told.json()["result"]["address"]).status_code == 200
