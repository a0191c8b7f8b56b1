"""A release manager takes a release through its cockpit in a browser; the pages fit a phone and pass axe."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from releasetrain.kernel.clock import now
from tests.trains.conftest import World

pytestmark = pytest.mark.journey
AXE = Path(__file__).parent.parent / "vendor" / "axe" / "axe.min.js"


@pytest.fixture
def world(committed_db: Any, cast: Any, within: Any) -> Any:
    from trains.actions.freezes import create_freeze

    with within(cast, "rte"):
        world = World(cast)
        world.live = world.scoped("5.2.0", target_at=now() + timedelta(days=2))
        world.artifact()
        world.deploy("5.1.0", started_at=now() - timedelta(days=3), finished_at=now() - timedelta(days=3))
        world.deploy("5.2.0", environment=world.staging, digest="sha256:" + "a" * 64, release=world.live)
        create_freeze(
            cast["rte"],
            name="Year end",
            starts=now() + timedelta(days=1),
            ends=now() + timedelta(days=6),
            reason="Books",
        )
    return world


@pytest.fixture
def signed_in(page: Any, world: Any, web: Any) -> Iterator[Any]:
    """A page of the release manager."""
    from django.conf import settings

    cookie = web("release_manager").cookies[settings.SESSION_COOKIE_NAME].value
    page.goto("/")
    base = page.evaluate("location.origin")
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
    return page


def faults(page: Any) -> list[str]:
    """What axe holds against the page; run as an own script, because the page's policy allows no other."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}).then(r => r.violations)"
    )
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found]


def test_a_release_is_frozen_and_made_ready_from_its_cockpit(
    signed_in: Any, world: Any, cast: Any, within: Any
) -> None:
    page = signed_in
    page.goto(f"/o/northwind/releases/{world.live.key}/")
    page.get_by_role("link", name="Freeze scope").click()
    page.get_by_role("button", name="Freeze scope").click()
    page.wait_for_selector(".page-head .chip:has-text('Frozen')")
    with within(cast, "release_manager") as manager:
        from trains.actions.scope import attach_artifact

        attach_artifact(manager, world.live, artifact=world.artifact())
    page.goto(f"/o/northwind/releases/{world.live.key}/")
    assert "as released here" in page.content()
    page.get_by_role("link", name="Mark ready").click()
    page.get_by_role("button", name="Mark ready").click()
    page.wait_for_selector(".page-head .chip:has-text('Ready')")
    with within(cast, "release_manager"):
        world.live.refresh_from_db()
        assert world.live.state == "ready"


def test_cockpit_overview_and_calendar_fit_a_phone_and_pass_axe(signed_in: Any, world: Any) -> None:
    page = signed_in
    paths = [
        f"releases/{world.live.key}/",
        "trains/PAY/",
        "calendar/",
        "calendar/?view=month",
        "calendar/?view=list",
    ]
    for path in paths:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"/o/northwind/{path}")
        assert faults(page) == [], path
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"/o/northwind/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert faults(page) == [], path
    page.goto("/o/northwind/calendar/")
    assert page.locator(".tlgrid").is_hidden()
    assert page.get_by_role("heading", level=2).first.is_visible()
