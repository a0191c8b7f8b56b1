"""What is said about a release: briefs, notes, walkthroughs, the public log, changed promises."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.trains.test_compatibility import asked
from trains.actions import commitments, communication, data_migrations, releases, scope
from trains.models import CommitmentChange, Release, Walkthrough
from trains.rules.briefs import Item, chapters, functionality

ORG = "/api/v1/orgs/northwind"
LOG = "/log/northwind/payments/"
SECRETS = (
    "SECRET-PLAN",
    "SECRET-IMPACT",
    "SECRET-ITEM",
    "SECRET-SUMMARY",
    "SECRET-AFFECTED",
    "PRB-77",
    "SECRET-DRAFT",
)


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


@pytest.fixture
def manager(world: Any) -> Any:
    return world.as_["release_manager"]


def out(world: Any, version: str = "5.2.0", **said: Any) -> Any:
    """A release that is in production."""
    release = world.approved(version, impact="SECRET-IMPACT", rollback_plan="SECRET-PLAN", **said)
    world.deploy(version, release=release)
    return releases.mark_released(world.as_["release_manager"], Release.objects.get(pk=release.pk))


# -- briefs


def test_a_brief_speaks_of_what_readers_notice(world: Any, manager: Any, web: Any, api: Any) -> None:
    release = world.release(target_at=datetime(2027, 1, 10, 21, tzinfo=UTC), impact="Refunds arrive at once.")
    scope.add_item(manager, release, title="Instant refunds")
    scope.add_item(manager, release, title="Lost payments", classification="problem_fix", source_key="PRB-3")
    brief = communication.generate_brief(
        manager,
        release=release,
        downtime="Transfers wait.",
        downtime_starts=datetime(2027, 1, 10, 21, tzinfo=UTC),
        downtime_ends=datetime(2027, 1, 10, 21, 20, tzinfo=UTC),
    )
    assert chapters(brief.functionality) == [
        ("What is new", ["Instant refunds"]),
        ("What is corrected", ["Lost payments"]),
    ]
    path = f"content-briefs/{brief.pk}"
    page = web("team_member").get(f"/o/northwind/{path}/").content.decode()
    assert "Instant refunds" in page and "Refunds arrive at once." in page
    html = api("team_member").get(f"{ORG}/{path}/brief.html?zone=Asia/Tokyo").content.decode()
    assert "Monday, 11 January 2027 from 06:00 to 06:20 Asia/Tokyo (20 minutes)" in html
    pdf = api("team_member").get(f"{ORG}/{path}/brief.pdf?zone=Europe/London")
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert web("team_member").get(f"/o/northwind/{path}/brief.pdf").content[:5] == b"%PDF-"
    assert api("team_member").get(f"{ORG}/{path}/brief.html?zone=Moon/Base").status_code == 422
    assert api("team_member").get(f"{ORG}/content-briefs/nothing/brief.pdf").status_code == 404


def test_markup_in_a_brief_stays_text(world: Any, manager: Any, web: Any) -> None:
    release = world.release()
    scope.add_item(manager, release, title="<script>alert(1)</script> #panic()")
    brief = communication.generate_brief(manager, release=release)
    client = web("team_member")
    assert (
        "<script>alert"
        not in client.get(f"/o/northwind/content-briefs/{brief.pk}/brief.html").content.decode()
    )
    assert client.get(f"/o/northwind/content-briefs/{brief.pk}/brief.pdf").content[:5] == b"%PDF-"


def test_an_edit_makes_the_next_version_and_keeps_the_last(world: Any, manager: Any, web: Any) -> None:
    release = world.scoped()
    first = communication.generate_brief(manager, release=release)
    second = communication.edit_brief(manager, first, impact="Shops need to do nothing.")
    assert (second.number, first.impact, second.functionality) == (2, "", first.functionality)
    assert refused(communication.edit_brief, manager, first, impact="Late").code == "brief.superseded"
    assert refused(communication.edit_brief, manager, second, impact=second.impact).code == "brief.same"
    fault = refused(communication.edit_brief, manager, second, downtime_starts=now())
    assert fault.refusals[0].field == "downtime_ends"
    scope.add_item(manager, release, title="One more")
    page = web("team_member").get(f"/o/northwind/content-briefs/{second.pk}/").content.decode()
    assert "changed after this was written" in page


def test_the_cut_over_of_a_migration_is_the_downtime(world: Any, manager: Any) -> None:
    release, starts = world.scoped(), now() + timedelta(days=3)
    data_migrations.create_data_migration(
        manager, train=world.train, release=release, title="Balances", source_system="a", target_system="b",
        fallback="Switch back", cutover_starts=starts, cutover_ends=starts + timedelta(hours=1),
    )  # fmt: skip
    assert communication.generate_brief(manager, release=release).downtime_starts == starts


def test_a_feature_says_what_it_is_for() -> None:
    items = [Item("Passkeys", "feature", "Sign in without a password."), Item("Menu", "feature", "Menu")]
    assert functionality(items) == "What is new\n- Passkeys: Sign in without a password.\n- Menu"


# -- notes and the public log


def test_notes_name_resolved_problems_and_affected_items(world: Any, manager: Any) -> None:
    release = world.release()
    scope.add_item(manager, release, title="Lost payments", classification="problem_fix", source_key="PRB-3")
    scope.attach_artifact(manager, release, artifact=world.artifact())
    notes = communication.generate_notes(manager, release=release)
    assert (notes.resolved, notes.affected, notes.public_resolved) == (
        "PRB-3 Lost payments",
        "ledger 5.2.0",
        "Lost payments",
    )
    assert refused(communication.generate_notes, manager, release=release).code == "release_note.known"


def test_notes_name_interfaces_platforms_and_environments_too(world: Any, manager: Any) -> None:
    from trains.actions import bookings, contracts, platforms
    from trains.models import SharedResource

    rte = world.as_["rte"]
    contracts.create_contract(rte, consumer=world.web, provider=world.ledger, name="Postings")
    platforms.create_platform(rte, name="Core ledger", provider=world.train, service=world.ledger)
    release = world.release()
    scope.attach_artifact(manager, release, artifact=world.artifact())
    lab = bookings.create_resource(
        rte,
        name="Staging",
        kind=SharedResource.Kind.ENVIRONMENT,
        train=world.train,
        environment=world.staging,
    )
    starts = now() + timedelta(days=1)
    bookings.create_booking(
        manager, release=release, resource=lab, starts=starts, ends=starts + timedelta(hours=2)
    )
    assert communication.generate_notes(manager, release=release).affected.splitlines() == [
        "ledger 5.2.0",
        "API Postings of ledger, used by web",
        "Platform Core ledger",
        "Environment staging",
    ]


@pytest.fixture
def log(world: Any, manager: Any) -> Any:
    """A released version with published notes, and one that is not out yet; the log is prepared, not open."""
    done = out(world, name="SECRET-ITEM")
    notes = communication.generate_notes(manager, release=done)
    communication.edit_notes(
        manager,
        notes,
        summary="SECRET-SUMMARY",
        resolved="PRB-77 something internal",
        affected="SECRET-AFFECTED",
        public_resolved="- Payments no longer get lost & found <b>",
        limitations="At most 10 MB",
    )
    communication.publish_notes(manager, notes)
    draft = world.scoped("6.0.0", name="SECRET-DRAFT")
    waiting = communication.generate_notes(manager, release=draft)
    communication.publish_notes(manager, waiting)
    return communication.create_public_log(
        manager, train=world.train, product="Northwind Payments", slug="payments"
    )


def test_nothing_is_public_before_the_log_is_opened_or_after_it_is_closed(log: Any, manager: Any) -> None:
    assert Client().get(LOG).status_code == 404
    communication.open_public_log(manager, log)
    assert Client().get(LOG).status_code == 200
    communication.close_public_log(manager, log, reason="Moved")
    gone, never = Client().get(LOG), Client().get("/log/northwind/never/")
    assert (gone.status_code, gone.content) == (never.status_code, never.content) == (404, never.content)


def test_the_public_log_tells_versions_issues_and_limitations_and_nothing_else(
    log: Any, manager: Any
) -> None:
    communication.open_public_log(manager, log)
    for form in ("", "log.atom", "log.rss", "log.json"):
        answer = Client().get(LOG + form)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "5.2.0" in text and "Payments no longer get lost" in text and "At most 10 MB" in text
        assert "6.0.0" not in text, "not released"
        assert not [s for s in SECRETS if s in text]
        assert "ledger" not in text and "Rena" not in text
        assert "<b>" not in text or form == "log.json"


def test_feeds_are_valid_and_cached(log: Any, manager: Any) -> None:
    communication.open_public_log(manager, log)
    atom = ElementTree.fromstring(Client().get(LOG + "log.atom").content)
    space = "{http://www.w3.org/2005/Atom}"
    assert atom.tag == f"{space}feed" and atom.find(f"{space}author") is not None
    (entry,) = atom.findall(f"{space}entry")
    for name in ("id", "title", "updated", "link"):
        assert entry.find(f"{space}{name}") is not None
    feed = json.loads(Client().get(LOG + "log.json").content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["items"][0]["_release"] == {
        "version": "5.2.0",
        "resolved_issues": ["Payments no longer get lost & found <b>"],
        "known_limitations": ["At most 10 MB"],
    }
    for form in ("", "log.atom", "log.rss", "log.json"):
        answer = Client().get(LOG + form)
        assert answer["Cache-Control"] == "public, max-age=300" and "RateLimit" in answer
        assert "Set-Cookie" not in answer
        again = Client().get(LOG + form, headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert Client().post(LOG).status_code == 405


def test_an_empty_log_answers_the_same_each_time(world: Any, manager: Any) -> None:
    empty = communication.create_public_log(manager, train=world.train, product="Nothing", slug="nothing")
    communication.open_public_log(manager, empty)
    first, second = (Client().get("/log/northwind/nothing/log.atom") for _ in range(2))
    assert first["ETag"] == second["ETag"]


def test_too_many_readers_are_asked_to_wait(log: Any, manager: Any, settings: Any) -> None:
    communication.open_public_log(manager, log)
    settings.API_REQUESTS_PER_MINUTE = 2
    with time_machine.travel(now() + timedelta(days=400), tick=False):
        answers = [Client().get(LOG, REMOTE_ADDR="192.0.2.7") for _ in range(4)]
    assert [a.status_code for a in answers][-1] == 429
    assert int(answers[-1]["Retry-After"]) > 0


# -- walkthroughs


def test_a_walkthrough_ends_with_who_came_what_was_asked_and_who_is_ready(world: Any, manager: Any) -> None:
    release = world.scoped(target_at=now() + timedelta(days=9))
    ready, held = Walkthrough.Readiness, now() + timedelta(hours=1)
    fault = refused(
        communication.plan_walkthrough,
        manager,
        release=release,
        audience="support",
        starts_at=now() + timedelta(days=10),
    )
    assert fault.refusals[0].field == "starts_at"
    meeting = communication.plan_walkthrough(
        manager,
        release=release,
        audience=Walkthrough.Audience.SUPPORT,
        starts_at=held,
        attendees=[world.as_.user("team_member")],
    )
    question = communication.ask_question(
        world.as_["team_member"], meeting, question="What about old refunds?"
    )
    assert (
        refused(communication.conclude_walkthrough, manager, meeting, readiness=ready.READY).code
        == "walkthrough.early"
    )
    with time_machine.travel(held + timedelta(hours=1), tick=False):
        conclude = communication.conclude_walkthrough
        assert refused(conclude, manager, meeting, readiness=ready.READY).code == "walkthrough.nobody_came"
        communication.mark_attendance(manager, meeting.attendees.get(), attended=True)
        assert refused(conclude, manager, meeting, readiness=ready.READY).code == "walkthrough.questions"
        assert asked(world, "walkthroughs", None, release).verdict == "pending"
        communication.answer_question(manager, question, answer="They keep their status.")
        conclude(manager, meeting, readiness=ready.READY)
        assert asked(world, "walkthroughs", None, release).verdict == "pass"


# -- changed commitments


@pytest.fixture
def promise(world: Any, manager: Any) -> Any:
    release = world.frozen(target_at=now() + timedelta(days=20))
    scope.attach_artifact(manager, release, artifact=world.artifact())
    return commitments.create_commitment_change(
        manager,
        release=release,
        customer="Halden Retail",
        contract="Annex 4",
        change="Files become interface calls",
        notice_days=14,
        legal=world.as_.user("compliance_officer"),
        account=world.as_.user("business_owner"),
    )


def test_a_changed_promise_needs_both_sides_and_its_notice(world: Any, manager: Any, promise: Any) -> None:
    release = Release.objects.get(pk=promise.release_id)
    sentences = [r.sentence for r in refused(releases.mark_ready, manager, release).refusals]
    assert len(sentences) == 3 and "Legal has not acknowledged" in sentences[0]
    legal, account = world.as_["compliance_officer"], world.as_["business_owner"]
    act, tell = commitments.acknowledge_commitment, commitments.tell_customer
    assert refused(act, manager, promise, note="Fine").code == "commitment.not_named"
    today = now().date()
    assert refused(tell, account, promise, on=today, how="Letter").code == "commitment.legal_first"
    act(legal, promise, note="Annex 4 allows it")
    act(account, CommitmentChange.objects.get(pk=promise.pk), note="Customer agrees")
    assert CommitmentChange.objects.get(pk=promise.pk).state == "acknowledged"
    assert refused(tell, legal, promise, on=today, how="Letter").code == "commitment.not_account"
    tell(account, CommitmentChange.objects.get(pk=promise.pk), on=today, how="Letter")
    assert asked(world, "commitments", None, release).verdict == "pass"
    assert releases.mark_ready(manager, release).state == "ready"


def test_a_target_nearer_than_the_notice_fails(world: Any, manager: Any, promise: Any) -> None:
    legal, account = world.as_["compliance_officer"], world.as_["business_owner"]
    commitments.acknowledge_commitment(legal, promise, note="Yes")
    commitments.acknowledge_commitment(account, CommitmentChange.objects.get(pk=promise.pk), note="Yes")
    commitments.tell_customer(
        account, CommitmentChange.objects.get(pk=promise.pk), on=now().date(), how="Mail"
    )
    release = Release.objects.get(pk=promise.release_id)
    releases.edit_release(manager, release, target_at=now() + timedelta(days=13))
    fault = refused(releases.mark_ready, manager, release)
    assert "demands 14 days of notice" in fault.refusals[0].sentence
    assert f"{now() + timedelta(days=14):%d %b %Y}" in fault.refusals[0].remedy
    assert asked(world, "commitments", None, Release.objects.get(pk=release.pk)).verdict == "fail"


def test_a_changed_change_is_acknowledged_anew(world: Any, manager: Any, promise: Any) -> None:
    commitments.acknowledge_commitment(world.as_["compliance_officer"], promise, note="Yes")
    changed = commitments.edit_commitment_change(manager, promise, change="Something else")
    assert (changed.legal_at, changed.state) == (None, "open")
    same = refused(
        commitments.edit_commitment_change, manager, promise, account=world.as_.user("compliance_officer")
    )
    assert same.code == "commitment.same_person"
