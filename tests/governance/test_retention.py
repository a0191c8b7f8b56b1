"""Retention: the longest policy wins, a hold beats it, two people approve, and older proofs still hold afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance.rules.retention import Hold, Record, Rule, due, holds_on
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.fixtures import Cast
from tests.governance.gateway import Gateway, junit
from tests.governance.story import Story

YEARS_LATER = timedelta(days=3 * 365)


def policy(gateway: Any, days: int = 365, record_type: str = "report", **more: Any) -> Any:
    from governance.actions.retention import create_policy
    from governance.models import RecordType

    with gateway.scope("compliance_officer") as officer:
        return create_policy(
            officer, record_type=RecordType(record_type), keep_days=days, reason="House rule", **more
        )


def proposed(gateway: Any) -> Any:
    from governance.disposing import propose

    with gateway.scope("auditor"):
        return propose("report")


def approve_both(gateway: Any, disposal: Any) -> Any:
    from governance.actions.retention import approve_disposal, countersign_disposal

    with gateway.scope("compliance_officer") as officer:
        approve_disposal(officer, disposal, decision="Past its time.")
    with gateway.scope("owner") as owner:
        return countersign_disposal(owner, disposal, decision="Agreed.")


def execute(gateway: Any, disposal: Any) -> Any:
    from governance.disposing import work_off
    from governance.models import Disposal

    work_off(gateway.cast.organization.pk, disposal.pk)
    with gateway.scope("auditor"):
        return Disposal.objects.get(pk=disposal.pk)


def file_of(gateway: Any) -> Any:
    from governance.models import Result

    with gateway.scope("auditor"):
        return Result.objects.select_related("file").get().file


@pytest.fixture
def reported(gateway: Gateway) -> Any:
    """One report of a build that no release carries."""
    gateway.post(junit(3))
    return gateway


@pytest.fixture
def later(reported: Gateway) -> Any:
    policy(reported)
    with time_machine.travel(now() + YEARS_LATER, tick=True):
        yield reported


def test_disposal_is_proposed_approved_by_two_executed_and_certified(later: Any) -> None:
    from governance import files
    from governance.models import DisposedFile
    from releasetrain.audit.models import LedgerEntry

    disposal = proposed(later)
    assert disposal.count == 1
    stored = file_of(later)
    with later.scope("auditor"):
        assert files.path_of(stored).is_file()
    approve_both(later, disposal)
    done = execute(later, disposal)
    assert done.state == "done"
    assert [d["digest"] for d in done.certificate["disposed"]] == [stored.digest]
    with later.scope("auditor"):
        assert not files.path_of(stored).exists()
        with pytest.raises(files.Disposed, match="disposed of on"):
            files.read(stored)
        assert DisposedFile.objects.get().digest == stored.digest
        entry = LedgerEntry.objects.get(verb="disposal.certify")
        assert stored.digest in entry.body
        assert done.certificate_digest in entry.body
    assert proposed(later) is None  # nothing goes twice


def test_without_a_policy_and_before_its_end_nothing_goes(reported: Any) -> None:
    with time_machine.travel(now() + YEARS_LATER):
        assert proposed(reported) is None
    policy(reported, days=365)
    policy(reported, days=3650, framework="sox-itgc-change")
    with time_machine.travel(now() + YEARS_LATER):
        assert proposed(reported) is None  # the longer one wins
    with time_machine.travel(now() + timedelta(days=3652)):
        assert proposed(reported).count == 1


def test_a_policy_of_a_jurisdiction_binds_the_services_under_it_and_those_of_which_it_is_not_known(
    reported: Any,
) -> None:
    from trains.actions.services import set_obligations
    from trains.models import Service

    policy(reported, days=365)
    policy(reported, days=3650, jurisdiction="US")
    with time_machine.travel(now() + YEARS_LATER):
        assert proposed(reported) is None  # nobody has said where the service is bound
    with reported.scope("compliance_officer") as officer:
        set_obligations(officer, Service.objects.get(), jurisdictions=["EU", "CH"])
    with time_machine.travel(now() + YEARS_LATER):
        assert proposed(reported).count == 1
    with reported.scope("compliance_officer") as officer:
        set_obligations(officer, Service.objects.get(), jurisdictions=["EU", "US"])
    with time_machine.travel(now() + YEARS_LATER):
        kept = execute(reported, approve_both(reported, _waiting(reported)))
    assert kept.certificate["disposed"] == []  # asked again before the bytes go
    assert "US" in kept.certificate["kept"][0]["why"]


def _waiting(gateway: Any) -> Any:
    from governance.models import Disposal

    with gateway.scope("auditor"):
        return Disposal.objects.get(state="proposed")


def test_a_hold_keeps_what_it_covers_even_when_placed_after_both_approvals(later: Any) -> None:
    from governance import files
    from governance.actions.retention import lift_hold, place_hold

    disposal = proposed(later)
    approve_both(later, disposal)
    with later.scope("compliance_officer") as officer:
        hold = place_hold(officer, title="Case 7", reason="Proceedings", service=later.service)
    done = execute(later, disposal)
    assert done.certificate["disposed"] == []
    assert hold.key in done.certificate["kept"][0]["why"]
    with later.scope("auditor"):
        assert files.path_of(file_of(later)).is_file()
    assert proposed(later) is None
    with later.scope("compliance_officer") as officer, pytest.raises(Refused) as refused:
        lift_hold(officer, hold, reason="Settled")
    assert refused.value.refusals[0].code == "hold.own"


def test_one_person_cannot_give_both_approvals_not_even_in_sql(later: Any) -> None:
    from governance.actions.retention import approve_disposal, countersign_disposal
    from governance.models import Disposal
    from releasetrain.accounts.actions import create_grant
    from releasetrain.accounts.catalogue import Role

    disposal = proposed(later)
    with later.scope("owner") as owner, pytest.raises(Refused) as refused:
        countersign_disposal(owner, disposal, decision="Go")
    assert refused.value.refusals[0].code == "disposal.first"
    with later.scope("owner") as owner:
        create_grant(owner, email=later.cast.user("compliance_officer").email, role=Role.OWNER)
    both = Cast(later.cast.organization)["compliance_officer"]
    with later.scope("compliance_officer"):
        approve_disposal(both, disposal, decision="Past its time.")
        with pytest.raises(Refused) as refused:
            countersign_disposal(both, disposal, decision="And again.")
        assert refused.value.refusals[0].code == "disposal.twice"
        rows = Disposal.objects.filter(pk=disposal.pk)
        mine = {"second_by": both.user_id, "second_at": now(), "state": "approved"}
        with pytest.raises(IntegrityError, match="disposal_approved_by_two_people"), transaction.atomic():
            rows.update(**mine)
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(state="approved")
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            rows.update(items=[])
    # Without two approvals the worker finds nothing to do, and no tombstone stands.
    from governance.disposing import claim
    from governance.models import DisposedFile

    with later.scope("auditor"):
        assert claim(disposal.pk) is None
        stored = file_of(later)
        with pytest.raises(DatabaseError, match="approved by two"), transaction.atomic():
            DisposedFile.objects.create(file=stored, disposal=disposal, digest=stored.digest, size=1)


def test_a_proposer_does_not_approve(later: Any) -> None:
    from governance.actions.retention import approve_disposal, propose_disposal
    from governance.models import RecordType

    with later.scope("compliance_officer") as officer:
        disposal = propose_disposal(officer, record_type=RecordType.REPORT)
        with pytest.raises(Refused) as refused:
            approve_disposal(officer, disposal, decision="Mine.")
        assert refused.value.refusals[0].code == "disposal.own"


def test_a_worker_that_dies_half_way_is_followed_by_another(later: Any) -> None:
    from governance import disposing, files

    disposal = proposed(later)
    approve_both(later, disposal)
    with later.scope("auditor"):
        lease = disposing.claim(disposal.pk)
        assert disposing.bury(disposal.pk, lease) == []
        assert disposing.claim(disposal.pk) is None  # somebody is at it
    with time_machine.travel(now() + timedelta(hours=1), tick=True):
        done = execute(later, disposal)
        assert done.state == "done"
        assert len(done.certificate["disposed"]) == 1
    with later.scope("auditor"):
        assert not files.path_of(file_of(later)).exists()
        assert disposing.certify(later.cast["auditor"], disposal.pk, lease, []) is False


def test_the_same_report_posted_again_is_kept_again(later: Any) -> None:
    from governance import files

    disposal = proposed(later)
    approve_both(later, disposal)
    execute(later, disposal)
    stored = file_of(later)
    with later.scope("service_account"):
        files.keep(junit(3), name="report")
        assert files.read(stored) == junit(3)


def test_a_package_built_before_a_disposal_verifies_after_it(cast: Any, committed_db: Any) -> None:
    """And one built afterwards holds a certificate in the place of the report."""
    from governance.evidence.checking import check

    story = Story(cast)
    package = story.built()
    assert package.state == "done", package.error
    policy(story, days=30)
    with time_machine.travel(now() + YEARS_LATER, tick=True):
        with story.scope("release_manager"):
            from trains.models import Release

            for release in Release.objects.all():
                release.released_at = now() - timedelta(days=900)
                release.state = "closed"
                release.save()
        disposal = proposed(story)
        assert disposal.count == 2
        approve_both(story, disposal)
        assert execute(story, disposal).state == "done"
        with story.scope("auditor"):
            assert check(package).intact
        after = story.built()
        assert after.state == "done", after.error
        with story.scope("auditor"):
            assert check(after).intact


# -- rules --

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
RULES = st.lists(
    st.builds(
        Rule,
        st.text(max_size=3),
        st.sampled_from(["received", "released", "superseded"]),
        st.integers(1, 36500),
        st.booleans(),
        st.sampled_from(["", "eu-dora", "sox-itgc-change"]),
        st.sampled_from(["", "EU", "US"]),
    ),
    max_size=6,
)
UNDER = st.none() | st.frozensets(st.sampled_from(["EU", "US", "CH"]), min_size=1)
EVENTS = st.fixed_dictionaries(
    {
        name: st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))
        for name in ("released", "superseded")
    }
)


@given(RULES, RULES, EVENTS, st.booleans())
def test_another_policy_never_makes_a_record_go_earlier(
    rules: list[Rule], more: list[Rule], events: Any, regulated: bool
) -> None:
    record = Record("report", MOMENT, events, regulated)
    first, second = due(record, rules), due(record, [*rules, *more])
    if first and second:
        assert second[0] >= first[0]
    if rules and first is None and any(not r.regulated_only or regulated for r in rules):
        assert second is None


@given(RULES, EVENTS, UNDER)
def test_knowing_where_a_record_is_bound_never_keeps_it_longer_than_not_knowing(
    rules: list[Rule], events: Any, under: frozenset[str] | None
) -> None:
    unknown = due(Record("report", MOMENT, events), rules)
    known = due(Record("report", MOMENT, events, jurisdictions=under), rules)
    if unknown and known:
        assert known[0] <= unknown[0]
    binding = [r for r in rules if not r.jurisdiction or under is None or r.jurisdiction in under]
    assert known == due(Record("report", MOMENT, events), binding)


@given(RULES, EVENTS)
def test_a_record_stays_while_it_is_needed_and_at_least_as_long_as_each_policy_says(
    rules: list[Rule], events: Any
) -> None:
    assert due(Record("report", MOMENT, events, needed=True), rules) is None
    when = due(Record("report", MOMENT, events), rules)
    if when:
        assert all(when[0] >= MOMENT + timedelta(days=r.days) for r in rules)


@given(
    st.sampled_from(["", "report", "package"]), st.none() | st.integers(1, 3), st.none() | st.integers(1, 3)
)
def test_a_hold_covers_in_doubt(kind: str, train: int | None, service: int | None) -> None:
    hold = Hold("HOLD-1", kind, train, service)
    known = Record("report", MOMENT, trains=frozenset({1}), services=frozenset({2}), releases=frozenset())
    unknown = Record("report", MOMENT)
    fits = kind in ("", "report") and train in (None, 1) and service in (None, 2)
    assert bool(holds_on(known, [hold])) == fits
    assert bool(holds_on(unknown, [hold])) == (kind in ("", "report"))


def test_a_hold_of_a_period_covers_its_first_day_and_not_the_day_after() -> None:
    hold = Hold("HOLD-1", starts=date(2026, 1, 1), ends=date(2026, 1, 2))
    assert holds_on(Record("report", MOMENT), [hold])
    assert not holds_on(Record("report", MOMENT + timedelta(days=1)), [hold])
