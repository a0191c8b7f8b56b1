"""Gates in a browser: the rule in words, a new version by form, an evaluation that settles while one looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.governance.gateway import TESTS, cyclonedx, junit, lcov, sarif

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def world_of(gateway: Any) -> Any:
    """A release with a build, its reports, and a gate of four checks; returns the release."""
    from trains.actions.releases import create_release
    from trains.actions.scope import attach_artifact

    gateway.publish(
        TESTS,
        {"kind": "coverage", "max_age_hours": 24},
        {"kind": "static-analysis", "max_age_hours": 48},
        {"kind": "composition", "max_age_hours": 48},
    )
    gateway.post(junit(3))
    gateway.post(lcov(71, 100), name="lcov.info")
    gateway.post(sarif(("B101", "error"), ("B303", "warning")))
    gateway.post(cyclonedx({"id": "CVE-2026-1", "severity": "critical"}))
    with gateway.scope("release_manager") as manager:
        release = create_release(manager, train=gateway.train, version="5.2.0", name="Instant payments")
        attach_artifact(manager, release, artifact=gateway.artifact())
    return release


@pytest.fixture
def signed_in(page: Any, web: Any) -> Iterator[Any]:
    """`signed_in("release_manager")` — the page with that role's session."""
    from django.conf import settings

    def enter(role: str) -> Any:
        cookie = web(role).cookies[settings.SESSION_COOKIE_NAME].value
        page.goto("/")
        base = page.evaluate("location.origin")
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        return page

    return enter


def test_a_release_manager_publishes_a_version_and_reads_why_the_gate_fails(
    committed_db: Any, gateway: Any, signed_in: Any, celery_worker: Any
) -> None:
    release = world_of(gateway)
    page = signed_in("release_manager")
    page.goto(f"/o/northwind/gates/{gateway.gate.key}/")
    page.get_by_text("At least 2 tests were executed and 100 % of them passed").wait_for()
    page.get_by_role("link", name="New version").click()
    page.get_by_label("Least line coverage, %").fill("70")
    page.get_by_label("Kind", exact=True).select_option("freeze")
    page.get_by_role("button", name="Add, remove, reorder").click()
    page.get_by_role("heading", name="5. No freeze").wait_for()
    page.get_by_label("What changes and why").fill("Coverage follows the plan; freezes count")
    page.get_by_role("button", name="Publish the version").click()
    page.get_by_text("version 3, published").wait_for()
    page.get_by_text("At least 70 % of the lines are covered").wait_for()

    page.goto(f"/o/northwind/evaluations/do/evaluate?gate={gateway.gate.pk}&release={release.pk}")
    page.locator("main").get_by_role("button", name="Evaluate").click()
    # Nobody reloads: the region asks until a worker has settled it.
    page.get_by_text("ledger 1.0.0 has 1 critical (at most 0).").wait_for(timeout=60_000)
    assert page.get_by_text("To pass:").count() == 2
    page.goto(f"/o/northwind/releases/{release.key}/")
    page.get_by_role("link", name="production: Ready for production").wait_for()
    page.goto("/o/northwind/findings/?severity=critical")
    page.get_by_role("link", name="CVE-2026-1 in lib0 1.0.0").click()
    page.get_by_role("heading", name="CVE-2026-1 in lib0 1.0.0").wait_for()
