"""Goals and themes, endorsement, investment and demand, trade-offs, quarterly reviews."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from releasetrain.kernel.clock import now

from .test_features import refused

ROOT = "/api/v1/orgs/northwind"


# -- goals --------------------------------------------------------------------------------------------------


@pytest.fixture
def goals(world, cast):
    from planning.actions.themes import create_quarterly_goal, create_theme

    manager = cast["product_manager"]
    revenue = create_quarterly_goal(
        manager, train=world.train, quarter="2026-Q4", title="Instant money", kind="revenue"
    )
    law = create_quarterly_goal(
        manager, train=world.train, quarter="2026-Q4", title="SEPA by law", kind="compliance"
    )
    instant = create_theme(manager, train=world.train, name="Instant", quarterly_goal=revenue)
    loose = create_theme(manager, train=world.train, name="Tidy up")
    world.feature("Refunds", theme=instant, points=8)
    world.feature("Wallet", theme=instant, points=5)
    world.feature("Cleanup", theme=loose, points=3)
    world.feature("Stray", points=4)
    world.place(world.features["Refunds"], world.acquiring, 1)
    return {"revenue": revenue, "law": law, "instant": instant, "loose": loose}


def test_coverage_counts_features_per_goal_and_lists_orphans(world, goals):
    from planning.queries.goals import coverage

    found = coverage(world.train, "2026-Q4")
    lines = {line.goal.title: line for line in found.goals}
    covered = lines["Instant money"].covered
    assert (covered.features, covered.points, covered.planned, covered.done) == (2, 13, 1, 0)
    assert lines["Instant money"].gap == ""
    assert lines["SEPA by law"].gap == "No theme serves this goal."
    assert [theme.name for theme, _ in found.loose_themes] == ["Tidy up"]
    assert {f.title for f in found.orphans} == {"Cleanup", "Stray"}
    assert (found.orphan_points, found.share) == (7, 65)


def test_dropping_a_goal_makes_orphans_of_what_served_it(world, goals, cast):
    from planning.actions.themes import drop_quarterly_goal, edit_quarterly_goal
    from planning.queries.goals import coverage

    drop_quarterly_goal(cast["product_manager"], goals["revenue"])
    found = coverage(world.train)
    assert {f.title for f in found.orphans} == {"Refunds", "Wallet", "Cleanup", "Stray"}
    assert (
        refused(edit_quarterly_goal, cast["rte"], goals["revenue"], title="X").code
        == "quarterly_goal.dropped"
    )


def test_a_theme_can_change_and_lose_its_goal_but_not_take_another_trains(world, goals, cast):
    from planning.actions.themes import create_quarterly_goal, edit_theme

    from .conftest import make_world

    edit_theme(cast["rte"], goals["instant"], name="Instant payments")
    goals["instant"].refresh_from_db()
    assert goals["instant"].quarterly_goal_id == goals["revenue"].pk
    edit_theme(cast["rte"], goals["instant"], quarterly_goal=None)
    goals["instant"].refresh_from_db()
    assert goals["instant"].quarterly_goal_id is None
    other = make_world(cast, "LND")
    foreign = create_quarterly_goal(cast["rte"], train=other.train, quarter="2026-Q4", title="Loans")
    assert (
        refused(edit_theme, cast["rte"], goals["instant"], quarterly_goal=foreign).refusals[0].field
        == "quarterly_goal"
    )
    bad = refused(create_quarterly_goal, cast["rte"], train=world.train, quarter="Q4", title="X")
    assert (bad.status, bad.refusals[0].field) == (422, "quarter")


def test_coverage_by_page_and_rest(world, goals, web, api, django_assert_max_num_queries):
    client = web("executive")
    client.get("/o/northwind/quarterly-goals/coverage/")
    with django_assert_max_num_queries(45):
        text = client.get("/o/northwind/quarterly-goals/coverage/?train=PAY&quarter=2026-Q4").content.decode()
    assert "65 % of the open points serve a quarterly goal" in text
    assert "No theme serves this goal." in text
    told = api("executive").get(f"{ROOT}/quarterly-goals/coverage?train=PAY").json()
    assert {g["title"]: g["features"] for g in told["goals"]} == {"Instant money": 2, "SEPA by law": 0}
    assert len(told["orphans"]) == 2
    missing = client.get("/o/northwind/features/?theme_missing=true&show=open&train=PAY").content.decode()
    assert "Stray" in missing
    assert "Cleanup" not in missing


# -- endorsement --------------------------------------------------------------------------------------------


@pytest.fixture
def ruled(world, cast):
    from planning.actions.endorsements import create_endorsement_rule
    from trains.actions.releases import create_release

    create_endorsement_rule(cast["compliance_officer"], name="High risk", tier=2)
    world.feature("Small")
    world.feature("Risky", tier=1)
    world.release = create_release(cast["release_manager"], train=world.train, version="26.11.0")
    return world


def endorse(world, role="business_owner"):
    from planning.actions.endorsements import endorse_feature

    return endorse_feature(world.cast[role], world.features["Risky"], statement="Worth its risk.")


def test_a_high_impact_feature_enters_no_release_unendorsed_by_any_door(ruled, cast, api):
    from planning.actions.releases import add_to_release

    risky = ruled.features["Risky"]
    add_to_release(cast["release_manager"], ruled.features["Small"], release=ruled.release)
    error = refused(add_to_release, cast["release_manager"], risky, release=ruled.release)
    assert error.code == "feature.unendorsed"
    assert "High risk: risk tier 2 or higher" in error.refusals[0].sentence
    assert error.refusals[0].remedy == "A business owner endorses it first."
    direct = {"title": "By the back door", "source_kind": "feature", "source_id": str(risky.pk)}
    answer = api("release_manager").post(f"{ROOT}/releases/{ruled.release.key}/add_item", direct)
    assert (answer.status_code, answer.json()["code"]) == (409, "feature.unendorsed")
    free = {"title": "Without a feature", "tier": 1}
    loose = api("release_manager").post(f"{ROOT}/releases/{ruled.release.key}/add_item", free)
    assert (loose.status_code, loose.json()["code"]) == (409, "item.unendorsed")
    endorse(ruled)
    item = add_to_release(cast["release_manager"], risky, release=ruled.release)
    assert item.source_id == risky.pk


def test_only_business_owners_endorse_and_only_the_endorser_withdraws(ruled, cast):
    from planning.actions.endorsements import endorse_feature, withdraw_endorsement

    risky = ruled.features["Risky"]
    for role in ("product_manager", "rte", "release_manager"):
        assert refused(endorse_feature, cast[role], risky, statement="Please.").status == 403
    assert (
        refused(endorse_feature, cast["business_owner"], risky, statement=" ").refusals[0].field
        == "statement"
    )
    assert (
        refused(withdraw_endorsement, cast["business_owner"], risky, reason="No").code == "endorsement.none"
    )
    endorse(ruled)
    assert (
        refused(endorse_feature, cast["business_owner"], risky, statement="Again.").code
        == "endorsement.twice"
    )
    withdraw_endorsement(cast["business_owner"], risky, reason="The pilot failed.")
    kept = risky.endorsements.get()
    assert (kept.withdrawn_reason, kept.withdrawn_by_id) == (
        "The pilot failed.",
        cast["business_owner"].user_id,
    )


def test_a_withdrawn_endorsement_flags_the_release_in_its_cockpit_and_at_the_gate(ruled, cast, web):
    from types import SimpleNamespace

    from governance.checks.context import CheckContext
    from governance.gates import changes_of
    from planning.actions.endorsements import withdraw_endorsement
    from planning.actions.releases import add_to_release
    from planning.checks_endorsement import endorsed

    def judge():
        return endorsed(
            CheckContext(
                organization_id=cast.organization.pk, gate=SimpleNamespace(), environment=SimpleNamespace(),
                release=ruled.release, artifacts=(), services=(), at=now(), max_age=timedelta(days=1),
            )
        )  # fmt: skip

    endorse(ruled)
    add_to_release(cast["release_manager"], ruled.features["Risky"], release=ruled.release)
    before = judge()
    assert before.verdict == "pass"
    counted = changes_of([ruled.release.pk])
    withdraw_endorsement(cast["business_owner"], ruled.features["Risky"], reason="The pilot failed.")
    assert changes_of([ruled.release.pk]) > counted
    after = judge()
    assert after.verdict == "fail"
    assert "was withdrawn by Business Owner: The pilot failed." in after.reason
    assert before.facts != after.facts
    text = web("release_manager").get(f"/o/northwind/releases/{ruled.release.key}/").content.decode()
    assert "1 high-impact feature in this release has no endorsement." in text
    assert "The pilot failed." in text


def test_rules_are_the_compliance_officers_and_retire(ruled, cast):
    from planning.actions.endorsements import create_endorsement_rule, retire_endorsement_rule
    from planning.actions.releases import add_to_release
    from planning.models import EndorsementRule

    assert refused(create_endorsement_rule, cast["release_manager"], name="X", tier=1).status == 403
    empty = refused(create_endorsement_rule, cast["compliance_officer"], name="X")
    assert (empty.status, empty.code) == (422, "endorsement_rule.empty")
    retire_endorsement_rule(cast["compliance_officer"], EndorsementRule.objects.get())
    add_to_release(cast["release_manager"], ruled.features["Risky"], release=ruled.release)


# -- investment and demand ----------------------------------------------------------------------------------


@pytest.fixture
def invested(world, cast):
    from planning.actions.investment import create_standard_buckets

    create_standard_buckets(cast["product_manager"], train=world.train)
    world.feature("Refunds", points=6)
    world.feature("Mesh", points=2, kind="enabler")
    world.feature("Old code", points=2)
    for number, feature in enumerate(world.features.values(), 1):
        world.place(feature, world.acquiring, number)
    return world


def shares_of(world):
    from planning.queries.allocation import allocation

    return {line.share.bucket: line.share for line in allocation(world.pi).lines}


def test_targets_must_be_whole_and_add_up(invested, cast):
    from planning.actions.investment import set_allocation

    for shares, word in (
        ({"New features": 50}, "add up to 50 %"),
        ({"New features": 100, "Fun": 0}, "no bucket Fun"),
        ({"New features": "100"}, "whole number"),
        ({"New features": 101}, "0 to 100"),
    ):
        error = refused(set_allocation, cast["rte"], invested.pi, shares=shares)
        assert (error.status, error.refusals[0].field) == (422, "shares")
        assert word in error.refusals[0].sentence
    set_allocation(
        cast["rte"], invested.pi, shares={"New features": 60, "Enablers": 20, "Technical debt": 20}
    )
    assert {name: s.target for name, s in shares_of(invested).items()} == {
        "New features": 60, "Enablers": 20, "Maintenance": 0, "Technical debt": 20, "Compliance": 0,
    }  # fmt: skip


def test_planned_and_actual_follow_kind_or_own_bucket_and_the_committed_plan(invested, cast):
    from planning.actions.commitment import commit_increment
    from planning.actions.features import complete_feature, edit_feature
    from planning.models import Feature, InvestmentBucket

    assert shares_of(invested)["New features"].planned == 8
    debt = InvestmentBucket.objects.get(name="Technical debt")
    edit_feature(cast["rte"], invested.features["Old code"], bucket=debt)
    found = shares_of(invested)
    assert (found["New features"].planned_percent, found["Technical debt"].planned) == (60, 2)
    commit_increment(cast["rte"], invested.pi, accept=True, reason="It stands.")
    edit_feature(cast["rte"], Feature.objects.get(title="Refunds"), points=20)
    complete_feature(cast["rte"], Feature.objects.get(title="Mesh"))
    after = shares_of(invested)
    assert (after["New features"].planned, after["Enablers"].actual, after["Enablers"].actual_percent) == (
        6,
        2,
        100,
    )


def test_a_kind_falls_into_one_bucket_only(invested, cast):
    from planning.actions.investment import create_bucket, create_standard_buckets

    error = refused(create_bucket, cast["rte"], train=invested.train, name="More", kinds=["enabler"])
    assert (error.code, error.refusals[0].field) == ("bucket.kind_taken", "kinds")
    assert refused(create_standard_buckets, cast["rte"], train=invested.train).code == "bucket.there"


def test_allocation_by_page_and_rest_and_its_numbers_lead_to_their_rows(invested, web, api):
    from planning.models import InvestmentBucket

    client = web("rte")
    address = f"/o/northwind/increments/{invested.pi.pk}/allocation/"
    assert "Set the shares" in client.get(address).content.decode()
    buckets = {b.name: b.pk for b in InvestmentBucket.objects.all()}
    bad = client.post(address, {"act": "set", f"share:{buckets['Enablers']}": "40"})
    assert bad.status_code == 422
    assert "add up to 40 %" in bad.content.decode()
    done = client.post(
        address,
        {"act": "set", f"share:{buckets['Enablers']}": "40", f"share:{buckets['New features']}": "60"},
    )
    assert done.status_code == 303
    told = api("executive").get(f"{ROOT}/increments/{invested.pi.pk}/allocation").json()
    enablers = next(b for b in told["buckets"] if b["bucket"] == "Enablers")
    assert (enablers["target_percent"], enablers["planned_points"]) == (40, 2)
    rows = client.get(f"/o/northwind/features/?pi={invested.pi.pk}&show=all&in_bucket={buckets['Enablers']}")
    text = rows.content.decode()
    assert "Mesh" in text
    assert "Refunds" not in text


CSV = b"Epic ID,Name,Investment type,Size\nE-1,Instant refunds,New features,8\nE-2,Mesh,Enablers,5\n"


def test_demand_comes_in_whole_or_not_at_all_and_twice_changes_nothing(invested, cast):
    from planning.actions.investment import import_demand_file
    from planning.models import Demand
    from releasetrain.kernel.fields import Upload

    def bring(content, **more):
        return import_demand_file(cast["rte"], train=invested.train, file=Upload("d.csv", content), **more)

    error = refused(bring, CSV + b"E-3,Fun,Fun money,1\nE-4,X,Enablers,many\n")
    assert error.status == 422
    assert [r.sentence.split(":")[0] for r in error.refusals] == ["Row 3, Investment type", "Row 4, Size"]
    assert Demand.objects.count() == 0
    told = bring(CSV, dry_run=True)
    assert (told["created"], Demand.objects.count()) == (["E-1", "E-2"], 0)
    run = bring(CSV)
    assert (run.created, run.updated, run.unchanged) == (2, 0, 0)
    again = bring(CSV.replace(b"Mesh,Enablers,5", b"Mesh,Enablers,6"))
    assert (again.created, again.updated, again.unchanged) == (0, 1, 1)
    assert Demand.objects.get(external_id="E-2").points == 6


def test_demand_over_rest_with_a_mapping_becomes_a_feature_or_is_declined(invested, api):
    from planning.models import Feature

    client = api("product_manager")
    rows = [
        {"nr": "P-7", "what": "Savings pots", "pot": "New features", "size": 13},
        {"nr": "P-8", "what": "Fax"},
    ]
    mapping = {"external_id": "nr", "title": "what", "bucket": "pot"}
    answer = client.post(f"{ROOT}/demands/import_rows", {"train": "PAY", "rows": rows, "mapping": mapping})
    assert answer.status_code in (200, 201), answer.content
    listed = {d["external_id"]: d["key"] for d in client.get(f"{ROOT}/demands").json()["items"]}
    accepted = client.post(f"{ROOT}/demands/{listed['P-7']}/accept", {"kind": "feature"})
    assert accepted.status_code == 200, accepted.content
    feature = Feature.objects.get(title="Savings pots")
    assert (feature.state, feature.points, feature.bucket.name, feature.source_kind) == (
        "funnel",
        13,
        "New features",
        "demand",
    )
    twice = client.post(f"{ROOT}/demands/{listed['P-7']}/decline", {"reason": "No"})
    assert (twice.status_code, twice.json()["code"]) == (409, "demand.decided")
    assert client.post(f"{ROOT}/demands/{listed['P-8']}/decline", {"reason": " "}).status_code == 422
    assert (
        client.post(f"{ROOT}/demands/{listed['P-8']}/decline", {"reason": "Nobody faxes."}).status_code == 200
    )
    for body in ({"rows": 3}, {"rows": []}, {"rows": [1]}, {"rows": rows, "mapping": {"title": 3}}):
        assert client.post(f"{ROOT}/demands/import_rows", {"train": "PAY"} | body).status_code == 422


def test_the_demand_page_checks_then_imports(invested, web):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from planning.models import Demand

    client = web("product_manager")
    address = "/o/northwind/demands/import/"
    assert client.get(address).status_code == 200
    shown = client.post(address, {"train": "PAY", "act": "check", "file": SimpleUploadedFile("d.csv", CSV)})
    text = shown.content.decode()
    assert "2 new" in text
    assert Demand.objects.count() == 0
    carried = text.split('name="carried" value="')[1].split('"')[0]
    done = client.post(address, {"train": "PAY", "act": "import", "carried": carried, "name": "d.csv"})
    assert done.status_code == 303
    assert Demand.objects.count() == 2
    assert "Instant refunds" in client.get("/o/northwind/demands/").content.decode()


# -- trade-offs ---------------------------------------------------------------------------------------------

OPTIONS = [
    {"name": "Now", "stability": 2, "velocity": 5, "scores": {"Cost": 2}},
    {"name": "Harden first", "stability": 5, "velocity": 2, "scores": {"Cost": 4}},
]


def test_a_trade_off_is_weighed_decided_linked_and_reviewed(world, cast, web):
    from planning.actions.trade_offs import create_trade_off, decide_trade_off, review_trade_off

    one, two = world.feature("Refunds"), world.feature("Wallet")
    made = create_trade_off(
        cast["product_manager"],
        train=world.train,
        title="Speed or calm",
        options=OPTIONS,
        criteria=["Cost"],
        items=[one],
    )
    soon = now().date() + timedelta(days=30)
    whole = {"decision": "Harden first", "rationale": "Two outages in May.", "review_on": soon}
    for change, field in (
        ({"decision": "Never"}, "decision"),
        ({"rationale": " "}, "rationale"),
        ({"review_on": now().date()}, "review_on"),
        ({"accelerated": [one], "deferred": [one]}, "deferred"),
    ):
        assert refused(decide_trade_off, cast["rte"], made, **(whole | change)).refusals[0].field == field
    assert refused(review_trade_off, cast["rte"], made, outcome="Fine").code == "trade_off.early"
    decide_trade_off(cast["rte"], made, **whole, accelerated=[two], deferred=[one])
    assert {i.feature_id: i.effect for i in made.items.all()} == {one.pk: "deferred", two.pk: "accelerated"}
    made.refresh_from_db()
    assert (made.state, made.decision, made.decided_by_id) == ("decided", "Harden first", cast["rte"].user_id)
    assert refused(decide_trade_off, cast["rte"], made, **whole).code == "trade_off.decided"
    client = web("rte")
    assert "Speed or calm" in client.get(f"/o/northwind/features/{one.key}/").content.decode()
    page = client.get(f"/o/northwind/trade-offs/{made.key}/").content.decode()
    assert "Two outages in May." in page
    assert "Stability" in page
    review_trade_off(cast["rte"], made, outcome="No outage since.")
    made.refresh_from_db()
    assert made.state == "reviewed"


def test_trade_off_forms_record_and_decide(world, web):
    from planning.models import TradeOff

    feature = world.feature("Refunds")
    client = web("product_manager")
    form = {
        "train": "PAY", "title": "Speed or calm", "criterion": ["Cost", ""], "item": [feature.key],
        "name:0": "Now", "stability:0": "2", "velocity:0": "5", "score:0:0": "1",
        "name:1": "Later", "stability:1": "5", "velocity:1": "1", "score:1:0": "4",
    }  # fmt: skip
    address = "/o/northwind/trade-offs/start/"
    assert client.get(address).status_code == 200
    assert client.post(address, {**form, "act": "option"}).status_code == 200
    half = client.post(address, {**form, "stability:0": "", "act": "record"})
    assert half.status_code == 422
    assert "give stability 1" in half.content.decode()
    assert client.post(address, {**form, "act": "record"}).status_code == 303
    made = TradeOff.objects.get()
    assert made.options[1]["scores"] == {"Cost": 4}
    deciding = f"/o/northwind/trade-offs/{made.key}/decision/"
    assert client.get(deciding).status_code == 200
    bad = client.post(deciding, {"decision": "Later", "rationale": "Calm", "review_on": "soon"})
    assert bad.status_code == 422
    soon = (now().date() + timedelta(days=9)).isoformat()
    done = client.post(
        deciding,
        {"decision": "Later", "rationale": "Calm", "review_on": soon, f"effect:{feature.key}": "deferred"},
    )
    assert done.status_code == 303
    assert made.items.get().effect == "deferred"
    assert f"trade-offs/{made.key}/" not in client.get("/o/northwind/trade-offs/?due=yes").content.decode()


def test_trade_offs_over_rest(world, api):
    client = api("product_manager")
    body = {"train": "PAY", "title": "Speed or calm", "options": OPTIONS, "criteria": ["Cost"]}
    made = client.post(f"{ROOT}/trade-offs", body)
    assert made.status_code == 201, made.content
    bad = client.post(f"{ROOT}/trade-offs", {**body, "options": [{"name": "One"}]})
    assert bad.status_code == 422
    key = made.json()["key"]
    decided = client.post(
        f"{ROOT}/trade-offs/{key}/decide",
        {
            "decision": "Now",
            "rationale": "Market.",
            "review_on": (now().date() + timedelta(days=5)).isoformat(),
        },
    )
    assert (decided.status_code, decided.json()["state"]) == (200, "decided")


# -- quarterly reviews --------------------------------------------------------------------------------------


def test_a_quarterly_review_has_a_before_decisions_an_after_and_their_difference(
    world, goals, cast, web, api
):
    from planning.actions.features import cancel_feature
    from planning.actions.quarterly_reviews import (
        close_quarterly_review,
        create_quarterly_review,
        decide_proposal,
        open_quarterly_review,
        propose,
    )
    from planning.actions.scoring import agree_score
    from releasetrain.accounts.models import User

    rte, boss = cast["rte"], User.objects.get(pk=cast["executive"].user_id)
    review = create_quarterly_review(
        rte, train=world.train, quarter="2026-Q4", held_on=date(2026, 11, 30), reviewers=[boss]
    )
    stray = world.features["Stray"]
    proposal = propose(cast["product_manager"], review, title="Give up Stray", feature=stray)
    decision = {"decision": "accepted", "rationale": "Nobody asked for it.", "decided_by": boss}
    early = refused(decide_proposal, rte, proposal, **decision)
    assert early.code == "quarterly_review.not_running"
    open_quarterly_review(rte, review)
    review.refresh_from_db()
    assert stray.key in review.before["features"]
    assert refused(close_quarterly_review, rte, review).code == "quarterly_review.undecided"
    stranger = User.objects.get(pk=cast["auditor"].user_id)
    assert (
        refused(decide_proposal, rte, proposal, **(decision | {"decided_by": stranger})).refusals[0].field
        == "decided_by"
    )
    decide_proposal(rte, proposal, **decision)
    cancel_feature(rte, stray, reason="Quarterly review")
    agree_score(rte, world.features["Wallet"], value=8, time_criticality=3, risk_reduction=2, job_size=2)
    text = web("executive").get(f"/o/northwind/quarterly-reviews/{review.key}/").content.decode()
    assert "What has changed so far" in text
    close_quarterly_review(rte, review)
    told = api("executive").get(f"{ROOT}/quarterly-reviews/{review.key}/difference").json()
    found = {(d["area"], d["key"]): (d["kind"], d["sentence"]) for d in told["difference"]}
    assert found["features", stray.key] == ("removed", "is no longer there")
    assert found["features", world.features["Wallet"].key][1] == "rank: none → 1; score: none → 6.50"
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by_id) == ("accepted", boss.pk)
    closed = web("executive").get(f"/o/northwind/quarterly-reviews/{review.key}/").content.decode()
    assert "What the review changed" in closed
    assert refused(propose, rte, review, title="Late").code == "quarterly_review.closed"


def test_a_review_needs_people_and_a_quarter(world, cast):
    from planning.actions.quarterly_reviews import create_quarterly_review

    for change, field in (({"reviewers": []}, "reviewers"), ({"quarter": "now"}, "quarter")):
        from releasetrain.accounts.models import User

        whole = {
            "train": world.train,
            "quarter": "2026-Q4",
            "held_on": date(2026, 11, 30),
            "reviewers": [User.objects.get(pk=cast["executive"].user_id)],
        }
        assert refused(create_quarterly_review, cast["rte"], **(whole | change)).refusals[0].field == field
