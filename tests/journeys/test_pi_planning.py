"""Two days of PI planning by three people at once, each with a browser of their own, one of them on a phone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .people import Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.testbed.processes import LiveApp

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SEEN_WITHIN = 2.0


@pytest.fixture
def ground(committed_db: Any, cast: Any, within: Any) -> Any:
    """A train with two teams, their capacity, and refined features that wait to be planned."""
    from releasetrain.kernel.clock import now
    from tests.planning.conftest import make_world

    with within(cast, "rte"):
        world = make_world(cast)
        for number in (1, 2, 3):
            world.capacity(world.acquiring, number, 20, 5)
            world.capacity(world.ledger, number, 20, 5)
        world.feature("Posting API", points=8, team=world.ledger)
        world.feature("Instant refunds", points=5, team=world.acquiring)
        world.today = now().date()
    return world


@pytest.fixture
def meet(browser: Browser, live_app: LiveApp, ground: Any, web: Any) -> Iterator[Callable[..., Person]]:
    """`meet("rte")` — somebody with that role, signed in; what their browser complains of fails the test."""
    from django.conf import settings

    people: dict[str, Person] = {}

    def person(role: str, *, phone: bool = False) -> Person:
        if role not in people:
            made = Person(browser, live_app.url, f"{role}@northwind.example", phone=phone)
            cookie = web(role).cookies[settings.SESSION_COOKIE_NAME].value
            made.context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_app.url}]
            )
            made.root = "/o/northwind/"
            people[role] = made
        return people[role]

    yield person
    complaints = [said for each in people.values() for said in each.complaints]
    for each in people.values():
        each.context.close()
    assert not complaints, "Browsers complained:\n" + "\n".join(complaints)


def test_two_days_of_pi_planning(meet: Callable[..., Person], ground: Any) -> None:
    rte, product, member = meet("rte"), meet("product_manager"), meet("team_member", phone=True)
    event = set_up_the_event(rte, ground)
    join_by_link(rte, event, product, member)
    everybody_sees_the_timer(rte, event, product, member)
    score_the_features(product, ground)
    place_them_on_the_board(rte, product, ground)
    agree_on_a_dependency(product, member, ground)
    raise_what_is_in_the_way(rte, event, member)
    roam_a_risk(rte, event)
    promise_an_objective(member, event)
    park_a_topic(product, rte, event)
    second_day(rte, event)
    vote_rework_and_vote_again(rte, event, product, member)
    commit(rte, event, product, ground)


def button(person: Person, name: str) -> None:
    """One of the timer's buttons."""
    with person.page.expect_navigation():
        person.main.get_by_role("button", name=name).click()


def seen_by(text: str, *people: Person) -> None:
    """What one did stands on the others' pages within two seconds, without a reload."""
    began = time.monotonic()
    for person in people:
        person.sees(text, timeout=20_000)
    took = time.monotonic() - began
    assert took < SEEN_WITHIN + 1, f"{text!r} took {took:.1f} s to reach the others"


def set_up_the_event(rte: Person, ground: Any) -> str:
    rte.open(f"increments/{ground.pi.pk}/plan/")
    rte.press(
        "New event", starts_on=ground.today, begins="09:00", time_zone="Europe/London", place="Canal House"
    )
    rte.sees("Not started yet")
    for part in ("Business context", "Team breakouts 1", "Draft plan review", "Confidence vote"):
        rte.sees(part)
    rte.press("Edit", agreements="One conversation at a time.\nBlocked for ten minutes: raise it.")
    rte.sees("One conversation at a time.")
    return rte.path


def join_by_link(rte: Person, event: str, *others: Person) -> None:
    link = rte.main.get_by_role("button", name="Copy the join link").get_attribute("data-copy")
    assert link
    for person in others:
        person.page.goto(link)
        with person.page.expect_navigation():
            person.main.get_by_role("button", name="Join").click()
        assert person.path == event
    seen_by("2 here", rte, *others)


def everybody_sees_the_timer(rte: Person, event: str, *others: Person) -> None:
    button(rte, "Start the event")
    for person in (rte, *others):
        person.main.get_by_role("timer").wait_for()
    button(rte, "Next slot")
    seen_by("of 90 min", *others)
    clocks = [person.main.get_by_role("timer").inner_text() for person in (rte, *others)]
    seconds = [sum(60**n * int(part) for n, part in enumerate(reversed(c.split(":")))) for c in clocks]
    assert max(seconds) - min(seconds) <= 3, f"everybody sees the same time: {clocks}"
    button(rte, "Pause")
    seen_by("paused", *others)
    button(rte, "Resume")


def score_the_features(product: Person, ground: Any) -> None:
    for feature in ground.features.values():
        product.open(f"features/{feature.key}/scoring/")
        for name, number in (("value", 8), ("time_criticality", 5), ("risk_reduction", 3), ("job_size", 5)):
            product.main.locator(f"input[name={name}][value='{number}']").check(force=True)
        product.main.get_by_role("button", name="Record as agreed").click()
        product.sees("3.20")


def place_them_on_the_board(rte: Person, product: Person, ground: Any) -> None:
    board = f"board/{ground.pi.pk}/"
    product.open(board)
    for title, team, number in (("Posting API", ground.ledger, 1), ("Instant refunds", ground.acquiring, 2)):
        rte.do(
            f"{board}move/{ground.features[title].key}/",
            team=str(team.pk),
            iteration=str(ground.iterations[number - 1].pk),
        )
    for title in ("Posting API", "Instant refunds"):
        product.main.locator(".fc").filter(has_text=title).first.wait_for()


def agree_on_a_dependency(product: Person, member: Person, ground: Any) -> None:
    refunds = ground.features["Instant refunds"]
    product.do(
        f"board/{ground.pi.pk}/needs/{refunds.key}/",
        provider=ground.features["Posting API"].key,
        what="Posting of refunds",
    )
    member.open("feature-dependencies/")
    member.main.get_by_role("link", name=refunds.key).first.wait_for()
    dependency = member.main.locator("tbody a[href*='/feature-dependencies/']").filter(visible=True).first
    member.open(dependency.get_attribute("href") or "")
    member.press("Accept")
    member.sees("Accepted")


def raise_what_is_in_the_way(rte: Person, event: str, member: Person) -> None:
    rte.open(event)
    member.open(event)
    member.press("Raise", team="Ledger Core", title="No masked test data")
    seen_by("No masked test data", rte)


def roam_a_risk(rte: Person, event: str) -> None:
    rte.press("New risk", title="The scheme moves its date", likelihood=3, impact=5)
    rte.sees("The scheme moves its date")
    rte.press("Own", owner="Product Manager")
    rte.open("risks/roam/")
    owned = rte.main.locator(".roam section").filter(has_text="Owned")
    owned.get_by_text("The scheme moves its date").wait_for()
    rte.open(event)


def promise_an_objective(member: Person, event: str) -> None:
    member.open(event)
    member.press("New objective", team="Ledger Core", title="Refunds within ten seconds", planned_value=8)
    member.open(event)
    member.sees("Refunds within ten seconds")


def park_a_topic(product: Person, rte: Person, event: str) -> None:
    product.open(event)
    product.press("Park a topic", text="Who pays for staging?")
    seen_by("Who pays for staging?", rte)


def second_day(rte: Person, event: str) -> None:
    rte.main.get_by_role("link", name="Confidence vote", exact=True).first.click()
    rte.press("Begin")
    rte.open(event)
    rte.main.get_by_role("heading", name="Confidence vote").first.wait_for()


def vote_rework_and_vote_again(rte: Person, event: str, *others: Person) -> None:
    for round_, fingers in (("first", (2, 2, 3)), ("second", (4, 4, 5))):
        again = {"rework": "Refunds moved one iteration later."} if round_ == "second" else {}
        rte.open(event)
        rte.press("Open a vote", anonymous=True, quorum=3, **again)
        for person, number in zip((rte, *others), fingers, strict=True):
            person.open(event)
            low = {"comment": "Staging is shared."} if number <= 2 else {}
            person.press("Vote", fingers=number, **low)
        rte.open(event)
        rte.press("Close the vote")
        rte.open(event)
    rte.sees("4.3 of 5")
    rte.sees("After rework: Refunds moved one iteration later.")
    rte.sees("2.3 of 5, 2 low")


def commit(rte: Person, event: str, product: Person, ground: Any) -> None:
    rte.open(f"increments/{ground.pi.pk}/plan/")
    rte.press("Commit the plan")
    rte.open(f"increments/{ground.pi.pk}/plan/")
    rte.sees("The plan stands as it was committed.")
    product.open(event)
    rte.open(event)
    rte.press("End")
    seen_by("The event has ended", product)
