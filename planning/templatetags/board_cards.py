"""The cards of the program board, written out in Python: a board has hundreds, of which a template would take most of the page's time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.html import conditional_escape as escaped
from django.utils.safestring import SafeString, mark_safe

from planning.queries.board import Card
from releasetrain.interface.wording import said

register = template.Library()


@register.simple_tag(takes_context=True)
def board_cards(context: Mapping[str, Any], cards: Iterable[Card], *, by_team: bool) -> SafeString:
    """The cards of one cell; rows that are no teams name the team of each. Words come from the template, asked for once."""
    return mark_safe("".join(_card(context, card, by_team) for card in cards))  # noqa: S308 - every value is escaped in `_card`


def _card(context: Mapping[str, Any], card: Card, by_team: bool) -> str:
    key, root, address = escaped(card.key), escaped(context["root"]), escaped(context["address"])
    return (
        f'<li class="fc{"" if card.shown else " dim"}" id="c-{card.id}" data-id="{card.id}" data-key="{key}"'
        f' data-version="{card.version}" data-type="{escaped(card.kind)}"><span class="r1"><span class="key">{key}</span>'
        f'<span class="kind">{escaped(card.kind_label if by_team else card.team)}</span>'
        f'<span class="pts">{card.points}<span class="vh"> {escaped(context["said_points"])}</span></span></span>'
        f'<a class="tt" href="{root}features/{key}/" aria-describedby="bdhelp">{escaped(card.title)}</a>'
        f'<span class="r3">{_facts(context, card)}{_state(context, card)}</span>'
        f"{_moves(context, address, key) if context['may_plan'] else ''}</li>"
    )


def _facts(context: Mapping[str, Any], card: Card) -> str:
    """What is told only of some cards."""
    told = ""
    if card.wsjf:
        words = escaped(context["said_wsjf"])
        told += (
            f'<span class="wsjf" title="{words} {card.wsjf}"><span class="vh">{words} </span>'
            f'<span aria-hidden="true">{escaped(context["said_w"])}</span> {card.wsjf}</span>'
        )
    for count, icon, word in ((card.needs, "in", "said_needs"), (card.needed_by, "out", "said_needed_by")):
        if count:
            told += f'<span class="dep">{_icon(context, icon)}{count}<span class="vh"> {escaped(context[word])}</span></span>'
    if card.carried:
        carried = escaped(card.carried)
        told += (
            f'<span class="carried" title="{escaped(context["said_carried"])} {carried}">↷ {carried}</span>'
        )
    if card.shared:
        shared = escaped(card.shared)
        told += f'<span class="shared" title="{shared}">{_icon(context, "hold", "hold")}<span class="vh">{shared}</span></span>'
    return told


def _state(context: Mapping[str, Any], card: Card) -> str:
    title = f' title="{escaped(card.blocked)}"' if card.blocked else ""
    quiet = ' class="vh"' if card.quiet else ""
    word = f"<span{quiet}>{escaped(said(card.word))}</span>"
    return f'<span class="st {card.tone}"{title}>{_icon(context, card.tone, card.tone)}{word}</span>'


def _moves(context: Mapping[str, Any], address: str, key: str) -> str:
    return (
        f'<span class="move"><a href="{address}move/{key}/" data-move tabindex="-1">{escaped(context["said_move"])}'
        f'<span class="vh"> {key}</span></a> <a href="{address}needs/{key}/" data-needs data-dialog tabindex="-1">'
        f'{escaped(context["said_needs_more"])}<span class="vh"> {key}</span></a></span>'
    )


def _icon(context: Mapping[str, Any], name: str, tone: str = "") -> str:
    shown = f"i {tone}" if tone else "i"
    return f'<svg class="{shown}" aria-hidden="true"><use href="{escaped(context["sprite"])}#{name}"/></svg>'
