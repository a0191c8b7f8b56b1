"""What axe cannot judge of WCAG 2.2 AA on the main pages: reflow, text spacing, and where the focus is seen."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey

ROOT = "/o/northwind/"
PAGES = ("", "board/", "releases/", "changes/", "cab/", "problems/", "metrics/delivery/", "changes/new",
         "notifications/settings/")  # fmt: skip
DESK, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 700}
NARROW = {"width": 320, "height": 640}  # 1280 px at 400 %
WIDER = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
# 1.4.12, through a constructed style sheet, as the policy refuses any other.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important } p { margin-bottom: 2em !important }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
# Buttons and headings whose text does not fit any more; what a title shortens by design is whole elsewhere.
CUT = """() => [...document.querySelectorAll("main :is(button, .btn, h1, h2, label, th, .chip)")].filter(e => {
  const look = getComputedStyle(e), box = e.getBoundingClientRect();
  if (box.width < 2 || e.closest(".vh, [hidden], thead")) return false;
  return ["hidden", "clip"].includes(look.overflowX) && e.scrollWidth > e.clientWidth + 1;
}).map(e => e.textContent.trim())"""
# The element with the focus: whether a point of it is on top, and whether something around it shows a ring.
FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const shown = e.classList.contains("vh") && e.labels?.length ? e.labels[0] : e;
  const box = shown.getBoundingClientRect();
  const points = [[.5, .5], [.1, .5], [.9, .5], [.5, .15], [.5, .85]];
  const seen = points.some(([x, y]) => {
    const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
    return top && (top === shown || shown.contains(top) || top.contains(shown));
  });
  const rings = [shown, shown.closest(".fc"), shown.closest("label"), shown.nextElementSibling].filter(Boolean);
  const ring = rings.some(r => { const look = getComputedStyle(r);
    return (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0) || look.boxShadow !== "none"; });
  return { seen, ring, name: `${e.tagName} ${(e.getAttribute("aria-label") || e.textContent || e.name).trim().slice(0, 40)}` };
}"""
STOPS = 45


@pytest.fixture
def owner(page: Any, web: Any) -> Any:
    from django.conf import settings

    page.goto("/healthz")
    value = web("owner").cookies[settings.SESSION_COOKIE_NAME].value
    address = page.evaluate("location.origin")
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": address}])
    return page


def hidden_stops(page: Any) -> list[str]:
    """Tab through the page; returns what has the focus unseen or without a ring."""
    found = []
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at is None:
            break
        if not at["seen"] or not at["ring"]:
            found.append(f"{at['name']}: {'no ring' if at['seen'] else 'not seen'}")
    return found


def test_main_pages_reflow_keep_their_text_and_show_the_focus(owner: Any) -> None:
    """1.4.10 at 320 px, 1.4.12 on top of it, and 2.4.7 with 2.4.11 on a desk and above the bar of a phone."""
    faults = {}
    for page in PAGES:
        owner.set_viewport_size(NARROW)
        owner.goto(ROOT + page)
        found = [f"{owner.evaluate(WIDER)} px wider than 320"] if owner.evaluate(WIDER) > 0 else []
        owner.evaluate(SPACED)
        found += ["wider when spaced"] if owner.evaluate(WIDER) > 0 else []
        found += [f"cut when spaced: {text}" for text in owner.evaluate(CUT)]
        for size in (DESK, PHONE):
            owner.set_viewport_size(size)
            owner.goto(ROOT + page)
            found += hidden_stops(owner)
        faults[page] = found
    assert {page: found for page, found in faults.items() if found} == {}
