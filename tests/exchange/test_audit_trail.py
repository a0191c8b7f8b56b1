"""The audit trail: found by object, person, act and time, on the page and over REST, with the proof of an entry."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest
import time_machine

from releasetrain.accounts.actions import create_service_account
from releasetrain.audit import explorer
from releasetrain.audit.ledger import network_of
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from trains.actions.trains import create_train, edit_train

LEDGER = "/api/v1/orgs/northwind/ledger"

pytestmark = pytest.mark.django_db


def test_a_key_finds_all_acts_on_the_object_whatever_it_was_called_then(
    api: Any, cast: Any, in_northwind: Any
) -> None:
    train = create_train(cast["rte"], key="LEDG", name="Ledgers", cadence_start=date(2026, 1, 5))
    edit_train(cast["rte"], train, name="Books")
    create_train(cast["rte"], key="LEDG2", name="Others", cadence_start=date(2026, 1, 5))
    for asked in ("LEDG", str(train.pk)):
        found = api("auditor").get(f"{LEDGER}?q={asked}").json()
        assert [item["verb"] for item in found["items"]] == ["train.edit", "train.create"]
        assert {item["subject"] for item in found["items"]} == {str(train.pk)}
        assert found["looked_back_to"] is None


def test_a_part_of_a_name_is_looked_for_window_by_window(
    api: Any, web: Any, cast: Any, in_northwind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explorer, "WINDOW", 2)
    create_service_account(cast["owner"], name="needle in here")
    for name in "abc":
        create_service_account(cast["owner"], name=name)
    seen, before, looks = [], "", 0
    while looks < 100:
        answer = api("auditor").get(f"{LEDGER}?q=needle{before}").json()
        seen += [item["label"] for item in answer["items"]]
        looks += 1
        if answer["next"] is None:
            break
        assert answer["looked_back_to"]
        before = f"&before={answer['next']}"
    assert seen == ["needle in here"]
    assert looks == -(-LedgerEntry.objects.count() // 2)
    assert "Look further back" in web("auditor").get("/o/northwind/audit/?q=needle").text


def test_a_period_holds_the_entries_of_its_time_and_no_others(api: Any, cast: Any, in_northwind: Any) -> None:
    moment = now()
    for days in (3, 2, 1):
        with time_machine.travel(moment + timedelta(days=10 - days)):
            create_service_account(cast["owner"], name=f"day {10 - days}")
    since, until = ((moment + timedelta(days=d, hours=-1)).strftime("%Y-%m-%dT%H:%M:%SZ") for d in (8, 9))
    found = api("auditor").get(f"{LEDGER}?since={since}&until={until}").json()
    assert [item["label"] for item in found["items"]] == ["day 8"]
    assert api("auditor").get(f"{LEDGER}?until=1999-01-01T00:00:00Z").json()["items"] == []
    assert api("auditor").get(f"{LEDGER}?since=2999-01-01T00:00:00Z").json()["items"] == []


def test_a_list_is_read_on_where_it_ended(api: Any, cast: Any, in_northwind: Any) -> None:
    numbers, before = [], ""
    while True:
        answer = api("auditor").get(f"{LEDGER}?limit=7{before}").json()
        numbers += [item["entry"] for item in answer["items"]]
        if answer["next"] is None:
            break
        before = f"&before={answer['next']}"
    assert numbers == list(LedgerEntry.objects.order_by("-id").values_list("id", flat=True))


def test_the_verbs_to_choose_from_are_those_that_occur(in_northwind: Any) -> None:
    assert explorer.verbs() == sorted(set(LedgerEntry.objects.values_list("verb", flat=True)))


def test_an_entry_over_rest_is_the_text_that_is_hashed(api: Any, in_northwind: Any) -> None:
    entry = LedgerEntry.objects.order_by("id").first()
    shown = api("auditor").get(f"{LEDGER}/{entry.pk}").json()
    assert sha256(b"\0" + shown["body"].encode()).hexdigest() == shown["leaf_hash"]
    assert shown["proof"] is None


def test_only_readers_of_the_trail_of_this_organization_see_it(api: Any, in_northwind: Any) -> None:
    entry = LedgerEntry.objects.order_by("id").first()
    for address in (LEDGER, f"{LEDGER}/{entry.pk}"):
        assert api("team_member").get(address).status_code == 403
    assert api("auditor").get(f"{LEDGER}/{2**70}").status_code == 404
    assert api("auditor").get(f"/api/v1/orgs/contoso-health/ledger/{entry.pk}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("since=never", "since"),
        ("until=9999-13-01T00:00:00Z", "until"),
        ("before=x", "before"),
        ("before=-1", "before"),
        ("limit=0", "limit"),
        ("colour=red", "colour"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_at_its_field(api: Any, asked: str, field: str) -> None:
    answer = api("auditor").get(f"{LEDGER}?{asked}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#/{field}"


def test_odd_texts_find_nothing_and_break_nothing(api: Any) -> None:
    for odd in ("q=%27%22--", "actor=x", "kind=%27", "verb=%25", "q=CHG-99999999999999999999"):
        assert api("auditor").get(f"{LEDGER}?{odd}").json()["items"] == []


def test_an_entry_says_from_which_network_it_came_and_not_from_which_address(
    api: Any, in_northwind: Any
) -> None:
    made = api("owner").post(
        "/api/v1/orgs/northwind/service-accounts", {"name": "from afar"}, REMOTE_ADDR="203.0.113.77"
    )
    assert made.status_code == 201
    entry = LedgerEntry.objects.order_by("-id").first()
    assert '"network":"203.0.113.0/24"' in entry.body
    assert "203.0.113.77" not in entry.body


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_networks_of_addresses(address: str, network: str) -> None:
    assert network_of(address) == network
