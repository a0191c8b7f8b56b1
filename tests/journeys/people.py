"""People in browsers: each has a session of their own, on a desk or with a phone in one hand."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Response

PASSWORD = "a long train of thought 26"
DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
ZONE = ZoneInfo("Europe/London")


class Person:
    """Somebody signed up, who works through pages only."""

    def __init__(self, browser: Browser, base: str, email: str, *, phone: bool = False):
        self.email, self.name = email, email.partition("@")[0]
        self.root = "/"
        self.complaints: list[str] = []
        self.context = browser.new_context(base_url=base, **(PHONE if phone else DESK))  # type: ignore[arg-type]
        self.context.set_default_timeout(20_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{error.name}: {error.message}"))

    def _hear(self, message: Any) -> None:
        # A refusal is an answer with a status of its own, which Chromium writes down as a failed load.
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def sign_up(self) -> Person:
        self.page.goto("/accounts/signup/")
        self.page.locator("[name=email]").fill(self.email)
        self.page.locator("[name=password1]").fill(PASSWORD)
        with self.page.expect_navigation():
            self.page.locator("main form [type=submit], form.signup [type=submit]").first.click()
        assert "/signup" not in self.page.url, self.page.locator("main").inner_text()
        return self

    def open(self, path: str = "") -> Response | None:
        """A page of the organization by its path, or any page by its full path."""
        response = self.page.goto(path if path.startswith("/") else self.root + path)
        assert response is not None and response.status < 500, f"{path}: {response and response.status}"
        return response

    @property
    def path(self) -> str:
        """Where this person is."""
        return urlsplit(self.page.url).path

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def sees(self, text: str, timeout: float | None = None) -> None:
        self.main.get_by_text(text).filter(visible=True).first.wait_for(timeout=timeout)

    def watches_for(self, text: str, seconds: float = 120) -> None:
        """Look at the page again and again until the words stand there; for what a worker does in its own time."""
        deadline = self.page.evaluate("performance.timeOrigin + performance.now()") + seconds * 1000
        while not self.main.get_by_text(text).filter(visible=True).count():
            assert self.page.evaluate("performance.timeOrigin + performance.now()") < deadline, (
                f"“{text}” never came up on {self.page.url}:\n{self.main.inner_text()}"
            )
            self.page.wait_for_timeout(700)
            self.page.reload()

    def do(self, path: str, /, **values: Any) -> str:
        """Fill and send the form at the path; returns where that leads."""
        self.open(path)
        return self._send(self.page.locator("main form.form").first, values)

    def press(self, verb: str, **values: Any) -> str:
        """Press the button of a verb on the page in view and send the form that opens over it."""
        self.main.get_by_role("link", name=verb, exact=True).first.click()
        return self.send(**values)

    def send(self, **values: Any) -> str:
        """Fill and send the form that has opened over the page."""
        return self._send(self.page.locator("dialog[open] form.form"), values)

    def why_not(self, verb: str) -> str:
        """What a barred button says when it is pressed."""
        button = self.main.get_by_role("button", name=verb, exact=True).first
        button.focus()
        self.page.keyboard.press("Enter")
        reason = self.page.locator(f"[id='{button.get_attribute('popovertarget')}']")
        reason.wait_for()
        return reason.inner_text()

    def refused(self, path: str, /, **values: Any) -> str:
        """Send the form at the path, even if its button is barred, and see the server refuse it; returns what it says."""
        self.open(path)
        form = self.page.locator("main form.form").first
        self._fill(form, values)
        with self.page.expect_navigation() as navigation:
            form.evaluate("form => form.submit()")
        assert navigation.value.status in (403, 409, 422, 423), self.main.inner_text()
        return self.main.inner_text()

    def _send(self, form: Locator, values: dict[str, Any]) -> str:
        self._fill(form, values)
        before = self.page.url
        try:
            with self.page.expect_navigation() as arrival:
                form.locator("[type=submit]").last.click()
            accepted = arrival.value.status < 400
        except PlaywrightTimeoutError:
            accepted = False
        said = self.page.locator("dialog[open]") if self.page.locator("dialog[open]").count() else self.main
        assert accepted, f"{before} was not accepted:\n{said.inner_text()}"
        return self.path

    def _fill(self, form: Locator, values: dict[str, Any]) -> None:
        form.wait_for()
        for name, value in values.items():
            field = form.locator(f"[name={name}]")
            assert field.count(), f"{self.page.url} has no field {name}:\n{self.main.inner_text()}"
            tag = field.first.evaluate("e => e.tagName + ':' + e.type")
            if tag.startswith("SELECT"):
                field.select_option(
                    [option_of(field, each) for each in (value if isinstance(value, list) else [value])]
                )
            elif tag == "INPUT:radio":
                form.locator(f"[name={name}][value='{value}']").check(force=True)
            elif tag == "INPUT:checkbox":
                field.set_checked(bool(value))
            elif isinstance(value, Path):
                field.set_input_files(value)
            else:
                field.fill(_typed(value))


def option_of(select: Locator, wanted: Any) -> str:
    """The value of the option that is meant by its value or by a part of its words."""
    options: list[list[str]] = select.evaluate("e => [...e.options].map(o => [o.value, o.text])")
    for value, text in options:
        if str(wanted) == value or (value and str(wanted) in text):
            return value
    raise AssertionError(f"{wanted!r} is not offered: {[text for _, text in options]}")


def _typed(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return str(value)
