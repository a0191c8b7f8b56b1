"""A board meets: five people with phones, one recused, one deputy, one with a condition; and what a rejection leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope

from .people import DESK, PHONE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.journey, pytest.mark.timeout(800)]

MEMBERS = ("cab_member", "second_cab_member", "third_cab_member", "problem_manager", "change_manager")
PLANS = {
    "implementation_plan": "Deploy it with the night's window.",
    "test_plan": "The failing case is in the suite.",
    "backout_plan": "Deploy the version before; ten minutes.",
}
# What a member may need at most; a person reads slower than a machine, so the machine gets a part of the minute.
SECONDS = 30


@pytest.fixture
def enter(browser: Browser, live_app: Any, web: Any) -> Iterator[Callable[..., Page]]:
    """`enter("cab_member", phone=True)` — that person's own browser; what it complains of fails the test."""
    from django.conf import settings

    contexts: list[Any] = []
    complaints: list[str] = []

    def person(role: str, *, phone: bool = True) -> Page:
        context = browser.new_context(base_url=live_app.url, **(PHONE if phone else DESK))  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        cookie = web(role).cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_app.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{role}: {error.message}"))
        contexts.append(context)
        return page

    yield person
    for context in contexts:
        context.close()
    assert not complaints, complaints


@pytest.fixture
def asked(committed_db: Any, cast: Any) -> Any:
    """A change before a board of five with a quorum of four, on the agenda of a meeting."""
    from governance.actions import boards, changes
    from governance.models import Board

    with tenant_scope(cast.organization.pk, cast["change_manager"]):
        chair = cast["change_manager"]
        board = boards.create_board(chair, name="Change advisory board", quorum=3)
        for role in MEMBERS:
            boards.add_member(chair, board, email=cast.user(role).email)
        boards.add_member(
            chair,
            board,
            email=cast.user("compliance_officer").email,
            deputy_of=cast.user("change_manager").email,
        )
        boards.edit_board(chair, board, quorum=3, rule=Board.Rule.MAJORITY, share=100)
        change = changes.create_change(
            cast["release_manager"],
            title="Raise the limit of instant refunds",
            board=Board.objects.get(pk=board.pk),
            window_starts=now() + timedelta(hours=8),
            window_ends=now() + timedelta(hours=10),
            **PLANS,
        )
        change = changes.submit(cast["release_manager"], change)
        boards.schedule_meeting(chair, board=board, starts_at=now() + timedelta(minutes=5))
    return change


def decide(page: Page, change: Any, choice: str, why: str, condition: str = "") -> float:
    """Home, the change, the decision, sent with the thumb. Returns the seconds it took."""
    began = monotonic()
    page.goto("/o/northwind/")
    page.locator("main").get_by_role("link", name=change.key).first.tap()
    page.wait_for_url(f"**/cab/{change.key}/")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "nothing runs out of a phone's width"
    )
    page.locator(".mobbar").get_by_role("link", name="Reject" if choice == "reject" else "Approve…").tap()
    page.wait_for_url("**#decide")
    if condition:
        page.locator(f"input[value={choice}]").check(force=True)
        page.locator("#conditions").fill(condition)
    page.get_by_label("Rationale").fill(why)
    button = page.get_by_role("button", name="Record decision")
    box = button.bounding_box()
    assert box and box["height"] >= 44 and box["y"] > 844 * 0.5, "within reach of a thumb"
    button.tap()
    page.get_by_text("You decided:").wait_for()
    return monotonic() - began


def test_a_meeting_of_five_phones(asked: Any, enter: Callable[..., Page], cast: Any) -> None:
    chair = enter("change_manager", phone=False)
    chair.goto("/o/northwind/cab/")
    tap(chair, "Open meeting")
    chair.get_by_role("timer").wait_for()
    times = {}
    here = enter("cab_member")
    here.goto("/o/northwind/cab/")
    tap(here, "I am here")
    times["approves"] = decide(here, asked, "approve", "Tests and the way back are clear.")
    times["with a condition"] = decide(
        enter("second_cab_member"),
        asked,
        "approve_with_conditions",
        "If the night shift knows.",
        "The night shift is briefed",
    )
    recused = enter("third_cab_member")
    began = monotonic()
    recused.goto(f"/o/northwind/cab/{asked.key}/#decide")
    recused.get_by_role("link", name="Recuse yourself").tap()
    form = recused.locator("dialog[open] form.form")
    form.locator("[name=reason]").fill("My partner leads the team that asked for it.")
    with recused.expect_navigation():
        form.locator("[type=submit]").last.tap()
    recused.goto(f"/o/northwind/cab/{asked.key}/")
    recused.get_by_text("You are recused").first.wait_for()
    times["recused"] = monotonic() - began
    times["deputy"] = decide(
        enter("compliance_officer"), asked, "approve", "In Henrik's place: it is in order."
    )
    times["last"] = decide(enter("problem_manager"), asked, "approve", "It removes what caused the incident.")
    print({who: round(seconds, 1) for who, seconds in times.items()})
    assert max(times.values()) < SECONDS
    chair.goto(f"/o/northwind/cab/{asked.key}/")
    chair.get_by_text("4 of 4 needed").wait_for()
    chair.get_by_text("The night shift is briefed").first.wait_for()
    tap(chair, "Next item")
    tap(chair, "Close meeting")
    with tenant_scope(cast.organization.pk, cast["change_manager"]):
        from governance.models import ChangeRequest, Meeting

        change = ChangeRequest.objects.get(pk=asked.pk)
        meeting = Meeting.objects.get()
    assert (change.state, change.approved_by) == ("approved", "board")
    assert chair.url.endswith(f"/cab/minutes/{meeting.pk}/")
    for said in ("Recused: ", "Condition: The night shift is briefed", "4 for, 0 against", "(by "):
        chair.get_by_text(said).first.wait_for()


def tap(page: Page, label: str) -> None:
    """One of the buttons of a meeting."""
    with page.expect_navigation():
        page.locator("main").get_by_role("button", name=label, exact=True).click()


def test_rejected_amended_approved(asked: Any, enter: Callable[..., Page], cast: Any) -> None:
    phones = {role: enter(role) for role in ("cab_member", "second_cab_member", "third_cab_member")}
    for page in phones.values():
        decide(page, asked, "reject", "Ten minutes without refunds are too long.")
    author = enter("release_manager", phone=False)
    author.goto(f"/o/northwind/changes/{asked.key}/")
    author.get_by_text("Rejected").first.wait_for()
    send(author, "Reopen", reason="The way back takes one minute now.")
    send(author, "Edit", backout_plan="Switch the flag off; one minute, rehearsed.")
    send(author, "Submit")
    times = []
    for page in phones.values():
        page.goto(f"/o/northwind/cab/{asked.key}/")
        page.get_by_role("heading", name="What changed since revision").wait_for()
        page.locator("ins", has_text="Switch the flag off; one minute, rehearsed.").wait_for()
        page.locator("del", has_text="Deploy the version before; ten minutes.").wait_for()
        times.append(decide(page, asked, "approve", "That is quick enough."))
    for role in ("problem_manager", "compliance_officer"):
        times.append(decide(enter(role), asked, "approve", "Agreed."))
    assert max(times) < SECONDS
    author.goto(f"/o/northwind/changes/{asked.key}/")
    author.get_by_text("A board, lapses").wait_for()


def send(page: Page, verb: str, **values: str) -> None:
    page.locator("main").get_by_role("link", name=verb, exact=True).first.click()
    form = page.locator("dialog[open] form.form")
    form.wait_for()
    for name, value in values.items():
        form.locator(f"[name={name}]").fill(value)
    with page.expect_navigation():
        form.locator("[type=submit]").last.click()
