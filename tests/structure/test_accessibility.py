"""Every page on the demo's data: WCAG rules by axe-core, on a desk and a phone, light and dark, and no overflow.

Each page is loaded once. Every rule runs in both layouts; what a theme can change (contrast) runs in the other theme
of each layout as well, so that all four looks are judged. Forms, histories and objects of most kinds come from one
template each: a page that holds nothing but elements seen before (same tag, classes and kinds of attributes) is judged
once, at a desk; one whose form or history brings nothing new is only read for its answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.testbed.processes import LiveApp

pytestmark = [pytest.mark.journey, pytest.mark.timeout(3000)]

Shape = tuple[object, ...]

AXE = (Path(__file__).parents[1] / "vendor" / "axe" / "axe.min.js").read_text()
SLUG = "demo-bank"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Without preloading style sheets and without frames: the pages have neither remote styles nor frames.
LEAN = {"resultTypes": ["violations"], "preload": False, "iframes": False}
ALL_RULES = {"runOnly": TAGS, **LEAN}
# The rules whose verdict colours can change.
OF_THEME = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}, **LEAN}
# Light to dark on the desk, then smaller, then dark to light: every look once, one load.
LOOKS = (
    ("desk, light", "light", DESK, ALL_RULES),
    ("desk, dark", "dark", DESK, OF_THEME),
    ("phone, dark", "dark", PHONE, ALL_RULES),
    ("phone, light", "light", PHONE, OF_THEME),
)
LOOK = """options => axe.run(document, options).then(found => found.violations.map(
    v => `${v.id}: ${v.nodes.slice(0, 2).map(n => n.target.join(" ") + " " + n.html.slice(0, 160)).join(" | ")}`))"""
WIDER = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
# The style attribute is refused by the policy; found in the source, not in the page, where scripts may position things.
STYLED = re.compile(r"<[^>]*\sstyle=")

PLACES = [
    *(
        "",
        "board/",
        "features/",
        "cab/",
        "calendar/",
        "calendar/?view=month",
        "calendar/?view=list",
        "metrics/",
    ),
    *("audit/", "settings/", "search/?q=payments", "evidence/", "reviews/", "problems/", "no-such-page/"),
]
SITE = [
    "/organizations/new/",
    "/accounts/profile/",
    "/accounts/2fa/",
    "/accounts/password/change/",
    "/styleguide/",
]
PUBLIC = [
    "/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/api/",
    "/api/problems/",
]


@pytest.fixture
def demo(committed_db: Any) -> Any:
    """The demo's bank, beside the organizations of the cast; returns somebody who holds every role there."""
    from releasetrain.accounts.actions import grant, scope_for
    from releasetrain.accounts.catalogue import Role
    from releasetrain.accounts.demo_logins import NORTHWIND
    from releasetrain.exchange.demo.bank import Bank
    from releasetrain.exchange.demo.cast import found
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.scope import tenant_scope

    bank = found(SLUG, "Demo Bank", "Europe/Berlin", NORTHWIND)
    organization = bank.organization
    with tenant_scope(organization.pk, Actor.system(organization.pk, "demo data", route="test")):
        Bank(bank).build()
        somebody = bank.user(Role.OWNER)
        for role in Role:
            if role not in (Role.OWNER, Role.SERVICE_ACCOUNT):
                grant(somebody, role, scope_for(organization))
    return somebody


def shapes(source: str) -> set[Shape]:
    """What a page is made of: each element's tag, classes, type and role, and which other attributes it has."""
    found = Shapes()
    found.feed(source)
    return found.seen


class Shapes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[Shape] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value for name, value in attrs if name in ("class", "type", "role")}
        others = sorted(name for name, _ in attrs if name not in told)
        self.seen.add((tag, *sorted(told.items()), *others))


@dataclass
class Inspector:
    """Walks pages in one browser context and writes down what is wrong with them."""

    page: Page
    faults: list[str] = field(default_factory=list)
    seen: int = 0
    judged: int = 0
    _shapes: set[Shape] = field(default_factory=set)
    _console: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        def note(message: Any) -> None:
            if message.type == "error" and "status of 4" not in message.text:
                self._console.append(message.text)

        self.page.on("console", note)
        self.page.on("pageerror", lambda error: self._console.append(f"{error.name}: {error.message}"))

    def visit(
        self, address: str, *, expected: tuple[int, ...] = (200,), whole: bool = True, skip: bool = False
    ) -> None:
        """Judge a page: in all four looks if `whole` or if it shows something new, else in one, or in none with `skip`."""
        if skip and not self._is_new(self._read(address)):
            return
        self._show("light", DESK)
        self._console.clear()
        answer = self.page.goto(address)
        assert answer is not None
        self.seen += 1
        if answer.status not in expected:
            self._fault(address, f"answers {answer.status}")
            return
        source = answer.text()
        if STYLED.search(source):
            self._fault(address, "has a style attribute")
        new = self._is_new(source)
        self._shapes |= shapes(source)
        self.judged += 1
        self.page.evaluate(AXE)
        looks = LOOKS if whole or new else LOOKS[:1]
        for how, theme, size, rules in looks:
            self._show(theme, size)
            self._judge(address, how, rules)
        for said in self._console:
            self._fault(address, f"console: {said[:300]}")

    def _read(self, address: str) -> str:
        """The page's source without drawing it."""
        answer = self.page.context.request.get(address)
        self.seen += 1
        if answer.status != 200:
            self._fault(address, f"answers {answer.status}")
        if STYLED.search(source := answer.text()):
            self._fault(address, "has a style attribute")
        return source

    def _is_new(self, source: str) -> bool:
        return not shapes(source) <= self._shapes

    def _show(self, theme: str, size: dict[str, int]) -> None:
        self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        self.page.set_viewport_size(size)  # type: ignore[arg-type]

    def _judge(self, address: str, how: str, rules: dict[str, Any]) -> None:
        wider = self.page.evaluate(WIDER)
        if wider > 0:
            self._fault(address, f"{how}: {wider} px wider than the window")
        for violation in self.page.evaluate(LOOK, rules):
            self._fault(address, f"{how}: {violation}")

    def _fault(self, address: str, what: str) -> None:
        self.faults.append(f"{address}: {what}")


@pytest.fixture
def inspector(browser: Browser, live_app: LiveApp) -> Iterator[Inspector]:
    context = browser.new_context(base_url=live_app.url, viewport=DESK, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    yield Inspector(context.new_page())
    context.close()


def sign_in(inspector: Inspector, somebody: Any) -> None:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(somebody)
    name = settings.SESSION_COOKIE_NAME
    base = inspector.page.context.new_page()
    base.goto("/")
    address = base.evaluate("location.origin")
    base.close()
    inspector.page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": address}])


def addresses(somebody: Any) -> tuple[list[str], list[str]]:
    """(lists and objects, forms) of every resource: of each kind the first object, and of each state one more."""
    from releasetrain.audit.doorway import actions
    from releasetrain.interface.links import list_url, url_for, verb_url
    from releasetrain.interface.resources import loose_actions, resources
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.models import Organization
    from releasetrain.tenancy.scope import tenant_scope

    organization = Organization.objects.get(slug=SLUG)
    actor = Actor(organization.pk, somebody.pk, str(somebody), kind="person", route="test")
    pages, forms = [], []
    with tenant_scope(organization.pk, actor):
        for resource in resources():
            pages.append(list_url(resource))
            subject = resource.visible(actor).first()
            if subject is not None:
                pages += [url_for(subject), f"{url_for(subject)}history"]
                forms += [verb_url(action, subject) for action in resource.verbs if not action.hidden]
            forms += [verb_url(action) for action in resource.creators if not action.hidden]
            states = [f.name for f in resource.model._meta.concrete_fields if f.name == "state"]
            for state in (
                states and resource.visible(actor).order_by().values_list("state", flat=True).distinct()
            ):
                pages.append(url_for(resource.visible(actor).filter(state=state).first()))
        forms += [verb_url(action) for action in loose_actions() if not action.hidden]
    assert len(pages) > 60 and len(forms) > 60 and len(actions()) > 60, (len(pages), len(forms))
    return list(dict.fromkeys(pages)), list(dict.fromkeys(forms))


def report(inspector: Inspector) -> None:
    seen = f"{inspector.seen} pages seen, {inspector.judged} judged"
    print(seen)
    assert not inspector.faults, f"{seen}:\n" + "\n".join(inspector.faults)


def test_own_pages_lists_and_objects(demo: Any, inspector: Inspector) -> None:
    for address in PUBLIC:
        inspector.visit(address)
    sign_in(inspector, demo)
    for place in PLACES:
        inspector.visit(f"/o/{SLUG}/{place}", expected=(200, 404))
    for address in SITE:
        inspector.visit(address)
    for address in addresses(demo)[0]:
        inspector.visit(address, whole=False, skip=address.endswith("history"))
    report(inspector)


def test_forms(demo: Any, inspector: Inspector) -> None:
    sign_in(inspector, demo)
    for address in addresses(demo)[1]:
        inspector.visit(address, whole=False, skip=True)
    report(inspector)
