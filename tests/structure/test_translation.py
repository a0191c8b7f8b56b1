"""Nothing that people read is missing from translation: templates by their source, declarations by rendered pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.utils.translation import trans_real

from releasetrain.interface import composing, extraction, wording
from releasetrain.interface.resources import resources
from releasetrain.kernel import locales
from tests.testbed.cast import PASSWORD, email

TEMPLATES = Path(settings.BASE_DIR) / "templates"
# Read by nobody but developers, mailed in the language of the installation, or machine text.
UNTRANSLATED = {"styleguide/index.html"}
MARKED = sorted(
    str(p.relative_to(TEMPLATES))
    for p in TEMPLATES.rglob("*.html")
    if str(p.relative_to(TEMPLATES)) not in UNTRANSLATED
)
# What a German user meets in German throughout.
GERMAN = (
    "page.html",
    "public.html",
    *(
        name
        for name in MARKED
        if name.split("/")[0] in ("components", "generic", "errors", "site", "account", "mfa")
    ),
)

# -- templates, by their source --

# Names, units, keys of the keyboard, words of protocols, and what stands inside a text without being one.
_PLAIN = re.compile(
    r"\b(?:Release Train|RT|API|CSV|JSON|YAML|PDF|SCIM|UTC|WSJF|Esc|Enter|Tab|Ctrl|iss|aud|min|Ops|OK|rtk_|x)\b|&[a-z]+;"
)
_CODE = re.compile(r"<(code|kbd|pre|script|style|samp)\b.*?</\1>", re.DOTALL)
_MARKED = re.compile(
    r"{% blocktranslate.*?{% endblocktranslate %}|{#.*?#}|{% comment.*?endcomment %}", re.DOTALL
)
_TEMPLATE = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
_TAG = re.compile(r"<[a-zA-Z/!](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL)
_WORD = re.compile(r"[A-Za-zÀ-ž]{2,}")


def unmarked(source: str) -> list[str]:
    """Words that stand in a template outside every mark: in its text, or in an attribute that is read out or shown."""
    bare = _TEMPLATE.sub("\u241e", _MARKED.sub("\u241e", source))
    # A template's own tags inside an HTML tag may hold quotation marks, so attributes are looked at without them.
    said = [
        m
        for tag in _TAG.findall(bare)
        for m in re.findall(r'[\s\u241e](?:title|aria-label|placeholder|alt)="([^"]*)"', tag)
    ]
    text = _TAG.sub("\u241f", _CODE.sub("\u241f", bare))
    runs = [*re.split("[\u241e\u241f]", text), *(part for each in said for part in each.split("\u241e"))]
    return [run.strip() for run in runs if _WORD.search(_PLAIN.sub("", run))]


def test_unmarked_words_are_found() -> None:
    assert unmarked("<p>Hello you</p>") == ["Hello you"]
    assert unmarked('<a title="Go there">{% translate "x" %}</a>') == ["Go there"]
    assert unmarked("<b>{% if a %}{{ b }} open{% endif %}</b>") == ["open"]
    assert unmarked('<b title="{% translate "x" %}">{% blocktranslate %}All{% endblocktranslate %}</b>') == []


def test_every_text_of_a_template_is_marked() -> None:
    found = {name: unmarked((TEMPLATES / name).read_text()) for name in MARKED}
    assert {name: texts for name, texts in found.items() if texts} == {}


# -- German --


def _german() -> dict[Any, Any]:
    path = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        return {m.id: m for m in read_po(file, locale="de") if m.id}


def test_what_is_sent_back_is_not_translated() -> None:
    """A value, a name, an address or a class in the reader's language would not be understood when it comes back."""
    machine = re.compile(r'\b(?:value|name|id|href|for|class|action|src)="[^"]*\|said')
    found = [
        f"{name}: {each.group()}"
        for name in MARKED
        for each in machine.finditer((TEMPLATES / name).read_text())
    ]
    assert not found


def test_the_frame_and_the_common_pages_are_german_throughout() -> None:
    told = _german()
    missing = {
        message
        for message, _ in extraction.of_templates(TEMPLATES / name for name in GERMAN)
        if message not in told
        or not all([told[message].string] if isinstance(message, str) else told[message].string)
    }
    assert not missing, "translate them in locale/de/LC_MESSAGES/django.po, then `manage.py write_messages`"


def composed(message: Any) -> bool:
    return isinstance(message, str) and composing.is_template(message)


def test_translations_keep_their_places_and_are_compiled() -> None:
    told = _german()
    wrong = {
        m.id: [str(e) for e in m.check()]
        for m in told.values()
        if any([m.string] if isinstance(m.string, str) else m.string) and not composed(m.id)
    }
    assert not {k: v for k, v in wrong.items() if v}
    # Of composed sentences Babel knows nothing: a per cent sign in them is one.
    places = {k: (composing.PLACE.findall(k), composing.PLACE.findall(m.string)) for k, m in told.items()
              if composed(k) and m.string}  # fmt: skip
    assert not {k: both for k, both in places.items() if sorted(both[0]) != sorted(both[1])}
    compiled = wording._catalogue("de")
    plain = {k: m.string for k, m in told.items() if isinstance(k, str) and m.string}
    assert {k for k, v in plain.items() if compiled.gettext(k) != v} == set(), (
        "run `manage.py write_messages`"
    )


# -- rendered pages, in a language whose every letter wears an accent --

_ACCENTS = str.maketrans("aeiouAEIOUnNcC", "àéîöûÀÉÎÖÛñÑçÇ")
_PLACES = re.compile(r"(%\([a-z_]+\)[sd]|\{[a-z0-9_]+\}|<[^>]*>|&[a-z]+;)")


def accented(text: str) -> str:
    return "".join(
        part if _PLACES.fullmatch(part) else f"{part.translate(_ACCENTS)}" for part in _PLACES.split(text)
    )


class Accented:
    """A catalogue made of what extraction finds and of what the libraries translate: anything else stays plain."""

    def __init__(self, known: set[str]):
        self.known = known

    def gettext(self, message: str) -> str:
        return accented(message) if message in self.known else message

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return accented(singular if number == 1 else plural) if singular in self.known else singular

    def to_language(self) -> str:
        return "en-xa"


@pytest.fixture
def in_accents(monkeypatch: pytest.MonkeyPatch) -> None:
    known: set[str] = set()
    for message in extraction.catalogue():
        known.update([message.id] if isinstance(message.id, str) else message.id)
    libraries = trans_real.translation("de")._catalog  # type: ignore[attr-defined]
    known.update(key if isinstance(key, str) else key[0] for key, _ in libraries.items())
    catalogue = Accented(known)
    monkeypatch.setitem(trans_real._translations, "en-xa", catalogue)
    told = wording.Words({message: accented(message) for message in known})
    monkeypatch.setattr(wording, "_catalogue", lambda language: told)
    monkeypatch.setitem(locales.LANGUAGES, "en", ("English", "en-xa", "GB"))


class Reader(HTMLParser):
    """What a person sees or hears of a page, without the rows of tables, choices between objects, and code."""

    unread = ("script", "style", "code", "kbd", "tbody", "option", "template", "time", "title")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.unread:
            self.inside.append(tag)
        self.found += [v for k, v in attrs if v and k in ("title", "aria-label", "placeholder", "alt")]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside and data.strip():
            self.found.append(data.strip())


# Names: of the product, the organization, the person, places of the world; words of protocols and languages.
_NAMES = re.compile(
    r"Release Train|\bOwner\b|\bOW\b|\bRte\b|Northwind Bank|Contoso\w*|northwind|contoso-health|\bRT\b|\bRT[A-Z]\b|English|Deutsch|[\w.]+@[\w.]+|"
    r"Europe/\w+|[0-9: -]+UTC|\b(?:CSV|API|CAB|WSJF|ROAM|SLO|URL|PI|DORA|JSON|SQL|SBOM|VEX|QR|BPMN|Ctrl|K)\b"
)


def plain_texts(html: str) -> Iterator[str]:
    reader = Reader()
    reader.feed(html)
    for text in reader.found:
        words = _WORD.findall(_NAMES.sub("", text))
        # A word without any letter that wears an accent cannot tell.
        plain = any(re.search("[aeiouAEIOUnNcC]", word) for word in words)
        if plain and not any(letter in "àéîöûÀÉÎÖÛñÑçÇ" for letter in text):
            yield text


def test_plain_words_on_an_accented_page_are_found() -> None:
    assert list(plain_texts("<p>Hello</p><p>Héllö</p><code>x</code>")) == ["Hello"]


OUTSIDE = ("/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/sso/")
OWN = ("/accounts/profile/", "/accounts/sessions/", "/accounts/password/change/", "/accounts/2fa/")


@pytest.mark.usefixtures("in_accents", "northwind")
def test_signing_in_and_ones_own_account_say_nothing_untranslated() -> None:
    found = {url: list(plain_texts(Client().get(url, follow=True).content.decode())) for url in OUTSIDE}
    browser = Client()
    browser.post("/accounts/login/", {"login": email("rte", "northwind"), "password": PASSWORD})
    name = re.compile(r"rte|Rte")
    for url in OWN:
        page = browser.get(url, follow=True).content.decode()
        found[url] = [t for t in plain_texts(page) if not name.search(t)]
    assert {url: texts for url, texts in found.items() if texts} == {}


@pytest.mark.usefixtures("in_accents", "northwind")
def test_generated_lists_and_forms_say_nothing_untranslated() -> None:
    """Lists without a page of their own, with the form of the verb that makes one."""
    browser = Client()
    browser.post("/accounts/login/", {"login": email("owner", "northwind"), "password": PASSWORD})
    generic = [r for r in resources() if not r.list_template][::9]
    found = {}
    for resource in generic:
        for url in (f"/o/northwind/{resource.plural}/", f"/o/northwind/{resource.plural}/new"):
            answer = browser.get(url)
            if answer.status_code == 200:
                found[url] = list(plain_texts(answer.content.decode()))
    assert len(found) > 10
    assert {url: texts for url, texts in found.items() if texts} == {}


# -- the pages that people work on, with what Python composes --

MAIN = ("", "board/", "releases/", "changes/", "cab/", "gates/", "metrics/", "problems/", "features/", "incidents/",
        "notifications/", "notifications/settings/", "changes/new", "releases/new", "problems/new")  # fmt: skip
# What the organization of the tests calls its own things.
_DATA = re.compile(
    r"^(?:Payments|Lending|Platform|Team \w+|[A-Z]{2,5}|[A-Z]+-\d+|production|staging|test|[\w.-]+-[\w.-]+|\d.*)$"
)


@pytest.mark.usefixtures("in_accents", "northwind")
def test_the_main_pages_say_nothing_untranslated() -> None:
    browser = Client()
    browser.post("/accounts/login/", {"login": email("owner", "northwind"), "password": PASSWORD})
    found = {}
    for place in MAIN:
        answer = browser.get(f"/o/northwind/{place}", follow=True)
        assert answer.status_code == 200, place
        found[place] = [t for t in plain_texts(answer.content.decode()) if not _DATA.match(t)]
    assert {place: texts for place, texts in found.items() if texts} == {}


def test_an_f_string_is_a_message_with_named_places() -> None:
    source = """
refuse("a", f"{change.key} has {len(votes)} vote{'' if one else 's'} of {n}.", remedy=f"Wait until {day:%d %b}.")
raise ValueError(f"No person reads that {thing} is wrong.")
"""
    assert set(extraction.of_source(ast.parse(source))) >= {
        "{change_key} has {votes_count} vote of {n}.",
        "{change_key} has {votes_count} votes of {n}.",
        "Wait until {day}.",
    }
    assert not any("No person" in str(m) for m in extraction.of_source(ast.parse(source)))


def test_a_composed_sentence_is_found_again_and_its_parts_are_said() -> None:
    with locales.written_in(locales.Choice("de", "DE")):
        assert wording.said("REL-1 26.11.0 is frozen.") == "REL-1 26.11.0 ist eingefroren."
        both = "You need the permission gates.ask for this. An organization owner can grant you a role that carries it."
        assert wording.said(both).startswith("Dafür brauchen Sie die Berechtigung gates.ask. Ein Eigentümer")
        assert "1.\u00a0Dez.\u00a02026 10:00 UTC" in wording.said(
            "production is frozen until 2026-12-01 10:00 UTC: Year end."
        )
        # Somebody's own sentence is no message, however alike; and a place holds what it held.
        assert wording.said("The dam is full.") == "The dam is full."
        assert wording.said("CHG-1 waits for your vote: Open") == "CHG-1 wartet auf Ihre Stimme: Open"
    assert wording.said("REL-1 26.11.0 is frozen.") == "REL-1 26.11.0 is frozen."


def test_few_messages_are_tried_for_a_text() -> None:
    """By the rarest word of each: what a list draws costs a lookup for each word, not a try of each message."""
    messages = [m.id for m in extraction.catalogue() if isinstance(m.id, str)]
    templates = composing.Templates(messages)
    texts = ["Settlement files are late when receipts wait for posting", "REL-1 26.11.0", "Payments", "Succeeded",
             "No recurrence in 0 of 21 observation days.", "REL-1 26.11.0 is frozen."]  # fmt: skip
    assert sum(composing.is_template(m) for m in messages) > 2000
    assert all(len(templates.asked(text)) <= 40 for text in texts)
    # A cell that comes again is not looked for again.
    wording._composed.cache_clear()
    with locales.written_in(locales.Choice("de", "DE")):
        for _ in range(50):
            wording.said("Settlement files are late when receipts wait for posting")
    assert wording._composed.cache_info().misses == 1
