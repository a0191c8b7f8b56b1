"""The cards of the board are written out in Python: whatever people wrote stands on them as text."""

from __future__ import annotations

import uuid
from html.parser import HTMLParser

import pytest
from django.template import Context, Template

from planning.queries.board import Card

NASTY = '"\'><b a="1">&amp;'
WORDS = ("points", "wsjf", "w", "needs", "needed_by", "move", "needs_more", "carried")


def card(**given):
    return Card(
        **{
            "id": uuid.UUID(int=7), "key": "FEAT-7", "title": "Refunds", "kind": "feature", "kind_label": "",
            "points": 5, "wsjf": "", "version": 3, "state": "planned", "team_id": uuid.UUID(int=1),
            "iteration_id": uuid.UUID(int=2), "theme_id": None, "blocked": "", "tone": "idle", "word": "Not started",
            **given,
        }
    )  # fmt: skip


def drawn(one, *, by_team=True, may_plan=True, said=None):
    words = {f"said_{word}": said or word for word in WORDS}
    context = {
        "cards": [one],
        "root": "/o/acme/",
        "address": "/o/acme/board/1/",
        "sprite": "/i.svg",
        "may_plan": may_plan,
    }
    template = Template("{% load board_cards %}{% board_cards cards by_team=by_team %}")
    return template.render(Context({**context, **words, "by_team": by_team}))


class Read(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.values, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [value for _, value in attrs]

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("by_team", [True, False])
def test_what_people_wrote_is_text_on_a_card(by_team):
    names = ("title", "kind_label", "team", "blocked", "carried", "shared", "word")
    read = Read(
        drawn(
            card(**dict.fromkeys(names, NASTY), wsjf="4.0", needs=1, needed_by=2), by_team=by_team, said=NASTY
        )
    )
    assert "b" not in read.tags
    # Title, kind or team, shared, word, carried; and the words of the page, which are not trusted either.
    assert read.text.count(NASTY) >= 12
    assert sum(NASTY in (value or "") for value in read.values) >= 4


def test_a_card_shows_what_there_is_to_tell_and_no_more():
    plain = drawn(card())
    for absent in ("wsjf", 'class="dep"', "carried", "shared", " dim", "title="):
        assert absent not in plain
    full = Read(
        drawn(card(wsjf="4.0", needs=1, needed_by=2, carried="26.3", shared="Test bed taken", shown=False))
    )
    assert " ".join(full.text.split()) == (
        "FEAT-75 pointsRefundswsjf w 4.01 needs2 needed_by↷ 26.3Test bed takenNot startedmove FEAT-7 needs_more FEAT-7"
    )
    assert "fc dim" in full.values


def test_without_the_right_to_plan_a_card_offers_no_moves():
    assert "data-move" in drawn(card())
    assert "data-move" not in drawn(card(), may_plan=False)


def test_in_a_swimlane_a_card_names_its_team():
    one = card(team="Ledger Core", kind_label="enabler")
    assert "Ledger Core" in drawn(one, by_team=False)
    assert "enabler" in drawn(one)
    assert "Ledger Core" not in drawn(one)
