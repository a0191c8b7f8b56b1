"""Who can do what is on record with its use; a campaign has every role kept or revoked by somebody else, until a day."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.access import reminding
from releasetrain.access.actions.reviews import open_access_review
from releasetrain.access.models import AccessReview, AccessReviewItem
from releasetrain.access.rules.reviewing import outcome, reviewer_of
from releasetrain.accounts.models import Grant
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.testbed.cast import email

pytestmark = pytest.mark.django_db
API = "/api/v1/orgs/northwind"
Decision = AccessReviewItem.Decision


@pytest.fixture
def review(cast, within):
    with within(cast, "owner") as actor:
        return open_access_review(
            actor, title="Autumn", due_at=now() + timedelta(days=14), reviewer=cast.user("owner"),
            second_reviewer=cast.user("compliance_officer"),
        )  # fmt: skip


def item_of(cast, within, role):
    with within(cast, "owner"):
        return AccessReviewItem.objects.get(holder=cast.user(role))


def test_the_report_says_who_can_do_what_since_when_from_whom_and_when_used(cast, within, api):
    api("owner").post(f"{API}/service-accounts", {"name": "ci"})
    rows = {(r["holder"], r["role"]): r for r in api("owner").get(f"{API}/access-report").json()["items"]}
    owner = rows["Owner", "Organization owner"]
    assert owner["last_used_at"] is not None, "making a service account needed a permission of the role"
    assert owner["until"] is None
    assert rows["Executive", "Executive"]["last_used_at"] is None
    made = rows["ci", "Service account"]
    assert (made["kind"], made["granted_by"]) == ("service", "Owner")
    assert "Ask a gate for its verdict" in made["may"]
    only = api("auditor").get(f"{API}/access-report?kind=service").json()["items"]
    assert {r["kind"] for r in only} == {"service"}
    assert api("team_member").get(f"{API}/access-report").status_code == 403
    assert api("owner").get(f"{API}/access-report?kind=cats").status_code == 422


def test_what_stands_idle_is_found_and_exported(cast, within, web, api):
    with time_machine.travel(now() + timedelta(days=100), tick=True):
        idle = api("owner").get(f"{API}/access-report?unused=yes").json()["items"]
        assert {"Executive", "Rte"} <= {r["holder"] for r in idle}
        page = web("owner").get("/o/northwind/access/?unused=yes").content.decode()
        assert "Executive" in page
        assert "Unused" in page
        lines = list(
            csv.DictReader(
                io.StringIO(web("owner").get("/o/northwind/access/export.csv").content.decode("utf-8-sig"))
            )
        )
    assert {"kind", "holder", "role", "on", "since_utc", "granted_by", "used_utc"} <= set(lines[0])
    assert len(lines) >= 15


def test_the_report_costs_the_same_for_many(cast, within, web, django_assert_max_num_queries):
    browser = web("owner")
    browser.get("/o/northwind/access/")
    with django_assert_max_num_queries(28):
        browser.get("/o/northwind/access/")


def test_a_campaign_asks_somebody_else_for_every_role(review, cast, within):
    with within(cast, "owner"):
        items = list(AccessReviewItem.objects.select_related("grant"))
        assert len(items) == Grant.objects.filter(revoked_at__isnull=True).count()
    assert all(i.reviewer_id != i.holder_id for i in items)
    own = next(i for i in items if i.holder_id == cast.user("owner").pk)
    assert own.reviewer_id == cast.user("compliance_officer").pk


def test_without_a_second_reviewer_the_first_would_review_himself(cast, api):
    body = {
        "title": "x",
        "due_at": (now() + timedelta(days=9)).isoformat(),
        "reviewer": str(cast.user("owner").pk),
    }
    answer = api("owner").post(f"{API}/access-reviews/open", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "access_review.own")
    assert "second reviewer" in answer.json()["remedy"]


def test_reviewers_are_named_by_scope(cast, api, within):
    body = {
        "title": "By scope", "due_at": (now() + timedelta(days=9)).isoformat(), "reviewer": str(cast.user("owner").pk),
        "second_reviewer": str(cast.user("compliance_officer").pk),
        "by_scope": [f"Northwind Bank = {email('rte', 'northwind')}"],
    }  # fmt: skip
    assert api("owner").post(f"{API}/access-reviews/open", body).status_code == 201
    assert item_of(cast, within, "executive").reviewer_id == cast.user("rte").pk
    assert item_of(cast, within, "rte").reviewer_id == cast.user("owner").pk
    wrong = api("owner").post(f"{API}/access-reviews/open", {**body, "by_scope": ["Nowhere = x@y.z"]})
    assert wrong.json()["code"] == "access_review.scope"


def test_a_decision_keeps_or_revokes_at_once_and_is_on_record(review, cast, within, api):
    keep, drop = item_of(cast, within, "rte"), item_of(cast, within, "executive")
    owner = api("owner")
    assert (
        owner.post(f"{API}/access-review-items/{keep.pk}/keep", {"reason": "Runs the train"}).status_code
        == 200
    )
    assert api("executive").get(f"{API}/releases").status_code == 200
    assert (
        owner.post(f"{API}/access-review-items/{drop.pk}/revoke", {"reason": "Left the board"}).status_code
        == 200
    )
    assert api("executive").get(f"{API}/releases").status_code == 403
    again = owner.post(f"{API}/access-review-items/{drop.pk}/keep", {"reason": "No"})
    assert again.json()["code"] == "access_review.decided"
    with within(cast, "owner"):
        verbs = list(LedgerEntry.objects.order_by("id").values_list("verb", flat=True))
        assert verbs[-3:] == ["access_review_item.keep", "grant.revoke", "access_review_item.revoke"]
        taken = LedgerEntry.objects.get(verb="grant.revoke")
        assert str(cast.user("owner").pk) in taken.body, "on whose behalf"


def test_nobody_certifies_their_own_access(review, cast, within, api):
    own = item_of(cast, within, "owner")
    mine = api("owner").post(f"{API}/access-review-items/{own.pk}/keep", {"reason": "Me"})
    assert (mine.status_code, mine.json()["code"]) == (403, "access_review.own")
    other = item_of(cast, within, "rte")
    foreign = api("compliance_officer").post(f"{API}/access-review-items/{other.pk}/keep", {"reason": "x"})
    assert foreign.status_code in (403, 404)
    with within(cast, "owner"):
        for field in ("reviewer_id", "decided_by_id"):
            changed = AccessReviewItem.objects.get(pk=own.pk)
            setattr(changed, field, changed.holder_id)
            with pytest.raises(DatabaseError, match="access_review_"), transaction.atomic():
                changed.save()
    assigned = api("owner").post(
        f"{API}/access-review-items/{own.pk}/assign", {"reviewer": str(cast.user("owner").pk), "reason": "x"}
    )
    assert assigned.json()["code"] == "access_review.own"


def test_what_nobody_reviewed_is_revoked_when_the_day_is_over(review, cast, within, api):
    kept = item_of(cast, within, "rte")
    api("owner").post(f"{API}/access-review-items/{kept.pk}/keep", {"reason": "Needed"})
    early = api("owner").post(f"{API}/access-reviews/{review.key}/close", {})
    assert (early.status_code, early.json()["code"]) == (409, "access_review.waiting")
    with time_machine.travel(review.due_at + timedelta(seconds=1), tick=True), within(cast, "owner"):
        assert AccessReview.objects.get().overdue
        assert reminding.sweep(cast.organization.pk) == 1
        assert reminding.sweep(cast.organization.pk) == 0
        by_role = {i.grant.role: i.decision for i in AccessReviewItem.objects.select_related("grant")}
        living = set(Grant.objects.filter(revoked_at__isnull=True).values_list("role", flat=True))
    assert by_role["rte"] == Decision.KEEP
    assert by_role["executive"] == Decision.LAPSED
    assert by_role["owner"] == Decision.FLAGGED, "an organization is never left without an owner"
    assert living == {"rte", "owner"}


def test_a_campaign_may_only_flag(cast, within, api):
    with within(cast, "owner") as actor:
        review = open_access_review(
            actor, title="Look", due_at=now() + timedelta(days=1), reviewer=cast.user("owner"),
            second_reviewer=cast.user("rte"), lapse=AccessReview.Lapse.FLAG,
        )  # fmt: skip
    with time_machine.travel(review.due_at + timedelta(seconds=1), tick=True), within(cast, "owner"):
        reminding.sweep(cast.organization.pk)
        assert set(AccessReviewItem.objects.values_list("decision", flat=True)) == {Decision.FLAGGED}
        assert not Grant.objects.filter(revoked_at__isnull=False).exists()


def test_many_are_decided_at_once_on_the_page(review, cast, within, web):
    items = [item_of(cast, within, role) for role in ("rte", "executive", "auditor")]
    browser = web("owner")
    page = browser.get(f"/o/northwind/access-reviews/{review.key}/").content.decode()
    assert str(items[0].pk) in page
    body = {"item": [str(i.pk) for i in items], "reason": "Needed", "decision": "keep"}
    done = browser.post(f"/o/northwind/access-reviews/{review.key}/decide/", body, follow=True)
    assert "3 decided." in done.content.decode()
    nothing = browser.post(
        f"/o/northwind/access-reviews/{review.key}/decide/", {"decision": "keep"}, follow=True
    )
    assert "give a reason" in nothing.content.decode()
    csv_file = b"".join(
        browser.get(f"/o/northwind/access-review-items/export.csv?review={review.pk}").streaming_content
    )
    assert csv_file.count(b"Needed") == 3


def test_reviewers_see_what_is_theirs(review, cast, within, api):
    item = item_of(cast, within, "executive")
    body = {"reviewer": str(cast.user("cab_member").pk), "reason": "Knows them"}
    assert api("owner").post(f"{API}/access-review-items/{item.pk}/assign", body).status_code == 200
    mine = api("cab_member").get(f"{API}/access-review-items?limit=100").json()["items"]
    assert [each["id"] for each in mine] == [str(item.pk)]
    assert api("team_member").get(f"{API}/access-review-items").json()["items"] == []


def test_reviewers_are_told(review, cast, within):
    with within(cast, "owner"):
        entry = LedgerEntry.objects.get(verb="access_review.open")
        told = reminding.wanted(entry)
        assert set(told.to) == {cast.user("owner").pk, cast.user("compliance_officer").pk}
        assert "is revoked" in told.text


def test_opening_is_for_owners(cast, within):
    with within(cast, "rte") as actor, pytest.raises(Refused, match=r"members\.manage"):
        open_access_review(actor, title="x", due_at=now() + timedelta(days=1), reviewer=cast.user("rte"))


@given(*(st.sampled_from([1, 2, 3]) for _ in range(4)), st.booleans())
def test_a_reviewer_is_never_the_holder(holder, first, second, scoped, named):
    found = reviewer_of(holder, 9, {9: scoped} if named else {}, first, second)
    assert found != holder
    assert (found is None) == ({first, second, *([scoped] if named else [])} == {holder})


@given(st.sampled_from(["revoke", "flag"]), st.booleans(), st.booleans())
def test_what_lapses_is_revoked_unless_it_is_over_or_the_last_owner(lapse, ended, last):
    said = outcome(lapse, ended=ended, last_owner=last)
    assert (said == "lapsed") == (lapse == "revoke" and not ended and not last)
