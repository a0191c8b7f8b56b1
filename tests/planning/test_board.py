"""The program board: moves, stale moves, strings, conflicts in words, filters, a fixed number of queries."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from releasetrain.kernel.refusals import Refused

from .conftest import make_world

TODAY = date(2026, 10, 6)


def board_of(world: Any, **shown: Any) -> Any:
    from planning.queries.board import BoardFilter, load_board

    return load_board(world.pi, TODAY, BoardFilter(**shown))


def test_a_move_on_an_old_picture_is_refused_and_says_who_was_faster(world, cast, within):
    from planning.actions.placement import place_feature

    feature = world.feature("Refunds")
    seen = feature.row_version
    with within(cast, "product_manager") as actor:
        place_feature(actor, feature, team=world.ledger, iteration=world.iterations[1], row_version=seen)
    with pytest.raises(Refused) as caught:
        place_feature(
            cast["rte"], feature, team=world.acquiring, iteration=world.iterations[0], row_version=seen
        )
    assert caught.value.status == 409
    assert caught.value.code == "feature.stale"
    assert "Product Manager changed" in caught.value.refusals[0].sentence
    assert "Ledger Core" in caught.value.refusals[0].sentence
    feature.refresh_from_db()
    assert feature.team_id == world.ledger.pk


def test_a_string_is_red_when_the_provider_lands_with_or_after_the_need(world):
    consumer = world.feature("Refunds")
    world.place(consumer, world.acquiring, 2)
    tones = {}
    for number in (1, 2, 3):
        provider = world.feature(f"API {number}")
        world.place(provider, world.ledger, number)
        from planning.actions.dependencies import accept_dependency

        accept_dependency(world.cast["rte"], world.needs(consumer, provider))
        tones[provider.key] = number
    edges = {tones[e.provider]: e for e in board_of(world).edges}
    assert [edges[n].tone for n in (1, 2, 3)] == ["ok", "bad", "bad"]
    assert f"{consumer.key} (Acquiring) needs" in edges[3].sentence
    assert "later" in edges[3].sentence


def test_a_dependency_that_nobody_accepted_is_at_risk(world):
    provider, consumer = world.feature("API"), world.feature("Refunds")
    world.place(provider, world.ledger, 1)
    world.place(consumer, world.acquiring, 2)
    world.needs(consumer, provider)
    board = board_of(world)
    assert [e.tone for e in board.edges] == ["warn"]
    assert "the provider has not accepted it" in board.edges[0].sentence
    assert board.strings == [[str(provider.pk), str(consumer.pk), "warn", "0 d"]]


def test_load_counts_against_capacity_without_buffer(world):
    world.capacity(world.acquiring, 1, 10, 2)
    for title in ("A", "B"):
        world.place(world.feature(title, points=5), world.acquiring, 1)
    cell = board_of(world).rows[0].cells[0]
    assert (cell.load, cell.limit, cell.over, cell.mood) == (10, 8, True, "over")
    assert "in the buffer" in cell.sentence


def test_three_features_in_a_circle_are_named(world):
    a, b, c = (world.feature(t) for t in "ABC")
    for number, feature in enumerate((a, b, c), start=1):
        world.place(feature, world.ledger, number)
    for consumer, provider in ((a, b), (b, c), (c, a)):
        world.needs(consumer, provider)
    cycle = board_of(world).cycle
    assert all(f.key in cycle for f in (a, b, c))


def test_a_filter_dims_cards_and_leaves_loads_as_they_are(world):
    world.capacity(world.acquiring, 1, 20, 2)
    world.place(world.feature("A"), world.acquiring, 1)
    fix = world.feature("Fix", kind="problem_fix")
    world.place(fix, world.acquiring, 1)
    board = board_of(world, kind="problem_fix")
    assert {c.key: c.shown for c in board.cards.values()} == {
        f.key: f is fix for f in world.features.values()
    }
    assert board.rows[0].cells[0].load == 10


def test_milestones_and_releases_stand_in_the_iteration_of_their_day(world, cast):
    from datetime import UTC, datetime

    from trains.actions.milestones import create_milestone
    from trains.actions.releases import create_release

    create_milestone(cast["rte"], train=world.train, name="SOX control test", on=date(2026, 11, 10))
    create_release(
        cast["release_manager"],
        train=world.train,
        version="26.11.0",
        target_at=datetime(2026, 11, 12, tzinfo=UTC),
    )
    third = board_of(world).columns[2]
    assert [mark.name for mark in third.milestones] == ["SOX control test", "Release 26.11.0"]


def test_the_number_of_queries_does_not_grow_with_the_cards(world):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            board_of(world)
        return len(counted)

    world.place(world.feature("First"), world.acquiring, 1)
    few = queries()
    previous = None
    for number in range(12):
        feature = world.feature(f"F{number}")
        world.place(feature, world.acquiring, number % 5 + 1)
        if previous is not None:
            world.needs(feature, previous)
        previous = feature
    assert queries() == few <= 12


# -- the page ---------------------------------------------------------------------------------------------


def test_the_board_page_shows_cards_loads_and_conflicts_as_a_table(world, web):
    world.capacity(world.acquiring, 1, 4, 1)
    feature = world.feature("Instant refunds")
    world.place(feature, world.acquiring, 1)
    page = web("rte").get(f"/o/northwind/board/{world.pi.pk}/")
    assert page.status_code == 200
    html = page.content.decode()
    assert '<table class="board">' in html
    assert "Instant refunds" in html
    assert "5/3" in html
    assert "Acquiring in 26.4.1: 5 planned" in html


def test_the_board_chooses_the_current_increment(world, web):
    answer = web("rte").get("/o/northwind/board/")
    assert answer.status_code == 303
    assert answer["Location"].endswith(f"/board/{world.pi.pk}/")


def test_a_drag_answers_the_new_loads_and_a_stale_one_409(world, web):
    world.capacity(world.acquiring, 1, 20, 2)
    feature = world.feature("Refunds")
    sent = {
        "card": feature.pk, "lane": world.acquiring.pk, "iteration": world.iterations[0].pk,
        "row_version": feature.row_version,
    }  # fmt: skip
    client = web("rte")
    told = client.post(f"/o/northwind/board/{world.pi.pk}/moves/", sent)
    assert told.status_code == 200
    assert told.json()["row_version"] == feature.row_version + 1
    first = {"lane": str(world.acquiring.pk), "iteration": str(world.iterations[0].pk)}
    assert first | {"load": 5, "capacity": 18} in told.json()["cells"]
    again = client.post(f"/o/northwind/board/{world.pi.pk}/moves/", sent)
    assert again.status_code == 409
    assert "changed" in again.json()["detail"]


def test_the_region_is_304_until_somebody_moves_a_card(world, web):
    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 1)
    client, address = web("team_member"), f"/o/northwind/board/{world.pi.pk}/?fragment=board"
    first = client.get(address)
    assert first.status_code == 200
    assert first.content.decode().lstrip().startswith('<div id="board"')
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    world.place(feature, world.ledger, 2)
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_card_moves_with_a_plain_form_too(world, web):
    feature = world.feature("Refunds")
    client = web("rte")
    address = f"/o/northwind/board/{world.pi.pk}/move/{feature.key}/"
    assert "Iteration" in client.get(address).content.decode()
    done = client.post(
        address,
        {"team": world.ledger.pk, "iteration": world.iterations[2].pk, "row_version": feature.row_version},
    )
    assert done.status_code == 303
    feature.refresh_from_db()
    assert (feature.team_id, feature.iteration_id) == (world.ledger.pk, world.iterations[2].pk)


def test_who_may_not_plan_gets_a_board_to_read_and_403_for_a_move(world, web):
    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 1)
    client = web("auditor")
    html = client.get(f"/o/northwind/board/{world.pi.pk}/").content.decode()
    assert "data-board-moves" not in html
    refused = client.post(
        f"/o/northwind/board/{world.pi.pk}/moves/",
        {"card": feature.pk, "lane": world.ledger.pk, "iteration": world.iterations[1].pk},
    )
    assert refused.status_code == 403


def test_another_organization_sees_neither_board_nor_card(cast, within, web):
    with within(cast, "rte"):
        world = make_world(cast)
    stranger = web("rte", "contoso-health")
    assert stranger.get(f"/o/northwind/board/{world.pi.pk}/").status_code == 404
    assert stranger.get(f"/o/contoso-health/board/{world.pi.pk}/").status_code == 404


def test_a_dependency_is_added_from_a_card(world, web):
    provider, consumer = world.feature("API"), world.feature("Refunds")
    world.place(consumer, world.acquiring, 2)
    client = web("product_manager")
    address = f"/o/northwind/board/{world.pi.pk}/needs/{consumer.key}/"
    assert provider.key in client.get(address).content.decode()
    assert client.post(address, {"provider": provider.key, "what": "posting API"}).status_code == 303
    assert [d.provider_id for d in consumer.needs.all()] == [provider.pk]
    twice = client.post(address, {"provider": provider.key})
    assert twice.status_code == 409
    assert "declared already" in twice.content.decode()


def test_the_matrix_counts_what_teams_need_of_each_other(world, web):
    provider, consumer = world.feature("API"), world.feature("Refunds")
    world.place(provider, world.ledger, 2)
    world.place(consumer, world.acquiring, 1)
    world.needs(consumer, provider)
    from planning.queries.matrix import matrix

    found = {
        team.name: [(len(c.edges), c.tone) for c in crossings]
        for team, crossings, _ in matrix(board_of(world)).rows
    }
    assert found == {"Acquiring": [(0, ""), (1, "bad")], "Ledger Core": [(0, ""), (0, "")]}
    assert (
        "which is later" in web("rte").get(f"/o/northwind/board/{world.pi.pk}/dependencies/").content.decode()
    )
