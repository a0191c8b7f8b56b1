"""The generated pages in a browser: with a dialog, without scripts, on a phone, and under axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.journey
AXE = Path(__file__).parent.parent / "vendor" / "axe" / "axe.min.js"
ROOT = "/o/northwind"


@pytest.fixture
def owner(page: Any, web: Any) -> Iterator[Any]:
    """A page of the organization's owner."""
    _sign_in(page, web)
    return page


def _sign_in(page: Any, web: Any) -> None:
    from django.conf import settings

    cookie = web("owner").cookies[settings.SESSION_COOKIE_NAME].value
    page.goto("/healthz")
    base = page.evaluate("location.origin")
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])


def faults(page: Any) -> list[str]:
    """What axe holds against the page."""
    page.evaluate(AXE.read_text())
    rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}"
    found = page.evaluate(f"axe.run({rules}).then(r => r.violations)")
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]


def test_a_view_is_saved_in_the_dialog_found_and_forgotten(owner):
    owner.goto(f"{ROOT}/grants/?role=rte")
    owner.get_by_role("link", name="Save view").click()
    dialog = owner.locator("dialog[open]")
    dialog.get_by_label("List").fill("nowhere")
    dialog.get_by_label("Name").fill("Engineers")
    dialog.get_by_role("button", name="Save view").click()
    dialog.get_by_text("There is no list nowhere.").first.wait_for()
    dialog.get_by_label("List").fill("grants")
    dialog.get_by_role("button", name="Save view").click()
    owner.wait_for_url("**/saved-views/*/")
    assert owner.get_by_text("Save view: Engineers").is_visible()
    owner.goto(f"{ROOT}/grants/")
    owner.get_by_role("link", name="Engineers").click()
    owner.wait_for_url("**/grants/?role=rte")
    owner.keyboard.press("Control+k")
    owner.keyboard.type("engineers")
    owner.locator("#palette [role=option]", has_text="Engineers").first.wait_for()
    owner.keyboard.press("Enter")
    owner.wait_for_url("**/saved-views/*/")
    owner.get_by_role("link", name="Delete").click()
    owner.locator("dialog[open]").get_by_role("button", name="Delete").click()
    owner.get_by_text("forgotten", exact=False).first.wait_for()


def test_everything_works_without_scripts(browser, live_app, web):
    context = browser.new_context(base_url=live_app.url, java_script_enabled=False)
    page = context.new_page()
    from django.conf import settings

    cookie = web("owner").cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_app.url}])
    page.goto(f"{ROOT}/saved-views/new?listed=grants")
    page.get_by_label("Name").fill("Plain")
    page.get_by_role("button", name="Save view").click()
    page.wait_for_url("**/saved-views/*/")
    page.goto(f"{ROOT}/grants/")
    page.get_by_label("Role").select_option("auditor")
    page.get_by_role("button", name="Filter").click()
    assert page.locator("tbody tr").count() == 1
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_generated_pages_fit_and_pass_axe(owner, width):
    owner.set_viewport_size({"width": width, "height": 844})
    owner.goto(f"{ROOT}/grants/")
    first = owner.locator("tbody a.obj").first.get_attribute("href")
    for address in (
        f"{ROOT}/grants/?role=rte",
        first,
        f"{first}history",
        f"{first}do/revoke",
        f"{ROOT}/saved-views/",
        f"{ROOT}/grants/new",
        f"{ROOT}/search/?q=owner",
        "/api/problems/state.illegal",
    ):
        owner.goto(address)
        assert faults(owner) == [], address
        wide = owner.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{address} is {wide} px too wide"
