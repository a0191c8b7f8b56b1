"""Search: what is found, that nothing else is, and how fast the index follows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from releasetrain.interface.models import SavedView, SearchEntry, SearchNote, SearchWord
from releasetrain.interface.search import Hit, find
from releasetrain.interface.searching import words
from releasetrain.interface.searching.highlighting import excerpt, marked
from releasetrain.interface.searching.indexing import index_noted, rebuild
from trains.actions.trains import create_train
from trains.models import ConfigurationObservation, Release, Train

pytestmark = pytest.mark.django_db


def view(actor, name, shared=False):
    return SavedView.objects.create(
        name=name, listed="releases", query="", owner_id=actor.user_id, shared=shared
    )


def indexed():
    while index_noted():
        pass


def dated(rows):
    """As if a minute lay between each of these and the next."""
    start = datetime.now(UTC)
    for minute, pk in enumerate(rows.values_list("pk", flat=True), 1):
        SearchEntry.objects.filter(object_id=pk).update(changed_at=start + timedelta(minutes=minute))


def labels(actor, text, **options):
    return [hit.label for _, hits in find(actor, text, **options) for hit in hits]


@pytest.mark.parametrize("through_the_index", [False, True])
def test_words_are_found_by_their_beginnings_before_and_after_indexing(cast, within, through_the_index):
    with within(cast, "rte") as rte:
        view(rte, "Quarterly accès review of SettlementBatch")
        if through_the_index:
            indexed()
            assert not SearchNote.objects.exists()
        for text in ("quarterly", "QUART acces", "review quarterly", "settlementb", "batch"):
            assert labels(rte, text) == ["Quarterly accès review of SettlementBatch"], text
        assert labels(rte, "quarterly nowhere") == []


def test_what_is_renamed_is_found_by_its_new_name_only(cast, within):
    with within(cast, "rte") as rte:
        saved = view(rte, "Wintergarden")
        indexed()
        saved.name = "Orangery"
        saved.save()
        for _ in range(2):
            assert labels(rte, "orangery") == ["Orangery"]
            assert labels(rte, "wintergarden") == []
            indexed()
        saved.delete()
        assert labels(rte, "orangery") == []
        indexed()
        assert not SearchEntry.objects.filter(object_id=saved.pk).exists()


@pytest.mark.parametrize("through_the_index", [False, True])
def test_rows_of_others_are_in_no_result_no_count_and_no_suggestion(
    cast, other_cast, within, through_the_index
):
    with within(other_cast, "rte") as stranger:
        view(stranger, "Zanzibar of the clinic", shared=True)
        if through_the_index:
            indexed()
    with within(cast, "rte") as rte:
        view(rte, "Zanzibar private")
        view(rte, "Zanzibar shared", shared=True)
        if through_the_index:
            indexed()
    with within(cast, "auditor") as auditor:
        for text in ("zanzibar", "zanzibra"):
            found = find(auditor, text)
            if text == "zanzibar" or through_the_index:
                assert [(hit.label) for _, hits in found for hit in hits] == ["Zanzibar shared"]
                assert [group.count for group in found.groups] == [1]
        assert find(auditor, "privat").groups == []
        assert find(auditor, "zanzibar clinic").groups == []
        assert find(auditor, "zanzibar clinik").instead == ""


def test_a_mistyped_word_finds_what_was_meant(cast, within):
    with within(cast, "rte") as rte:
        view(rte, "Reconciliation of ledgers")
        indexed()
        found = find(rte, "reconcilation ledgesr")
        assert found.instead == "reconciliation ledgers"
        assert [hit.label for _, hits in found for hit in hits] == ["Reconciliation of ledgers"]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("econciliation", "reconciliation"),
        ("teconciliation", "reconciliation"),
        ("erconciliation", "reconciliation"),
        ("reconcilation", "reconciliation"),
        ("rceonciliatoin", "reconciliation"),
        ("recomcil", "reconciliation"),
        ("ldger", "ledgers"),
        ("квитанцыя", "квитанция"),
    ],
)
def test_wherever_a_word_is_mistyped_the_word_that_was_meant_is_found(cast, within, asked, meant):
    with within(cast, "rte") as rte:
        view(rte, "Reconciliation of ledgers")
        view(rte, "Квитанция об оплате")
        indexed()
        assert find(rte, asked).instead == meant


def test_a_word_like_no_other_is_not_corrected(cast, within):
    with within(cast, "rte") as rte:
        view(rte, "Reconciliation of ledgers")
        indexed()
        for asked in ("recipes", "lodgings", "abcdefgh"):
            assert not find(rte, asked).groups


@pytest.mark.parametrize(
    ("limits", "way"),
    [
        ({}, "every entry of the kind was read"),
        ({"LATEST": 1, "ENOUGH": 3}, "the latest are of others, the rest is ranked"),
        ({"LATEST": 1, "ENOUGH": 12, "FURTHER": 5}, "more of the latest, which are of others too"),
        ({"LATEST": 1, "ENOUGH": 50, "FURTHER": 1}, "the index gives all"),
        ({"LATEST": 1, "ENOUGH": 50, "FURTHER": 1, "COUNTED": 20, "RANKED": 10}, "the index gives those of others"),
        ({"LATEST": 1, "ENOUGH": 50, "FURTHER": 1, "MEANT": 0}, "the index is asked for beginnings"),
    ],
)  # fmt: skip
def test_in_whatever_way_many_are_found_only_what_one_may_see_is_shown_and_counted(
    cast, within, monkeypatch, limits, way
):
    from releasetrain.interface.searching import finding

    with within(cast, "rte") as rte:
        for number in range(12):
            view(rte, f"Harvest of everybody {number}", shared=True)
        for number in range(30):
            view(rte, f"Harvest of one person {number}")
        view(rte, "Sundial", shared=True)
        indexed()
        dated(SavedView.objects.order_by("name"))
    for name, value in limits.items():
        monkeypatch.setattr(finding, name, value)
    with within(cast, "auditor") as auditor:
        (group,) = find(auditor, "harvest", per_kind=3).groups
        assert (group.count, group.counted) == (12, True), way
        assert len(group.hits) == 3
        assert all(hit.label.startswith("Harvest of everybody") for hit in group.hits)
        assert labels(auditor, "sundial") == ["Sundial"]
        assert labels(auditor, "harvest person") == []


def test_what_one_may_not_see_does_not_keep_back_what_one_may(cast, within, monkeypatch):
    """The latest that hold the word are somebody's own; a train that has not been changed for long holds it too."""
    from releasetrain.interface.searching import finding

    with within(cast, "rte") as rte:
        for number in range(6):
            view(rte, f"Harvest of one person {number}")
        for number, name in enumerate(["Harvest", *(f"Other {letter}" for letter in "abcd")]):
            create_train(rte, key=f"RAIL{number}", name=name, cadence_start=date(2027, 1, 4))
        indexed()
        dated(Train.objects.order_by("key"))
    monkeypatch.setattr(finding, "LATEST", 1)
    monkeypatch.setattr(finding, "FURTHER", 1)
    for enough in (3, 50):
        monkeypatch.setattr(finding, "ENOUGH", enough)
        with within(cast, "auditor") as auditor:
            assert [(r.kind, len(hits)) for r, hits in find(auditor, "harvest", per_kind=3)] == [("train", 1)]


def test_of_kinds_that_hold_the_words_equally_well_those_of_the_daily_work_come_first(cast, within):
    with within(cast, "rte") as rte:
        view(rte, "Harvest")
        create_train(rte, key="RAIL", name="Harvest", cadence_start=date(2027, 1, 4))
        indexed()
        assert [resource.kind for resource, _ in find(rte, "harvest")] == ["train", "savedview"]
        assert [resource.kind for resource, _ in find(rte, "harvest", groups=1)] == ["train"]


def test_only_a_state_of_its_own_is_shown_as_one():
    """What a configuration observation calls its state is what was seen there."""
    from releasetrain.interface.resources import by_kind

    assert (
        Hit(by_kind("configurationobservation"), ConfigurationObservation(state={"os": "Debian"})).state == ""
    )
    assert Hit(by_kind("release"), Release(state="released")).state == "released"


def test_what_very_many_hold_is_ranked_among_the_latest_and_not_counted(cast, within, monkeypatch):
    from releasetrain.interface.searching import finding

    monkeypatch.setattr(finding, "LATEST", 2)
    with within(cast, "rte") as rte:
        for number in range(40):
            view(rte, f"Harvest {number:02}", shared=True)
        indexed()
        dated(SavedView.objects.order_by("name"))
        for enough, further in ((3, 1), (9, 5)):
            monkeypatch.setattr(finding, "ENOUGH", enough)
            monkeypatch.setattr(finding, "FURTHER", further)
            (group,) = find(rte, "harvest", per_kind=3).groups
            assert [hit.label for hit in group.hits] == ["Harvest 39", "Harvest 38", "Harvest 37"]
            assert not group.counted


@pytest.mark.parametrize(
    ("name", "beginnings"),
    [
        ("Replace log4j", ["log", "log4j", "repl"]),
        ("Digest deadbeef4711", ["deadbee", "deadbeef47", "dead"]),
        ("Ticket 4711229", ["471122", "47", "ticket 4711", "ticket 4"]),
        ("Fix of it", ["fi", "it of", "of fi"]),
        ("Rechtsschutzversicherungsgesellschaften in Köln", ["rechtsschutzversicherungsgesells", "koln"]),
        ("Fade in", ["fad", "fade"]),
    ],
)  # fmt: skip
def test_every_beginning_finds_its_word_in_the_index(cast, within, monkeypatch, name, beginnings):
    from releasetrain.interface.searching import finding

    monkeypatch.setattr(finding, "LATEST", 1)
    with within(cast, "rte") as rte:
        view(rte, name)
        indexed()
        view(rte, "Orangery")
        indexed()
        for asked in beginnings:
            assert labels(rte, asked, per_kind=1) == [name], asked


def test_words_that_were_not_learned_are_learned_at_night_and_forgotten_ones_go(cast, within, monkeypatch):
    from releasetrain.interface.searching import finding
    from releasetrain.interface.tasks import forget_search_words

    monkeypatch.setattr(finding, "LATEST", 1)
    with within(cast, "rte") as rte:
        view(rte, "Wintergarden of 4711 deadbeef12")
        indexed()
        view(rte, "Orangery")
        indexed()
        before = set(SearchWord.objects.values_list("word", flat=True))
        assert not {"4711", "deadbeef12"} & before
        SearchWord.objects.filter(word="wintergarden").delete()
        SearchWord.objects.create(organization=cast.organization, word="nobodys")
    forget_search_words()
    with within(cast, "rte") as rte:
        assert set(SearchWord.objects.values_list("word", flat=True)) == before
        assert labels(rte, "winter", per_kind=1) == ["Wintergarden of 4711 deadbeef12"]


def test_a_rebuild_gives_the_same_index_and_drops_what_is_gone(cast, within):
    with within(cast, "rte") as rte:
        view(rte, "Quarterly access review")
        indexed()
        before = dict(SearchEntry.objects.values_list("object_id", "document"))
        SearchEntry.objects.create(
            organization=cast.organization, kind="savedview", object_id=cast.organization.pk,
            changed_at="2026-01-01T00:00Z", document="'ghost':1A",
        )  # fmt: skip
        SearchEntry.objects.filter(object_id__in=list(before)[:3]).delete()
        rebuild()
        after = dict(SearchEntry.objects.values_list("object_id", "document"))
        assert before.items() <= after.items()
        assert cast.organization.pk not in after


def test_without_a_question_the_policy_hides_nothing_and_with_one_everything_else(cast, within):
    from releasetrain.interface.searching.finding import _asking

    with within(cast, "rte") as rte:
        view(rte, "Lighthouse")
        indexed()
        assert SearchEntry.objects.count() > 1
        with _asking(words.query(cast.organization.pk, ["lighth"])):
            assert SearchEntry.objects.count() == 1
        assert SearchEntry.objects.count() > 1


def test_what_was_asked_for_is_marked_and_everything_is_escaped():
    assert (
        marked("<b>Payment</b> repayments", ["pay"]) == "&lt;b&gt;<mark>Pay</mark>ment&lt;/b&gt; repayments"
    )
    assert excerpt(["nothing here", "x " * 100 + "the Déjà vu of it"], ["deja"]).startswith("… x")
    assert str(marked("Déjà vu", ["deja"])) == "<mark>Déjà</mark> vu"


@pytest.mark.parametrize(
    "text", ["'", "\\", "a & b", "!x", "():*", "@feature", "\x00", "ﬁ ß İ", "💥" * 50, "x" * 5000]
)
def test_no_question_breaks_the_search(cast, within, text):
    with within(cast, "rte") as rte:
        view(rte, "It's \\ 'quoted' & (odd)")
        indexed()
        find(rte, text)


def test_no_role_finds_what_its_list_hides_nor_anything_of_another_organization(cast, other_cast, within):
    """Every kind that is not for everybody, some that are, × every role: the index gives and counts what lists give."""
    from releasetrain.accounts.catalogue import ROLES
    from releasetrain.interface.resources import resources
    from releasetrain.interface.searching import finding
    from tests.structure.rows import row_of

    kept_apart = [r for r in resources() if r.rows or r.requires != "organization.view"]
    kinds = [*kept_apart, *(r for r in resources()[::8] if r not in kept_apart)]
    assert len(kept_apart) > 20
    for organization, chosen in ((cast, kinds), (other_cast, kept_apart)):
        with within(organization, "owner"):
            rows = [(resource, row_of(resource.model)) for resource in chosen]
            made = [resource.kind for resource, row in rows if row is not None]
            for resource, row in rows:
                if row is not None and resource.search_waits:
                    row.save()
            indexed()
            assert SearchEntry.objects.filter(kind__in=made).values("kind").distinct().count() == len(made)
            assert len(made) > len(chosen) * 0.7
    hidden = 0
    for role in ROLES:
        with within(cast, str(role)) as actor:
            found = finding.candidates(actor, kinds, [], per_kind=500)
            for resource in kinds:
                ids = {each.id for each in found if each.kind == resource.kind}
                counts = {each.count for each in found if each.kind == resource.kind}
                visible = set(resource.visible(actor).values_list("pk", flat=True))
                assert ids == visible, (role, resource.kind)
                assert counts <= {len(visible)}, (role, resource.kind)
                hidden += len(SearchEntry.objects.filter(kind=resource.kind)) - len(visible)
    assert hidden > 30
