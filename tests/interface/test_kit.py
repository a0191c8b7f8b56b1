"""The kit: tags, components, the frame and the style guide."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

from releasetrain.interface import differences, formats, frame, navigation, pages
from releasetrain.interface.tones import TONES, tone_of, word_for
from releasetrain.kernel.refusals import Decision, Refusal

ROOT = Path(settings.BASE_DIR)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def friday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def _request(path: str = "/", **headers: str) -> HttpRequest:
    request = RequestFactory().get(path, headers=headers)
    request.user = AnonymousUser()
    return request


def render(source: str, **context: Any) -> str:
    return Template("{% load kit %}" + source).render(Context({"request": _request(), **context}))


# -- words and numbers --


@pytest.mark.parametrize(
    ("state", "tone"),
    [
        ("approved", "ok"),
        ("At risk", "warn"),
        ("rolled_back", "bad"),
        ("frozen", "hold"),
        ("in-progress", "info"),
        ("draft", "idle"),
        ("a word nobody has listed", "idle"),
    ],
)
def test_every_state_has_a_tone_and_an_unknown_one_is_never_good_news(state: str, tone: str) -> None:
    assert tone_of(state) == tone


def test_no_word_has_two_tones() -> None:
    from releasetrain.interface import tones

    listed = [word for words in tones._WORDS.values() for word in words.split()]
    assert sorted(listed) == sorted(set(listed))


def test_a_state_chip_carries_shape_and_word_and_escapes() -> None:
    html = render("{% state_chip 'rolled_back' %}{% chip 'warn' word %}", word="<b>2</b>")
    assert 'class="chip bad"' in html
    assert "#bad" in html
    assert "Rolled back" in html
    assert "&lt;b&gt;2" in html
    assert word_for("rolled_back") == "Rolled back"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (8040, "2 h 14 min"),
        (97_201, "1 d 3 h"),
        (3600, "1 h"),
        (-120, "−2 min"),
        (None, "–"),
    ],
)
def test_durations_name_their_two_largest_units(seconds: int | None, text: str) -> None:
    assert formats.duration(seconds).replace("\u00a0", " ") == text


def test_numbers_sizes_and_shares() -> None:
    assert formats.number(1234567) == "1\u202f234\u202f567"
    assert formats.number(-2.5) == "−2.5"
    assert formats.size(3_456_789).replace("\u00a0", " ") == "3.5 MB"
    assert formats.size(999).replace("\u00a0", " ") == "999 B"
    assert formats.percent(0.114).replace("\u00a0", " ") == "11.4 %"


@pytest.mark.usefixtures("friday")
def test_a_moment_is_shown_in_the_viewers_zone_and_kept_in_utc() -> None:
    moment = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    with timezone.override("Asia/Kathmandu"):
        html = render("{% when moment %}", moment=moment).replace("\u00a0", " ")
    assert ">Wed 25 Nov 05:15<" in html
    assert 'datetime="2026-11-24T23:30:00Z"' in html
    assert 'title="2026-11-24 23:30:00 UTC"' in html
    assert "2 d ago" in render("{% when moment 'ago' %}", moment=NOW - timedelta(days=2)).replace(
        "\u00a0", " "
    )
    assert "1 Feb 2025" in render("{% when day %}", day=date(2025, 2, 1)).replace("\u00a0", " ")
    assert "–" in render("{% when none %}", none=None)


# -- differences --


def test_differences_name_what_changed_and_nothing_else() -> None:
    before = {"state": "draft", "window": {"minutes": 30, "opens": "02:00"}, "same": 1}
    after = {"state": "approved", "window": {"minutes": 45, "opens": "02:00"}, "same": 1, "new": True}
    found = {(c.path, c.old, c.new) for c in differences.between(before, after)}
    assert found == {("state", "draft", "approved"), ("window.minutes", "30", "45"), ("new", None, "yes")}


def test_differences_read_pairs_as_the_ledger_keeps_them() -> None:
    pairs = {"state": ["draft", "approved"], "note": {"before": "", "after": "x"}, "same": [1, 1]}
    assert [(c.path, c.old, c.new) for c in differences.between(pairs)] == [
        ("state", "draft", "approved"),
        ("note", "", "x"),
    ]


def test_line_differences_mark_and_escape() -> None:
    html = render("{% line_difference a b %}", a="one\n<two>", b="one\nthree")
    assert "<del>&lt;two&gt;</del>" in html
    assert "<ins>three</ins>" in html


# -- components --


def test_a_refused_act_stays_visible_with_its_reasons() -> None:
    locked = Decision("release.promote", [Refusal("gate.failed", "A gate has failed.", "Fix <it>.")])
    html = render("{% verb_button decision '/do' 'Promote' 'primary' %}", decision=locked)
    assert 'aria-disabled="true"' in html
    assert "/do" not in html
    target = re.search(r'popovertarget="([^"]+)"', html)
    assert target
    assert f'id="{target[1]}" popover' in html
    assert "A gate has failed." in html
    assert "Fix &lt;it&gt;." in html


def test_an_allowed_act_is_a_link_that_works_without_scripts() -> None:
    html = render("{% verb_button decision '/do' 'Freeze' %}", decision=Decision("release.freeze"))
    assert '<a class="btn " href="/do" data-dialog>' in " ".join(html.split())


class _Form(forms.Form):
    title = forms.CharField(help_text="Say it shortly.")
    note = forms.CharField(required=False)
    sure = forms.BooleanField()
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)


def test_a_field_shows_label_help_and_error_beside_the_input() -> None:
    form = _Form({"note": "x"})
    html = "".join(render("{% include 'components/field.html' %}", field=field) for field in form)
    assert 'aria-describedby="id_title_helptext id_title_error"' in html
    assert 'id="id_title_error"' in html
    assert 'id="id_title_helptext"' in html
    assert html.count("has-err") == 3
    assert "optional" in html
    assert re.search(r"<legend>\s*Kind", html)
    described = {ident for text in re.findall(r'aria-describedby="([^"]+)"', html) for ident in text.split()}
    assert described <= set(re.findall(r'id="([^"]+)"', html))


def test_the_sprite_has_every_icon_that_templates_and_places_name() -> None:
    root = ElementTree.parse(ROOT / "static/icons/icons.svg").getroot()
    known = {symbol.attrib["id"] for symbol in root if "id" in symbol.attrib}
    used = {place.icon for place in navigation._places.values()} | set(TONES)
    for template in (ROOT / "templates").rglob("*.html"):
        used |= set(re.findall(r'{% icon "([a-z-]+)"', template.read_text()))
    assert used <= known, used - known


def test_templates_have_no_inline_style_script_or_handler() -> None:
    wrong = []
    for template in (ROOT / "templates").rglob("*.html"):
        text = re.sub(r'<script type="application/(ld\+)?json"', "<data", template.read_text())
        if re.search(
            r"\sstyle=|\son[a-z]+=|<style\b|<script(?![^>]*\ssrc=)[^>]*>|hx-on|js:|javascript:", text
        ):
            wrong.append(str(template.relative_to(ROOT)))
    assert wrong == []


# -- the frame and pages --


def test_pages_answer_whole_bare_or_one_region(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf/list.html").write_text(
        '{% extends "page.html" %}{% block content %}<p>rows</p>{% endblock %}'
    )
    (tmp_path / "shelf/_results.html").write_text("<i>only rows</i>")
    templates = json.loads(json.dumps(settings.TEMPLATES, default=str))
    templates[0]["DIRS"] = [str(tmp_path), *templates[0]["DIRS"]]
    settings.TEMPLATES = templates

    def answer(path: str = "/", **headers: str) -> str:
        return pages.page(_request(path, **headers), "shelf/list.html").content.decode()

    assert "<html" in answer()
    bare = answer(**{"HX-Request": "true", "HX-Target": "dialog"})
    assert "<p>rows</p>" in bare
    assert "<html" not in bare
    assert answer(**{"HX-Request": "true", "HX-Target": "results"}) == "<i>only rows</i>"
    assert answer("/?fragment=results") == "<i>only rows</i>"
    assert "<html" in answer("/?fragment=../results")
    assert "<html" in answer("/?fragment=unknown")


def test_a_known_version_is_not_rendered_again() -> None:
    calls = []

    def show() -> HttpResponse:
        calls.append(1)
        return HttpResponse("x")

    first = pages.conditional(_request(), ("board", 17, 3), show)
    again = pages.conditional(_request(**{"If-None-Match": first["ETag"]}), ("board", 17, 3), show)
    newer = pages.conditional(_request(**{"If-None-Match": first["ETag"]}), ("board", 17, 4), show)
    assert (first.status_code, again.status_code, newer.status_code) == (200, 304, 200)
    assert len(calls) == 2
    assert again["Cache-Control"] == "private, no-cache"


def test_the_rail_holds_eight_places_and_more_holds_the_rest(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(navigation, "address", lambda request, place: f"/{place.section}/")
    shown = navigation.places(rf.get("/"), "problems")
    assert [e.place.section for e in shown["rail"]][:3] == ["home", "board", "backlog"]
    assert len(shown["rail"]) == navigation.IN_RAIL
    assert sum(e.on_phone for e in shown["rail"]) == 5
    assert shown["more_current"]
    assert shown["keys"]["b"].url == "/board/"
    letters = [place.key for place in navigation._places.values() if place.key]
    assert len(letters) == len(set(letters))


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_refusal_pages_need_neither_session_nor_database(status: int) -> None:
    request = RequestFactory().get("/o/northwind/x")
    answer = frame.refusal_page(request, status)
    assert answer.status_code == status
    assert f">{status}<" in answer.content.decode()
    bare = frame.refusal_page(
        RequestFactory().get("/", headers={"HX-Request": "true", "HX-Target": "dialog"}), status
    )
    assert b"<html" not in bare.content


def test_the_theme_is_remembered_and_never_sends_the_browser_away(rf: RequestFactory) -> None:
    request = rf.post("/appearance/", {"theme": "dark"}, headers={"Referer": "https://evil.example/"})
    request.user = AnonymousUser()
    answer = frame.set_theme(request)
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert answer.cookies["theme"].value == "dark"


def test_the_frame_renders_signed_out() -> None:
    html = render_to_string("public.html", {}, _request())
    assert 'class="skip"' in html
    assert "htmx-config" in html


# -- the style guide in the browser --

_RULES = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']"


@pytest.mark.journey
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark"), (320, "light")])
def test_the_style_guide_is_accessible_and_does_not_overflow(page: Any, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto("/styleguide/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inspector = page.context.new_cdp_session(page)
    inspector.send("Runtime.evaluate", {"expression": (ROOT / "tests/vendor/axe/axe.min.js").read_text()})
    told = "r.violations.map(v => [v.id, v.nodes.map(n => n.html)])"
    run = f"axe.run(document, {{runOnly: {_RULES}}}).then(r => JSON.stringify({told}))"
    answer = inspector.send(
        "Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True}
    )
    assert json.loads(answer["result"]["value"]) == []


@pytest.mark.journey
def test_a_locked_act_says_why_and_scores_follow_the_choice(page: Any) -> None:
    page.goto("/styleguide/")
    page.locator(".page-head").get_by_role("button", name="Promote to production").click(force=True)
    page.get_by_text("A problem manager signs PRB-28.").first.wait_for(state="visible")
    page.keyboard.press("Escape")
    page.locator("[data-wsjf] input[name=size][value='1']").check(force=True)
    assert page.locator("[data-wsjf-score]").inner_text() == "16.00"
    assert page.locator("[data-wsjf-rank]").inner_text() == "1 of 4"
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard shortcuts").wait_for(state="visible")


def test_a_mapping_with_a_value_called_items_is_shown_like_any_other() -> None:
    found = Template(
        "{% load kit %}{% for name, inner in raw|pairs %}{{ name }}={{ inner }} {% endfor %}"
    ).render(Context({"raw": {"items": [1, 2, 3], "digest": "x"}}))
    assert found == "items=[1, 2, 3] digest=x "
