"""The board in a browser: keyboard, mouse, dialog, a colleague's move, and what the server refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import make_world

pytestmark = pytest.mark.journey


@pytest.fixture
def planned(committed_db: Any, cast: Any, within: Any) -> Any:
    """Two placed cards, committed to the database that the running product uses."""
    with within(cast, "rte"):
        world = make_world(cast)
        for number in (1, 2, 3):
            world.capacity(world.acquiring, number, 20, 2)
            world.capacity(world.ledger, number, 20, 2)
        provider, consumer = world.feature("Posting API"), world.feature("Instant refunds")
        world.place(provider, world.ledger, 1)
        world.place(consumer, world.acquiring, 2)
        world.needs(consumer, provider)
    return world


@pytest.fixture
def board(page: Any, planned: Any, web: Any) -> Iterator[Any]:
    """The board, opened as the Release Train Engineer."""
    from django.conf import settings

    cookie = web("rte").cookies[settings.SESSION_COOKIE_NAME].value
    page.goto("/")
    base = page.evaluate("location.origin")
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
    page.goto(f"/o/northwind/board/{planned.pi.pk}/")
    page.wait_for_selector(".fc")
    return page


def cell(board: Any, team: Any, iteration: Any) -> Any:
    return board.locator(f'tr[data-lane="{team.pk}"] td[data-iteration="{iteration.pk}"]')


def said(board: Any, words: str) -> None:
    """Wait until the words are announced to screen readers."""
    board.wait_for_function("words => document.getElementById('live').textContent.includes(words)", arg=words)


def place_of(cast: Any, within: Any, feature: Any) -> tuple[Any, Any]:
    with within(cast, "rte"):
        feature.refresh_from_db()
        return feature.team_id, feature.iteration_id


def test_a_card_is_moved_by_keyboard_and_the_move_is_announced(board, planned, cast, within):
    refunds = planned.features["Instant refunds"]
    card = board.locator(f'[data-key="{refunds.key}"] a.tt')
    card.focus()
    board.keyboard.press("Space")
    said(board, "Picked up")
    board.keyboard.press("ArrowRight")
    board.keyboard.press("ArrowDown")
    with board.expect_response("**/moves/") as answer:
        board.keyboard.press("Space")
    assert answer.value.status == 200
    target = cell(board, planned.ledger, planned.iterations[2])
    target.locator(f'[data-key="{refunds.key}"]').wait_for()
    said(board, "moved to Ledger Core")
    assert place_of(cast, within, refunds) == (planned.ledger.pk, planned.iterations[2].pk)
    board.wait_for_function(f"document.activeElement.closest('.fc')?.dataset.key === '{refunds.key}'")


def test_escape_leaves_the_card_where_it_was(board, planned, cast, within):
    refunds = planned.features["Instant refunds"]
    board.locator(f'[data-key="{refunds.key}"] a.tt').focus()
    for key in ("Space", "ArrowDown", "Escape"):
        board.keyboard.press(key)
    said(board, "cancelled")
    assert place_of(cast, within, refunds) == (planned.acquiring.pk, planned.iterations[1].pk)


def test_dragging_into_a_conflict_turns_the_string_red_and_says_so(board, planned):
    api = planned.features["Posting API"]
    source = board.locator(f'[data-key="{api.key}"]').bounding_box()
    target = cell(board, planned.ledger, planned.iterations[2]).bounding_box()
    board.mouse.move(source["x"] + 30, source["y"] + 12)
    board.mouse.down()
    board.mouse.move(target["x"] + 60, target["y"] + 40, steps=8)
    with board.expect_response("**/moves/"):
        board.mouse.up()
    board.locator("svg.strings path.bad").wait_for(state="attached")
    board.wait_for_function("document.querySelector('[data-count=bad]').textContent === '1'")
    board.get_by_text("which is later").wait_for()


def test_undo_takes_the_move_back(board, planned, cast, within):
    refunds = planned.features["Instant refunds"]
    board.locator(f'[data-key="{refunds.key}"] a.tt').focus()
    board.keyboard.press("m")
    board.locator("#move select[name=iteration]").select_option(str(planned.iterations[3].pk))
    with board.expect_response("**/moves/"):
        board.locator("#move button[value=ok]").click()
    with board.expect_response("**/moves/"):
        board.get_by_role("button", name="Undo").click()
    cell(board, planned.acquiring, planned.iterations[1]).locator(f'[data-key="{refunds.key}"]').wait_for()
    assert place_of(cast, within, refunds) == (planned.acquiring.pk, planned.iterations[1].pk)


def test_a_colleagues_move_appears_by_itself(board, planned, cast, within):
    api = planned.features["Posting API"]
    with within(cast, "product_manager"):
        planned.place(api, planned.ledger, 3)
    cell(board, planned.ledger, planned.iterations[2]).locator(f'[data-key="{api.key}"]').wait_for(
        timeout=8000
    )


def test_a_stale_move_is_refused_and_the_board_shows_where_the_card_is(board, planned, cast, within):
    api = planned.features["Posting API"]
    # The page asks every two seconds: hold it back, so that the picture is old when the card is dropped.
    board.route("**/*fragment=board*", lambda route: route.abort())
    with within(cast, "product_manager"):
        planned.place(api, planned.ledger, 3)
    board.locator(f'[data-key="{api.key}"] a.tt').focus()
    board.keyboard.press("Space")
    board.keyboard.press("ArrowRight")
    board.unroute("**/*fragment=board*")
    with board.expect_response("**/moves/") as answer:
        board.keyboard.press("Space")
    assert answer.value.status == 409
    board.locator(".toast.bad").wait_for()
    cell(board, planned.ledger, planned.iterations[2]).locator(f'[data-key="{api.key}"]').wait_for()
