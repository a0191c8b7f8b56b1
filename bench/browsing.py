"""A board in Chromium: real input, measured by the browser's event timing and long tasks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
_WATCH = """
window.measured = { events: [], tasks: [] };
new PerformanceObserver((list) => { for (const e of list.getEntries()) window.measured.events.push([e.name, e.duration]); })
  .observe({ type: "event", durationThreshold: 16, buffered: true });
new PerformanceObserver((list) => { for (const e of list.getEntries()) window.measured.tasks.push(e.duration); })
  .observe({ type: "longtask", buffered: true });
"""
_REDRAW = """async () => {
  const all = document.querySelector("[name=strings][value=all]");
  const off = document.querySelector("[name=strings][value=off]");
  const times = [];
  for (let n = 0; n < 5; n++) {
    off.checked = true; off.dispatchEvent(new Event("change"));
    while (document.querySelector("svg.strings .lines path")) await new Promise((done) => setTimeout(done));
    const from = performance.now();
    all.checked = true; all.dispatchEvent(new Event("change"));
    while (!document.querySelector("svg.strings .lines path")) await new Promise((done) => setTimeout(done));
    times.push(performance.now() - from);
  }
  return times.sort((a, b) => a - b)[2];
}"""


class OpenBoard:
    """The board of one person in a browser window."""

    def __init__(self, page: Any, colleague: Any, address: str):
        self.page, self.colleague, self.address = page, colleague, address

    def warm_up(self) -> None:
        self.page.goto(self.address)
        self.page.wait_for_selector(".fc")
        self._keyboard()
        self.page.wait_for_timeout(3000)

    def interactions(self) -> dict[str, float]:
        """The slowest event of each way to move a card, in seconds; below the browser's 16 ms it counts as 16."""
        found = {}
        for what, act in (("keyboard", self._keyboard), ("mouse", self._mouse), ("strings", self._strings)):
            self.page.evaluate("window.measured.events = []")
            for _ in range(3):
                act()
            self.page.wait_for_timeout(500)
            found[what] = max([16.0, *self.page.evaluate("window.measured.events.map((e) => e[1])")]) / 1000
        return found

    def longest_task(self) -> float:
        """The longest block of the page's thread while it takes in what somebody else did (0.05 when none was long)."""
        self.page.evaluate("window.measured.tasks = []")
        for _ in range(3):
            self.colleague()
            self.page.wait_for_timeout(2600)
        return max([50.0, *self.page.evaluate("window.measured.tasks")]) / 1000

    def redraw(self) -> float:
        return self.page.evaluate(_REDRAW) / 1000  # type: ignore[no-any-return]

    def _keyboard(self) -> None:
        self.page.locator(".fc a.tt").nth(40).focus()
        for key in ("Space", "ArrowRight", "ArrowDown"):
            self.page.keyboard.press(key)
        with self.page.expect_response("**/moves/**"):
            self.page.keyboard.press("Space")
        self.page.wait_for_timeout(1200)

    def _mouse(self) -> None:
        card = self.page.locator("tr.lane .fc").nth(1)
        card.scroll_into_view_if_needed()
        box = card.bounding_box()
        cell = self.page.locator("tr.lane").first.locator("td").nth(2).bounding_box()
        self.page.mouse.move(box["x"] + 20, box["y"] + 10)
        self.page.mouse.down()
        self.page.mouse.move(cell["x"] + 50, cell["y"] + 30, steps=12)
        with self.page.expect_response("**/moves/**", timeout=10_000):
            self.page.mouse.up()
        self.page.wait_for_timeout(1200)

    def _strings(self) -> None:
        for mode in ("all", "risk"):
            self.page.locator(f"label:has([name=strings][value={mode}])").click()
            self.page.wait_for_timeout(300)


@contextmanager
def board(port: int, person: Any, address: str) -> Iterator[OpenBoard]:
    """The board in Chromium, signed in as the person; a colleague moves cards by another connection."""
    from django.conf import settings
    from django.test import Client
    from playwright.sync_api import sync_playwright

    client = Client(headers={"host": "localhost"})
    client.force_login(person)
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
    }
    base = f"http://127.0.0.1:{port}"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        context = chromium.new_context(base_url=base, viewport={"width": 1440, "height": 900})
        context.add_cookies([{**cookie, "url": base}])
        context.add_init_script(_WATCH)
        page = context.new_page()
        other = context.new_page()
        other.goto(f"{base}{address}")

        def move() -> None:
            card = other.locator("tr.lane .fc").nth(60)
            row = card.evaluate("c => [c.dataset.id, c.dataset.version, c.closest('tr').dataset.lane]")
            at = other.evaluate(
                "[...document.querySelectorAll('tr.ms td[data-iteration]')].map(t => t.dataset.iteration)"
            )
            token = other.locator("meta[name=csrf]").get_attribute("content")
            form = {
                "card": row[0],
                "lane": row[2],
                "iteration": at[int(row[1]) % len(at)],
                "row_version": row[1],
            }
            answer = context.request.post(f"{address}moves/", form=form, headers={"X-CSRFToken": token or ""})
            if not answer.ok:
                raise RuntimeError(f"The colleague's move was refused: {answer.text()}")
            other.reload()

        page.bring_to_front()
        yield OpenBoard(page, move, address)
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
