"""The kit: atoms of the interface as template tags. `/styleguide/` shows each with its markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from releasetrain.accounts import sessions
from releasetrain.accounts.models import Membership
from releasetrain.interface import differences, formats, links, navigation, wording
from releasetrain.interface.tones import TONES, tone_of, word_for
from releasetrain.kernel import clock as clocks
from releasetrain.kernel import locales
from releasetrain.tenancy.models import Organization

register = template.Library()
_NAME = re.compile(r"[a-z]+(?:_[a-z]+)+")

_GRID_16 = {
    *TONES,
    "in",
    "out",
    "lock",
    "clock",
    "chev",
    "next",
    "prev",
    "up",
    "down",
    "arrow",
    "sort",
    "close",
    "plus",
    "check",
    "milestone",
}


register.filter("said", wording.said)
register.filter("told", wording.told)
for _format in (formats.duration, formats.number, formats.percent):
    register.filter(_format.__name__, _format)
register.filter("bytes", formats.size)


@register.filter
def upto(value: Any, places: int) -> str:
    """A number with at most so many decimals, without zeros at its end."""
    if value is None or value == "":
        return formats.NONE
    rounded = round(float(value), int(places))
    return formats.number(rounded, next(n for n in range(int(places) + 1) if round(rounded, n) == rounded))


@register.filter(expects_localtime=True)
def day(value: Any, style: str = "full") -> str:
    """A day in words, outside a `time` element. Styles: full, short (no year), weekday, month, name (of the
    day of the week), hour (with the time) and those with the weekday."""
    return _DAYS[style](value).replace(formats.FIXED, " ") if value else ""


_DAYS: dict[str, Callable[[Any], str]] = {
    "full": formats.full_day,
    "short": formats.short_day,
    "month": formats.month,
    "weekday": lambda d: f"{locales.weekday(d)}{formats.FIXED}{formats.full_day(d)}",
    "weekday short": lambda d: f"{locales.weekday(d)}{formats.FIXED}{formats.short_day(d)}",
    "name": locales.weekday,
    "hour": lambda d: f"{formats.full_day(d)} {formats.clock(d)}",
    "weekday hour": lambda d: f"{locales.weekday(d)}{formats.FIXED}{formats.short_day(d)} {formats.clock(d)}",
}


@register.filter(expects_localtime=True)
def clock(value: Any) -> str:
    """The time of day of a moment, in the viewer's zone."""
    return formats.clock(value) if value else ""


# -- marks --


@register.simple_tag
def icon(name: str, css: str = "", label: str = "", size: int = 0) -> SafeString:
    """A mark from the sprite; decorative unless it has a `label`. Status marks bring their own colour."""
    drawn = _labelled if label else _bare
    return drawn(name, css, label, size, static("icons/icons.svg"))


def _labelled(name: str, css: str, label: str, size: int, sprite: str) -> SafeString:
    classes = ["i" if (size or (16 if name in _GRID_16 else 20)) == 16 else "i20"]
    if name in TONES:
        classes.append(name)
    if css:
        classes.append(css)
    said = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="{}" {}><use href="{}#{}"/></svg>',
        " ".join(classes),
        said,
        sprite,
        name,
    )


# A page has a hundred and more marks of few kinds. Typed, because text that is safe equals the same text that is not.
_bare = lru_cache(maxsize=512, typed=True)(_labelled)


@register.simple_tag
def chip(tone: str, word: Any, icon_name: str = "", title: str = "") -> SafeString:
    """A pill with a tone and a word: {% chip "warn" "2 at risk" %}. Tone "" is neutral and has no mark."""
    mark = icon_name or (tone if tone in TONES and tone != "info" else "")
    return format_html(
        '<span class="chip{}{}"{}>{}{}</span>',
        " " if tone in TONES else "",
        tone if tone in TONES else "",
        format_html(' title="{}"', wording.said(title)) if title else "",
        icon(mark, size=16) if mark else "",
        wording.said(word) if type(word) is str else word,
    )


@register.simple_tag
def state_chip(state: Any, word: str = "") -> SafeString:
    """The chip of any state: a word, a choice, or an object with `state`.

    Colours come from `interface.tones`.
    """
    if hasattr(state, "_meta") and hasattr(state, "state"):
        word = word or getattr(state, "get_state_display", lambda: word_for(state.state))()
        state = state.state
    if state in (None, ""):
        return SafeString("")
    return chip(tone_of(state), wording.said(word or word_for(state)))


@register.simple_tag
def state_mark(state: Any, word: str = "") -> SafeString:
    """Only the mark of a state, with its word for screen readers."""
    tone = tone_of(state)
    return format_html(
        '{}<span class="vh">{}: </span>',
        icon(tone, size=16, css="idle" if tone == "info" else ""),
        wording.said(word or word_for(state)),
    )


@register.filter
def tone(state: Any) -> str:
    """The tone of a state, for a class attribute."""
    return tone_of(state)


@register.filter
def word(state: Any) -> str:
    """The word of a state as people read it."""
    return wording.said(word_for(state))


# -- people and things --


@register.simple_tag
def person(who: Any, avatar: bool = True, none: str = "") -> SafeString:
    """A person or service account: a user, an actor or a name."""
    if not who:
        return format_html('<span class="muted">{}</span>', none or gettext("Nobody"))
    name = who if isinstance(who, str) else (getattr(who, "name", "") or str(who))
    if not avatar:
        return format_html("<span>{}</span>", name)
    machine = " machine" if getattr(who, "kind", "person") != "person" else ""
    return format_html(
        '<span class="person"><span class="ava{}" aria-hidden="true">{}</span><span>{}</span></span>',
        machine,
        formats.initials(name),
        name,
    )


@register.simple_tag
def avatar(who: Any) -> SafeString:
    """Only the avatar, with the name for screen readers."""
    name = who if isinstance(who, str) else (getattr(who, "name", "") or str(who))
    return format_html(
        '<span class="ava"><span aria-hidden="true">{}</span><span class="vh">{}</span></span>',
        formats.initials(name),
        name,
    )


@register.simple_tag
def key(thing: Any, url: str = "") -> SafeString:
    """A human key in monospace, linked when `url` is given: an object with `key`, or the text."""
    text = getattr(thing, "key", None) or thing
    if url:
        return format_html('<a class="key" href="{}">{}</a>', url, text)
    return format_html('<span class="key">{}</span>', text)


def _title_of(obj: Any) -> str:
    for name in ("title", "name", "version", "summary", "label"):
        value = getattr(obj, name, None)
        if value and not callable(value):
            return str(value)
    return str(obj)


@register.simple_tag
def obj_link(obj: Any, text: str = "", only_key: bool = False) -> SafeString:
    """A link to an object's page: its key and title.

    Plain text when the object has no page; a dash when there is none.
    """
    if obj is None or obj == "":
        return mark_safe('<span class="muted">–</span>')
    url = links.url_for(obj)
    own_key = getattr(obj, "key", "")
    title = text or _title_of(obj)
    inner = SafeString("")
    if own_key:
        inner = format_html('<span class="key">{}</span>', own_key)
    if not (only_key and own_key) and title != own_key:
        inner = format_html("{}<span>{}</span>", inner, title)
    if not url:
        return format_html('<span class="obj">{}</span>', inner)
    return format_html('<a class="obj" href="{}">{}</a>', url, inner)


# -- time and numbers --


@register.simple_tag
def when(value: Any, style: str = "time", none: str = "–") -> SafeString:
    """A moment or a day in the viewer's zone; the title says UTC. Styles: time, date, clock, utc, ago."""
    if not value:
        return format_html('<span class="muted">{}</span>', none)
    today = timezone.localtime(clocks.now()).date()
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), formats.day(value, today))
    moment = value if timezone.is_aware(value) else value.replace(tzinfo=UTC)
    local, in_utc = timezone.localtime(moment), moment.astimezone(UTC)
    text = {
        "date": lambda: formats.day(local.date(), today),
        "clock": lambda: formats.clock(local),
        "utc": lambda: f"{in_utc:%Y-%m-%d %H:%M:%S} UTC",
        "ago": lambda: formats.ago(moment, clocks.now()),
    }.get(style, lambda: f"{formats.day(local.date(), today)} {formats.clock(local)}")()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        in_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{in_utc:%Y-%m-%d %H:%M:%S} UTC",
        text,
    )


@register.simple_tag
def hash_short(value: Any, length: int = 12) -> SafeString:
    """A digest cut to its first characters, whole in the title, with a copy button."""
    if not value:
        return mark_safe('<span class="muted">–</span>')
    whole = str(value)
    cut = whole.rpartition(":")[2][:length]
    return format_html(
        '<span class="hash"><span title="{0}">{1}</span>'
        '<button class="icbtn" type="button" data-copy="{0}" aria-label="{3}">{2}</button></span>',
        whole,
        cut,
        icon("copy"),
        gettext("Copy %(text)s") % {"text": cut},
    )


@register.simple_tag
def progress(
    value: Any, maximum: Any = 100, label: str = "", text: str = "", kind: str = "load"
) -> SafeString:
    """A bar with its numbers. kind "load" warns near and over the maximum; "plain" only shows how far."""
    have, most = float(value or 0), float(maximum or 0)
    mood = (
        "plain"
        if kind == "plain"
        else "over"
        if have > most
        else "near"
        if most and have > 0.92 * most
        else ""
    )
    return format_html(
        '<span class="meterrow"><progress class="{}" max="{}" value="{}" aria-label="{}"></progress>'
        '<b class="num">{}</b></span>',
        mood,
        f"{most or 1:g}",
        f"{have:g}",
        label or gettext("Progress"),
        text or f"{have:g}/{most:g}",
    )


# -- differences --


@register.inclusion_tag("components/diff.html")
def difference(before: Any, after: Any, caption: str = "") -> dict[str, Any]:
    """Old against new, field by field: two dictionaries, or one of the form {field: [old, new]}."""
    return {"changes": differences.between(before, after), "caption": caption or gettext("What changed")}


@register.simple_tag
def line_difference(before: str, after: str, of: str = "") -> SafeString:
    """Two texts as lines, removed and added lines marked; `of` says which text it is where a page shows several."""
    rows = [(tag, line) for tag, line in differences.lines(before or "", after or "")]
    return format_html(
        '<pre class="code line-diff" tabindex="0" role="region" aria-label="{}">{}</pre>',
        gettext("Difference: %(text)s") % {"text": of} if of else gettext("Difference"),
        format_html_join(
            "\n",
            "{}",
            ((format_html("<{0}>{1}</{0}>", t, line) if t in ("ins", "del") else line,) for t, line in rows),
        ),
    )


# -- the frame and its parts --


@register.simple_tag(takes_context=True)
def page_tools(context: template.Context, obj: Any) -> list[Any]:
    """What can be done from the page of this object, beside its verbs."""
    from releasetrain.interface.neighbours import tools_of

    actor = getattr(context.get("request"), "actor", None)
    return tools_of(actor, obj) if actor else []


@register.simple_tag(takes_context=True)
def places(context: template.Context) -> dict[str, Any]:
    """The entries of the rail, of More and of the top bar for this request."""
    request: HttpRequest = context["request"]
    return navigation.places(request, context.get("section") or "")


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The viewer's theme: auto, light or dark; the person's own, else the browser's cookie."""
    request: HttpRequest = context["request"]
    chosen = getattr(request.user, "theme", "") or request.COOKIES.get("theme", "")
    return chosen if chosen in ("light", "dark") else "auto"


@register.inclusion_tag("components/verb_button.html")
def verb_button(
    decision: Any, url: str, label: str, css: str = "", *, icon_name: str = "", ident: str = ""
) -> dict[str, Any]:
    """The button of an act.

    Refused, it stays visible with a lock and says why and what would make it pass.
    """
    verb = getattr(decision, "verb", label)
    refusals = list(getattr(decision, "refusals", ()))
    slug = "".join(c if c.isalnum() else "-" for c in f"why-{verb}-{ident}").strip("-")
    return {
        "allowed": not refusals,
        "reasons": [(r, links.url_of_ref(r.blocked_by)) for r in refusals],
        "url": url,
        "label": label,
        "css": css,
        "icon_name": icon_name,
        "ident": slug,
    }


@register.simple_tag
def ref_link(ref: Any) -> SafeString:
    """A link to what a refusal names as standing in the way."""
    url = links.url_of_ref(ref)
    return format_html('<a href="{}">{}</a>', url, ref.label) if url else format_html("{}", ref.label)


@register.simple_tag
def sort_state(name: str, current: str) -> dict[str, str]:
    """What a sortable head says and where a click on it leads: ascending, then descending."""
    if current == name:
        return {"aria": "ascending", "next": f"-{name}", "icon": "up"}
    if current == f"-{name}":
        return {"aria": "descending", "next": name, "icon": "down"}
    return {"aria": "", "next": name, "icon": "sort"}


@register.simple_tag(takes_context=True)
def memberships(context: template.Context) -> list[Organization]:
    """The organizations of whoever looks at the page, by name."""
    user = context["request"].user
    if not user.is_authenticated:
        return []
    rows = Membership.objects.filter(user_id=user.pk, suspended_at__isnull=True).select_related(
        "organization"
    )
    confined = sessions.confined_to(context["request"])
    if confined:
        rows = rows.filter(organization_id=confined)
    return sorted((row.organization for row in rows), key=lambda organization: organization.name)


@register.filter
def get(mapping: Any, name: Any) -> Any:
    """A value of a mapping by a variable name."""
    return mapping.get(name) if hasattr(mapping, "get") else None


@register.filter
def spelled(value: Any) -> Any:
    """What a JSON value holds, in words: names before values, one thing after the other, no brackets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{spelled(str(name))}: {spelled(inner)}" for name, inner in value.items()) or "–"
    if isinstance(value, list | tuple):
        nested = any(isinstance(each, Mapping | list | tuple) for each in value)
        return ("; " if nested else ", ").join(str(spelled(each)) for each in value) or "–"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if value is None or value == "":
        return "–"
    # Names of the machine's kind, e.g. error_rate; sentences, paths and the like stay as they are.
    return value.replace("_", " ") if isinstance(value, str) and _NAME.fullmatch(value) else value


@register.filter
def pairs(mapping: Any) -> list[tuple[Any, Any]]:
    """Names and values of a mapping. In a template `mapping.items` is the value called items, where there is one."""
    return list(mapping.items()) if isinstance(mapping, Mapping) else []
