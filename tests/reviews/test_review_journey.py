"""A review in a browser: facts are accepted, a cause cites one, an action follows; pages fit a phone and pass axe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from .conftest import Reviewing

pytestmark = pytest.mark.journey

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class StandingClock:
    """The running product has the real clock; so has this test."""

    def shift(self, span: timedelta) -> None:
        raise AssertionError("the clock of the running product cannot be moved")


@pytest.fixture
def happened(committed_db: Any, cast: Any, within: Any) -> Any:
    """A rolled-back release with an incident, a problem that came back, and the review that a rule opened."""
    from problems.actions.failure_links import accept_link
    from problems.actions.incidents import resolve
    from problems.actions.problems import mark_known_error
    from reviews.models import Review
    from trains.actions.deployments import finish_deployment, roll_back_deployment

    with within(cast, "rte"):
        world = Reviewing(cast, StandingClock())
        start = world.now
        world.rule()
        for days in (40, 25, 12):
            began = start - days * DAY
            world.incident(
                "Payments are declined",
                fingerprint="ledger-deadlock",
                detected_at=began,
                resolved_at=began + 3 * HOUR,
            )
        problem = world.problem()
        mark_known_error(
            cast["problem_manager"], problem, workaround="Restart the night job, then post again."
        )
        world.validated(problem)
        live = start - 2 * DAY
        world.deploy("5.1.0", started_at=live - 9 * DAY, finished_at=live - 9 * DAY)
        release = world.release("5.2.0", target_at=live - 5 * HOUR)
        world.link(problem, release)
        bad = world.deploy("5.2.0", release=release, started_at=live, finished_at=live + HOUR / 2)
        world.follow(bad)
        incident = world.incident(
            "Cards are declined", detected_at=live + 2 * HOUR, impact="One card payment in five.", severity=2
        )
        accept_link(cast["release_manager"], incident.failure_links.get())
        rollback = roll_back_deployment(cast["release_manager"], bad, reason="Declined cards.")
        finish_deployment(cast["release_manager"], rollback, status="succeeded")
        resolve(cast["team_member"], incident)
        world.heard(incident, "incident.resolve")
        world.heard(rollback, "deployment.finish")
        world.follow(rollback, "deployment.finish")
        world.review_, world.problem_, world.incident_, world.release_ = (
            Review.objects.get(),
            problem,
            incident,
            release,
        )
    return world


@pytest.fixture
def signed_in(page: Any, happened: Any, web: Any) -> Iterator[Any]:
    """The browser, with the Release Train Engineer signed in."""
    from django.conf import settings

    cookie = web("rte").cookies[settings.SESSION_COOKIE_NAME].value
    page.goto("/")
    base = page.evaluate("location.origin")
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
    return page


def _press(page: Any, title: str) -> None:
    page.get_by_role("link", name=title, exact=True).first.click()
    page.locator("dialog[open] form").wait_for()


def _submit(page: Any) -> None:
    page.locator("dialog[open] form button[type=submit]").click()
    page.locator("dialog[open]").wait_for(state="detached")


def test_facts_then_a_cause_then_an_action(signed_in: Any, happened: Any) -> None:
    page, review = signed_in, happened.review_
    page.goto(f"/o/northwind/reviews/{review.key}/")
    page.get_by_text("Locked until the facts are accepted: first what happened").wait_for()
    _press(page, "Accept facts")
    _submit(page)
    page.get_by_text("No cause is named yet.").wait_for()
    _press(page, "Add cause")
    page.locator("dialog[open] [name=statement]").fill("The canary watched latency only.")
    page.locator("dialog[open] select[name=category]").select_option("deployment_process")
    page.locator("dialog[open] [name=evidence]").select_option(index=1)
    _submit(page)
    page.get_by_text("shown by:").wait_for()


def test_pages_fit_a_phone_and_pass_axe(signed_in: Any, happened: Any) -> None:
    page = signed_in
    shots = os.environ.get("RELEASETRAIN_SCREENSHOTS", "")
    pages = {
        "review": f"reviews/{happened.review_.key}/",
        "problem": f"problems/{happened.problem_.key}/",
        "incident": f"incidents/{happened.incident_.key}/",
        "cockpit": f"releases/{happened.release_.key}/",
    }
    axe = (Path(__file__).parents[1] / "vendor" / "axe" / "axe.min.js").read_text()
    for name, path in pages.items():
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.goto(f"/o/northwind/{path}")
                overflow = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert overflow <= 0, f"{name} at {width} is {overflow} px too wide"
                if shots:
                    page.screenshot(path=f"{shots}/{name}-{width}-{scheme}.png", full_page=True)
                if width == 1440 and name != "cockpit":
                    page.evaluate(axe)
                    found = page.evaluate(
                        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)"
                    )
                    assert not found, [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found]
