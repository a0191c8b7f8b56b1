"""The board beyond its table: policy, shared resources, carried-over cards, swimlanes, list, paper, ways out, matrix."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.board import Board, Card, Dependency, Iteration, StringState
from planning.rules.burnup import Version, burn_up
from planning.rules.lanes import chains
from planning.rules.resolving import Room, ways_out

MONDAY = date(2026, 10, 5)
ITERATIONS = [
    Iteration(f"I{n + 1}", MONDAY + timedelta(weeks=2 * n), MONDAY + timedelta(weeks=2 * n + 2))
    for n in range(5)
]


def board_of(world: Any, today: date = date(2026, 10, 6), **shown: Any) -> Any:
    from planning.queries.board import BoardFilter, load_board

    return load_board(world.pi, today, BoardFilter(**shown))


def address(world: Any, rest: str = "") -> str:
    return f"/o/northwind/board/{world.pi.pk}/{rest}"


def dependent(world: Any, provider_in: int, consumer_in: int, **params: Any) -> tuple[Any, Any, Any]:
    from planning.actions.dependencies import accept_dependency

    provider, consumer = world.feature("API"), world.feature("Refunds")
    world.place(provider, world.ledger, provider_in)
    world.place(consumer, world.acquiring, consumer_in)
    return provider, consumer, accept_dependency(world.cast["rte"], world.needs(consumer, provider, **params))


# -- colour by slack ----------------------------------------------------------------------------------------


def test_a_train_may_judge_the_same_iteration_milder_but_not_a_later_one(world, cast):
    from planning.actions.board_policy import set_board_policy

    provider, _, _ = dependent(world, 2, 2)
    assert [e.tone for e in board_of(world).edges] == ["bad"]
    set_board_policy(cast["rte"], train=world.train, same_iteration="at_risk")
    edge = board_of(world).edges[0]
    assert (edge.tone, edge.slack_text) == ("warn", "−10 d")
    world.place(provider, world.ledger, 3)
    assert [e.tone for e in board_of(world).edges] == ["bad"]


def test_less_slack_than_the_train_wants_is_at_risk(world, cast):
    from planning.actions.board_policy import set_board_policy

    dependent(world, 1, 3)
    assert [(e.tone, e.slack_text) for e in board_of(world).edges] == [("ok", "+10 d")]
    set_board_policy(cast["rte"], train=world.train, min_slack=11)
    assert [e.tone for e in board_of(world).edges] == ["warn"]


def test_a_forecast_moves_the_string_and_an_overdue_provider_turns_it_red(world, monkeypatch):
    from planning import ports

    provider, _, _ = dependent(world, 1, 3)
    monkeypatch.setattr(ports, "_forecasts", [lambda pi: {provider.pk: date(2026, 11, 4)}])
    late = board_of(world).edges[0]
    assert (late.tone, late.slack) == ("bad", -2)
    monkeypatch.setattr(ports, "_forecasts", [])
    world.pi.state = "active"
    assert board_of(world, date(2026, 10, 26)).edges[0].slack == 4
    assert board_of(world, date(2026, 11, 4)).edges[0].tone == "bad"


# -- shared resources ---------------------------------------------------------------------------------------


def test_a_release_inside_a_freeze_bites_on_the_board_and_on_its_cards(world, cast, web):
    from planning.actions.releases import add_to_release
    from trains.actions.freezes import create_freeze
    from trains.actions.releases import create_release

    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 3)
    release = create_release(
        cast["release_manager"],
        train=world.train,
        version="26.11.0",
        target_at=datetime(2026, 11, 12, 9, tzinfo=UTC),
    )
    add_to_release(cast["release_manager"], feature, release=release)
    before = web("rte").get(f"{address(world)}?fragment=board")
    assert board_of(world).clashes == []
    create_freeze(
        cast["release_manager"],
        train=world.train,
        name="Year end",
        starts=datetime(2026, 11, 10, tzinfo=UTC),
        ends=datetime(2026, 11, 20, tzinfo=UTC),
        reason="Books close.",
    )
    board = board_of(world)
    assert [m.sentence for m in board.clashes] == [
        "Release 26.11.0 is to go live on 12 Nov, inside the freeze “Year end”."
    ]
    assert [[m.tone for m in c.shared] for c in board.columns][2] == ["hold", "bad"]
    assert "Year end" in board.cards[feature.pk].shared
    assert board.conflict_count == 1
    # the region that others poll changes with it
    after = web("rte").get(f"{address(world)}?fragment=board", headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert "inside the freeze" in after.content.decode()


def test_a_booking_stands_on_the_board_and_a_waiting_one_says_who_has_it(world, cast):
    from trains.actions.releases import create_release
    from trains.models import Booking, SharedResource

    staging = SharedResource(name="Staging", kind="environment")
    staging.save()
    first, second = (
        create_release(cast["release_manager"], train=world.train, version=version)
        for version in ("1.0.0", "1.1.0")
    )
    window = {"starts": datetime(2026, 10, 20, 8, tzinfo=UTC), "ends": datetime(2026, 10, 21, 18, tzinfo=UTC)}
    Booking(resource=staging, release=first, unit=1, **window).save()
    assert [m.tone for m in board_of(world).columns[1].shared] == ["hold"]
    Booking(resource=staging, release=second, state="queued", **window).save()
    assert [m.sentence for m in board_of(world).clashes] == [
        "Release 1.1.0 waits for Staging from 20 Oct to 21 Oct. Meridian Payments 1.0.0 has it."
    ]


def test_an_open_risk_of_the_register_is_a_lane_of_its_own(world):
    from planning.models import Risk, RiskLink

    threatened, safe = world.feature("Refunds"), world.feature("Wallet")
    world.place(threatened, world.acquiring, 1)
    world.place(safe, world.ledger, 1)
    risk = Risk(train=world.train, title="Scheme changes its rules", likelihood=4, impact=5)
    risk.save()
    RiskLink(risk=risk, feature=threatened).save()
    lanes = board_of(world, lanes="risk").lanes
    assert [lane.name for lane in lanes] == ["Scheme changes its rules", "Not started"]
    assert "4 × 5" in lanes[0].sub


def test_what_another_train_owes_stands_on_the_board_until_it_is_agreed(world, cast):
    from releasetrain.kernel.actor import Actor
    from trains.actions.trains import create_train
    from trains.models import TrainDependency

    setup = Actor.system(cast.organization.pk, "test world", route="test")
    other = create_train(
        setup, key="LND", name="Lending", cadence_start=MONDAY, pi_weeks=10, iteration_weeks=2
    )
    owed = TrainDependency(
        provider=other, consumer=world.train, what="Credit score API", needed_by=date(2026, 10, 22)
    )
    owed.save()
    assert [m.sentence for m in board_of(world).columns[1].shared] == [
        "Credit score API of Lending is needed by 22 Oct: not agreed yet."
    ]
    owed.state = "agreed"
    owed.save()
    assert board_of(world).shared == []


# -- edges of the increment ---------------------------------------------------------------------------------


def test_what_a_closed_increment_left_unfinished_is_carried_over(world, cast, web):
    from planning.actions.placement import place_feature
    from releasetrain.kernel.actor import Actor
    from trains.actions.increments import create_increment
    from trains.models import ProgramIncrement

    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 4)
    setup = Actor.system(cast.organization.pk, "test world", route="test")
    following = create_increment(setup, train=world.train, name="27.1", starts=world.pi.ends)
    ProgramIncrement.objects.get(pk=world.pi.pk)
    world.pi.state = "closed"
    world.pi.save()
    page = web("rte").get(f"/o/northwind/board/{following.pk}/").content.decode()
    assert "Left unfinished before" in page
    assert "Carry over" in page
    place_feature(
        cast["rte"], feature, team=world.acquiring, iteration=following.iterations.order_by("number").first()
    )
    page = web("rte").get(f"/o/northwind/board/{following.pk}/").content.decode()
    assert "Carried over from PI 26.4" in page
    assert "1 carried over" in page
    assert "Left unfinished before" not in page


# -- swimlanes ----------------------------------------------------------------------------------------------


def test_swimlanes_by_theme_risk_and_dependency_hold_every_card_once(world, cast, web):
    from planning.actions.themes import create_theme

    goal = create_theme(cast["rte"], train=world.train, name="Instant money", goal="Fast.")
    provider, _consumer, _ = dependent(world, 3, 2)
    alone = world.feature("Alone", theme=goal)
    world.place(alone, world.ledger, 1)
    for lanes, names in (
        ("theme", ["Instant money", "No theme"]),
        ("risk", ["Blocked or in conflict", "Not started"]),
        ("dependency", [f"{provider.key} and 1 more", "No dependency"]),
    ):
        board = board_of(world, lanes=lanes)
        assert [lane.name for lane in board.lanes] == names
        held = [card.key for lane in board.lanes for cell in lane.cells for card in cell.cards]
        assert sorted(held) == sorted(card.key for card in board.cards.values())
        page = web("rte").get(f"{address(world)}?lanes={lanes}").content.decode()
        assert f'data-lanes="{lanes}"' in page
        assert names[0] in page


def test_a_move_in_a_swimlane_keeps_the_team(world, web):
    feature = world.feature("Refunds")
    world.place(feature, world.ledger, 1)
    moved = web("rte").post(
        address(world, "moves/?lanes=risk"),
        {
            "card": feature.pk,
            "lane": "",
            "iteration": world.iterations[2].pk,
            "row_version": feature.row_version,
        },
    )
    assert moved.status_code == 200
    feature.refresh_from_db()
    assert (feature.team_id, feature.iteration_id) == (world.ledger.pk, world.iterations[2].pk)


def test_linked_things_are_one_chain():
    assert chains([("b", "a"), ("x", "y"), ("c", "b")]) == [["b", "a", "c"], ["x", "y"]]


# -- other forms --------------------------------------------------------------------------------------------


def test_the_list_shows_every_card_with_slack_and_follows_changes(world, web):
    provider, consumer, _ = dependent(world, 1, 3)
    client = web("rte")
    page = client.get(address(world, "list/")).content.decode()
    assert provider.key in page
    assert "+10 d" in page
    region = client.get(f"{address(world, 'list/')}?fragment=board_list")
    assert region.content.decode().lstrip().startswith('<div id="board-list"')
    assert (
        client.get(
            f"{address(world, 'list/')}?fragment=board_list", headers={"If-None-Match": region["ETag"]}
        ).status_code
        == 304
    )
    assert consumer.key not in client.get(address(world, f"list/?team={world.ledger.pk}")).content.decode()


def test_the_paper_has_the_whole_board_and_nothing_to_move(world, web):
    provider, _, _ = dependent(world, 1, 3)
    page = web("auditor").get(address(world, "print/")).content.decode()
    assert provider.key in page
    assert "data-board-moves" not in page
    assert "data-board-edges" in page


def test_a_conflict_offers_moves_and_one_of_them_ends_it(world, web):
    world.capacity(world.ledger, 1, 20, 2)
    provider, consumer, _ = dependent(world, 3, 2)
    page = web("rte").get(address(world, "resolve/")).content.decode()
    assert f"{consumer.key} needs {provider.key}" in page
    assert "−20 d of slack" in page
    from planning.queries.resolving import ways_out_of

    board = board_of(world)
    ways = ways_out_of(board, date(2026, 10, 6))[0].ways
    assert (ways[0].card.key, ways[0].iteration.name) == (provider.key, "26.4.1") or ways[
        0
    ].card.key == consumer.key
    chosen = next(way for way in ways if way.card.key == provider.key)
    sent = {
        "team": chosen.card.team_id,
        "iteration": chosen.iteration.pk,
        "row_version": chosen.card.version,
        "back": "resolve",
    }
    done = web("rte").post(address(world, f"move/{provider.key}/"), sent)
    assert done.status_code == 303
    assert done["Location"].endswith("/resolve/")
    assert board_of(world).conflicts == []


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 8)), min_size=2, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=10),
    st.integers(0, 4),
)
def test_a_way_out_ends_the_conflict_leaves_fewer_and_never_goes_into_the_past(places, pairs, first):
    cards = [Card(f"F{n}", "", f"T{n % 3}", at, size) for n, (at, size) in enumerate(places)]
    live = [(a % len(cards), b % len(cards)) for a, b in pairs if a % len(cards) != b % len(cards)]
    dependencies = [Dependency(f"D{n}", f"F{a}", f"F{b}") for n, (a, b) in enumerate(live)]
    board = Board(ITERATIONS, cards)
    for each in dependencies:
        if board.string(each).state is not StringState.CONFLICT:
            continue
        moves = ways_out(board, each, dependencies, {("T0", 0): Room(3, 5)}, first_open=first)
        assert len(moves) <= 3
        for move in moves:
            after = Board(
                ITERATIONS,
                [
                    Card(c.id, "", c.team, move.to if c.id == move.card else c.iteration, c.size)
                    for c in cards
                ],
            )
            assert move.to >= first
            assert after.string(each).state is not StringState.CONFLICT
            red = [
                sum(b.string(d).state is StringState.CONFLICT for d in dependencies) for b in (board, after)
            ]
            assert red[1] < red[0]


# -- matrix -------------------------------------------------------------------------------------------------


def test_the_feature_matrix_narrows_to_two_teams_and_shows_a_state_change_at_once(world, web, cast):
    from planning.actions.dependencies import block_dependency
    from planning.queries.matrix import Narrowed, feature_matrix

    provider, consumer, dependency = dependent(world, 1, 3)
    second = world.feature("Wallet")
    world.place(second, world.ledger, 2)
    world.needs(second, provider)
    whole = feature_matrix(board_of(world), Narrowed())
    assert [end.key for end in whole.providers] == [provider.key]
    assert [(end.key, [bool(e) for e in cells]) for end, cells in whole.rows] == [
        (consumer.key, [True]),
        (second.key, [True]),
    ]
    narrowed = Narrowed(consumer=str(world.acquiring.pk), provider=str(world.ledger.pk))
    assert [end.key for end, _ in feature_matrix(board_of(world), narrowed).rows] == [consumer.key]
    client, fragment = web("rte"), f"{address(world, 'dependencies/')}?fragment=matrix"
    first = client.get(fragment)
    assert client.get(fragment, headers={"If-None-Match": first["ETag"]}).status_code == 304
    block_dependency(cast["rte"], dependency, reason="No environment")
    changed = client.get(fragment, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert "it is blocked" in changed.content.decode()
    assert "it is blocked" in client.get(f"{address(world)}?fragment=board").content.decode()


# -- burn-up ------------------------------------------------------------------------------------------------


def test_the_burn_up_follows_scope_and_done_by_day():
    day = MONDAY + timedelta(days=1)
    versions = [
        Version("A", MONDAY, True, 5, False),
        Version("B", MONDAY, True, 3, False),
        Version("A", day, True, 5, True),
        Version("B", day + timedelta(days=1), False, 3, False),
    ]
    days = burn_up(versions, MONDAY, MONDAY + timedelta(days=14), MONDAY + timedelta(days=2))
    assert [(d.scope, d.done) for d in days] == [(8, 0), (8, 5), (5, 5)]


_versions = st.builds(
    Version, st.integers(0, 5), st.dates(MONDAY - timedelta(days=3), MONDAY + timedelta(days=16)),
    st.booleans(), st.integers(0, 13), st.booleans(),
)  # fmt: skip


@given(st.lists(_versions, max_size=25), st.integers(-2, 20))
def test_done_is_never_more_than_scope_and_no_day_is_from_the_future(versions, today):
    days = burn_up(versions, MONDAY, MONDAY + timedelta(days=14), MONDAY + timedelta(days=today))
    assert len(days) == max(0, min(14, today + 1))
    assert all(0 <= d.done <= d.scope for d in days)


@pytest.mark.parametrize("path", ["list/", "print/", "resolve/", "dependencies/"])
def test_every_form_of_the_board_is_for_members_only(world, web, path):
    assert web("rte", "contoso-health").get(address(world, path)).status_code == 404
