"""The board under a finger, and under two pairs of hands: touch, a change seen by others, a card held while it is changed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import make_world

pytestmark = pytest.mark.journey


@pytest.fixture
def planned(committed_db: Any, cast: Any, within: Any) -> Any:
    with within(cast, "rte"):
        world = make_world(cast)
        for title, team, number in (
            ("Posting API", world.ledger, 1),
            ("Instant refunds", world.acquiring, 2),
        ):
            world.place(world.feature(title), team, number)
    return world


@pytest.fixture
def opened(browser: Any, live_app: Any, planned: Any, web: Any) -> Iterator[Callable[..., Any]]:
    """`opened("rte", has_touch=True)` — the board in a browser profile of its own, signed in as the role."""
    from django.conf import settings

    contexts = []

    def board(role: str, **options: Any) -> Any:
        context = browser.new_context(
            base_url=live_app.url, viewport={"width": 1440, "height": 900}, **options
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        value = web(role).cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_app.url}])
        page = context.new_page()
        page.goto(f"/o/northwind/board/{planned.pi.pk}/")
        page.wait_for_selector(".fc")
        return page

    yield board
    for context in contexts:
        context.close()


def cell(page: Any, team: Any, iteration: Any) -> Any:
    return page.locator(f'tr[data-lane="{team.pk}"] td[data-iteration="{iteration.pk}"]')


def card(page: Any, feature: Any) -> Any:
    return page.locator(f'[data-key="{feature.key}"]')


def finger(page: Any, feature: Any, target: Any, hold: int) -> None:
    """Put a finger on the card, wait, and draw it to the cell: what a touch screen sends, through the browser."""
    session = page.context.new_cdp_session(page)
    start, end = card(page, feature).bounding_box(), target.bounding_box()
    x, y = start["x"] + 40, start["y"] + 14
    to_x, to_y = end["x"] + 60, end["y"] + 50

    def send(kind: str, *points: dict[str, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    send("touchStart", {"x": x, "y": y})
    page.wait_for_timeout(hold)
    for step in range(1, 11):
        send("touchMove", {"x": x + (to_x - x) * step / 10, "y": y + (to_y - y) * step / 10})
        page.wait_for_timeout(20)
    send("touchEnd")


def test_a_finger_that_rests_lifts_a_card_and_one_that_does_not_scrolls(opened, planned, cast, within):
    page, api = opened("rte", has_touch=True), planned.features["Posting API"]
    target = cell(page, planned.ledger, planned.iterations[2])
    finger(page, api, cell(page, planned.acquiring, planned.iterations[0]), hold=0)
    page.wait_for_timeout(600)
    assert cell(page, planned.ledger, planned.iterations[0]).locator(f'[data-key="{api.key}"]').count() == 1
    page.locator("[data-board]").evaluate("host => host.scrollTo(0, 0)")
    page.wait_for_timeout(300)
    with page.expect_response("**/moves/**") as answer:
        finger(page, api, target, hold=500)
    assert answer.value.status == 200
    target.locator(f'[data-key="{api.key}"]').wait_for()
    with within(cast, "rte"):
        api.refresh_from_db()
        assert api.iteration_id == planned.iterations[2].pk


def test_a_move_of_one_is_seen_by_the_other_within_two_seconds(opened, planned):
    rita, paul = opened("rte"), opened("product_manager")
    api = planned.features["Posting API"]
    card(rita, api).locator("a.tt").focus()
    rita.keyboard.press("Space")
    rita.keyboard.press("ArrowRight")
    with rita.expect_response("**/moves/**"):
        rita.keyboard.press("Space")
    moved = time.monotonic()
    there = cell(paul, planned.ledger, planned.iterations[1]).locator(f'[data-key="{api.key}"]')
    there.wait_for(timeout=8000)
    print(f"seen after {time.monotonic() - moved:.2f} s")
    assert paul.locator("#board").get_attribute("data-live-every") == "1.5"


def test_two_people_move_one_card_and_the_second_hears_what_changed_and_loses_nothing(
    opened, planned, cast, within
):
    rita, paul = opened("rte"), opened("product_manager")
    api, refunds = planned.features["Posting API"], planned.features["Instant refunds"]
    # Paul has the card in his hand, two cells away from where it was …
    card(paul, api).locator("a.tt").focus()
    for key in ("Space", "ArrowRight", "ArrowRight"):
        paul.keyboard.press(key)
    # … while Rita moves it elsewhere, and another card too.
    for feature, key in ((api, "ArrowRight"), (refunds, "ArrowRight")):
        card(rita, feature).locator("a.tt").focus()
        rita.keyboard.press("Space")
        rita.keyboard.press(key)
        with rita.expect_response("**/moves/**") as answer:
            rita.keyboard.press("Space")
        assert answer.value.status == 200
    # He sees the other card move around the one he holds, and is told about his.
    cell(paul, planned.acquiring, planned.iterations[2]).locator(f'[data-key="{refunds.key}"]').wait_for()
    paul.locator(".toast", has_text="was changed meanwhile").wait_for()
    assert card(paul, api).evaluate("card => card.classList.contains('lift')")
    with paul.expect_response("**/moves/**") as answer:
        paul.keyboard.press("Space")
    assert answer.value.status == 409
    paul.locator(".toast.bad", has_text="changed").wait_for()
    cell(paul, planned.ledger, planned.iterations[1]).locator(f'[data-key="{api.key}"]').wait_for()
    with within(cast, "rte"):
        for feature, place in ((api, 1), (refunds, 2)):
            feature.refresh_from_db()
            assert feature.iteration_id == planned.iterations[place].pk
    # Having seen it, he moves it himself.
    card(paul, api).locator("a.tt").focus()
    paul.keyboard.press("Space")
    paul.keyboard.press("ArrowRight")
    with paul.expect_response("**/moves/**") as answer:
        paul.keyboard.press("Space")
    assert answer.value.status == 200


def test_a_phone_shows_one_team_or_one_iteration_at_a_time(opened, planned):
    page = opened("rte")
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    acquiring, ledger = (
        page.locator(f'tr[data-lane="{team.pk}"]') for team in (planned.acquiring, planned.ledger)
    )
    assert (acquiring.is_visible(), ledger.is_visible()) == (True, False)
    page.get_by_role("button", name="Next").click()
    assert (acquiring.is_visible(), ledger.is_visible()) == (False, True)
    page.get_by_text("One iteration").click()
    page.locator("[data-board-one] select").select_option(str(planned.iterations[0].pk))
    assert cell(page, planned.ledger, planned.iterations[0]).is_visible()
    assert not cell(page, planned.acquiring, planned.iterations[1]).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_board_fits_one_a3_sheet_with_its_strings(opened, planned, cast, within):
    with within(cast, "rte"):
        planned.needs(planned.features["Instant refunds"], planned.features["Posting API"])
    page = opened("rte")
    page.goto(f"/o/northwind/board/{planned.pi.pk}/print/")
    page.wait_for_function("document.body.dataset.fitted")
    assert page.locator("svg.strings .lines path").count() >= 2
    sheet, table = page.locator(".sheet").bounding_box(), page.locator("table.board").bounding_box()
    assert table["x"] + table["width"] <= sheet["x"] + sheet["width"] + 2
    assert table["y"] + table["height"] <= sheet["y"] + sheet["height"] + 2
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert pdf.count(b"/Type /Page\n") == 1 or pdf.count(b"/Type /Page ") == 1
    (box,) = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    assert [float(side) for side in box] == pytest.approx([1190.55, 841.89], abs=1), "420 × 297 mm in points"
