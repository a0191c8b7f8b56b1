"""Quality on the way to done: refinement, tiers, Definition of Done, splitting, production reports, test strategy."""

from __future__ import annotations

import copy

import pytest

from releasetrain.kernel.refusals import Refused

ROOT = "/api/v1/orgs/northwind"
HARMLESS = {
    "data_sensitivity": "none",
    "user_impact": "few",
    "authentication": "none",
    "third_party": "none",
    "regulatory_scope": [],
}
RISKY = {
    **HARMLESS,
    "data_sensitivity": "personal",
    "authentication": "changes",
    "regulatory_scope": ["gdpr"],
}


def refused(call, *args, **params):
    with pytest.raises(Refused) as caught:
        call(*args, **params)
    return caught.value


# Refinement


def test_only_a_technical_lead_signs_a_refinement(world, cast):
    from planning.actions.features import refine_feature

    idea = world.feature("Refunds", refined=False)
    parts = {"acceptance": "a", "feasibility": "b", "constraints": "c", "points": 3, "tier": 3}
    for role in ("rte", "product_manager", "team_member", "quality_owner"):
        assert refused(refine_feature, cast[role], idea, **parts).status == 403
    assert refine_feature(cast["technical_lead"], idea, **parts).state == "ready"


def test_changing_what_was_signed_makes_the_signature_fall(world, cast):
    from planning.actions.features import edit_feature, refine_feature

    feature = world.feature("Refunds")
    edit_feature(cast["product_manager"], feature, title="Instant refunds")
    feature.refresh_from_db()
    assert feature.state == "ready"
    edit_feature(cast["product_manager"], feature, acceptance="Something else.")
    feature.refresh_from_db()
    assert (feature.state, feature.refined_at) == ("analysis", None)
    error = refused(world.place, feature, world.acquiring, 1)
    assert error.refusals[0].sentence == f"{feature} is not refined. Missing: signature of a technical lead."
    refine_feature(cast["technical_lead"], feature)
    assert world.place(feature, world.acquiring, 1)


def test_a_planned_feature_whose_signature_fell_stands_against_the_plan_until_it_is_signed_again(world, cast):
    from planning.actions.features import edit_feature, refine_feature
    from planning.queries.board import load_board
    from planning.queries.commitment import findings

    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 1)
    edit_feature(cast["product_manager"], feature, constraints="A new database.")
    feature.refresh_from_db()
    assert (feature.state, feature.iteration_id is None) == ("planned", False)
    found = findings(load_board(world.pi, world.pi.starts))
    assert [f.hard for f in found if f.code == "plan.unrefined"] == [True]
    refine_feature(cast["technical_lead"], feature)
    feature.refresh_from_db()
    assert (feature.state, feature.iteration_id is None) == ("planned", False)
    assert not [f for f in findings(load_board(world.pi, world.pi.starts)) if f.code == "plan.unrefined"]


def test_the_refinement_page_names_what_is_missing_item_by_item(
    world, api, web, django_assert_max_num_queries
):
    for number in range(12):
        world.feature(f"Idea {number}", refined=False)
    world.feature("Half", refined=False, acceptance="Works.", points=3)
    client = web("product_manager")
    with django_assert_max_num_queries(30):
        page = client.get("/o/northwind/features/refinement/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "13 features wait" in text
    assert text.count("acceptance criteria") >= 12


# Risk tiers


def test_answers_make_the_tier_and_what_it_requires_and_are_kept_with_the_rule_version(world, cast):
    from planning.actions.tiering import classify_feature

    feature = world.feature("Passkeys")
    kept = classify_feature(cast["product_manager"], feature, **RISKY)
    feature.refresh_from_db()
    assert (feature.tier, feature.compliance_class) == (2, "GDPR")
    assert (kept.answers["authentication"], kept.rule_number, kept.tier) == ("changes", 0, 2)
    assert kept.assessed_by_id == cast["product_manager"].user_id
    assert {str(r) for r in feature.requirements.all()} >= {
        "Test: Security test of authentication",
        "Checkpoint: Privacy sign-off",
    }
    assert feature.state == "analysis"  # the tier that was signed is another now


def test_a_tier_from_answers_is_not_overwritten_by_hand(world, cast):
    from planning.actions.features import edit_feature, refine_feature
    from planning.actions.tiering import classify_feature

    feature = world.feature("Passkeys")
    classify_feature(cast["product_manager"], feature, **RISKY)
    assert refused(edit_feature, cast["product_manager"], feature, tier=4).code == "tier.assessed"
    assert refused(refine_feature, cast["technical_lead"], feature, tier=4).code == "tier.assessed"
    assert refine_feature(cast["technical_lead"], feature, tier=2).state == "ready"


def test_a_feature_is_not_accepted_before_what_its_tier_requires_is_met(world, cast):
    from planning.actions.features import complete_feature, refine_feature
    from planning.actions.tiering import classify_feature, meet_requirement

    feature = world.feature("Label change")
    classify_feature(cast["product_manager"], feature, **HARMLESS)
    refine_feature(cast["technical_lead"], feature)
    world.place(feature, world.acquiring, 1)
    error = refused(complete_feature, cast["rte"], feature)
    assert "Peer review" in error.refusals[0].sentence
    for requirement in feature.requirements.all():
        meet_requirement(cast["team_member"], requirement, evidence="https://git.example/pull/1")
    assert complete_feature(cast["rte"], feature).state == "done"


def test_publishing_a_rule_previews_what_would_change_and_then_changes_it(world, cast):
    from planning.actions.tiering import classify_feature, publish_tier_rule
    from planning.models import TierRule
    from planning.queries.tiering import latest_of
    from planning.rules.tiering import STANDARD

    feature, other = world.feature("Passkeys"), world.feature("Labels")
    classify_feature(cast["product_manager"], feature, **RISKY)
    classify_feature(cast["product_manager"], other, **HARMLESS)
    stricter = copy.deepcopy(STANDARD)
    stricter["questions"]["authentication"]["changes"]["at_least"] = 1
    officer = cast["compliance_officer"]
    said = publish_tier_rule(officer, content=stricter, dry_run=True)
    assert said["changes_of_tier"] == 1
    assert [(i["feature"], i["tier"], i["would_be"]) for i in said["items"]] == [(feature.key, 2, 1)]
    assert not TierRule.objects.exists()
    rule = publish_tier_rule(officer, content=stricter, note="Sign-in is attacked most.")
    feature.refresh_from_db()
    assert (rule.number, feature.tier, latest_of(feature).rule_number) == (1, 1, 1)
    assert [a.rule_number for a in feature.assessments.order_by("assessed_at")] == [0, 1]
    assert latest_of(other).rule_number == 0
    again = refused(publish_tier_rule, officer, content=stricter, note="x")
    assert again.code == "tier_rule.same"


def test_a_bad_rule_is_refused_with_its_faults_and_only_compliance_publishes(world, cast, api):
    from planning.rules.tiering import STANDARD

    bad = copy.deepcopy(STANDARD)
    bad["limits"] = [1, 2, 3]
    answer = api("compliance_officer").post(f"{ROOT}/tier-rules/publish", {"content": bad, "note": "x"})
    assert answer.status_code == 422, answer.content
    assert "content" in str(answer.json()["errors"][0])
    assert (
        api("rte").post(f"{ROOT}/tier-rules/publish", {"content": STANDARD, "note": "x"}).status_code == 403
    )


def test_the_rule_form_shows_the_preview_and_publishes(world, cast, web):
    from planning.actions.tiering import classify_feature
    from planning.models import TierRule

    feature = world.feature("Passkeys")
    classify_feature(cast["product_manager"], feature, **RISKY)
    client = web("compliance_officer")
    address = "/o/northwind/features/tier-rule/"
    form = client.get(address)
    sent = dict(form.context["initial"]) | {"least.authentication.changes": "1", "note": "Attacked most."}
    looked = client.post(address, sent | {"act": "preview"})
    assert "1 item would change its tier" in looked.content.decode()
    assert not TierRule.objects.exists()
    assert client.post(address, sent | {"act": "publish"}).status_code == 303
    feature.refresh_from_db()
    assert feature.tier == 1
    assert client.post(address, sent | {"act": "publish", "limit.1": "x"}).status_code == 422


# Definition of Done


def test_acceptance_needs_the_definition_of_done_met_with_who_and_when(world, cast):
    from planning.actions.definition import add_for_team, mark_done, publish_definition
    from planning.actions.features import complete_feature
    from planning.queries.definition import standing

    publish_definition(cast["rte"], train=world.train, lines="Reviewed\nDocumented, and found by search")
    add_for_team(cast["team_member"], team=world.acquiring, lines="Load tested")
    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 1)
    error = refused(complete_feature, cast["rte"], feature)
    assert error.code == "feature.not_done"
    assert "Documented, and found by search; Load tested" in error.refusals[0].sentence
    for each in standing(feature):
        mark_done(cast["team_member"], feature, line=each.line, evidence="seen")
    done = standing(feature)
    assert [(s.own, s.mark.marked_by_id) for s in done][-1] == (True, cast["team_member"].user_id)
    assert complete_feature(cast["rte"], feature).state == "done"


def test_a_team_can_only_add_and_a_kept_line_stays_met_in_the_next_version(world, cast):
    from planning.actions.definition import add_for_team, mark_done, publish_definition
    from planning.queries.definition import standing

    none = refused(add_for_team, cast["team_member"], team=world.ledger, lines="X")
    assert none.code == "definition.none"
    publish_definition(cast["rte"], train=world.train, lines="Reviewed\nDocumented")
    twice = refused(add_for_team, cast["team_member"], team=world.ledger, lines="reviewed")
    assert twice.refusals[0].field == "lines"
    add_for_team(cast["team_member"], team=world.ledger, lines="Postings reconciled")
    feature = world.feature("Postings", team=world.ledger)
    mark_done(cast["team_member"], feature, line=standing(feature)[0].line)
    publish_definition(cast["rte"], train=world.train, lines="Reviewed\nMonitored", note="operations asked")
    now = {s.line.text: s.mark is not None for s in standing(feature)}
    assert now == {"Reviewed": True, "Monitored": False, "Postings reconciled": False}
    assert refused(publish_definition, cast["team_member"], train=world.train, lines="X").status == 403


def test_the_milestone_view_shows_which_teams_differ(world, cast, web):
    from planning.actions.definition import add_for_team, publish_definition
    from trains.actions.milestones import create_milestone

    publish_definition(cast["rte"], train=world.train, lines="Reviewed")
    add_for_team(cast["team_member"], team=world.ledger, lines="Postings reconciled")
    feature = world.feature("Postings")
    world.place(feature, world.ledger, 1)
    later = world.feature("Later")
    world.place(later, world.ledger, 4)
    milestone = create_milestone(
        cast["rte"],
        train=world.train,
        pi=world.pi,
        name="Half-time",
        on=world.iterations[1].ends,
        kind="event",
    )
    page = web("rte").get(f"/o/northwind/done/{world.train.key}/?milestone={milestone.pk}")
    text = page.content.decode()
    assert page.status_code == 200
    assert "Ledger Core adds 1" in text
    assert "Acquiring asks what the train asks" in text
    assert feature.key in text
    assert later.key not in text


def test_a_released_feature_that_is_not_done_stays_open(world, cast):
    from planning.actions.definition import publish_definition
    from planning.actions.releases import add_to_release, features_follow
    from trains.actions.releases import create_release

    publish_definition(cast["rte"], train=world.train, lines="Reviewed")
    feature = world.feature("Refunds")
    world.place(feature, world.acquiring, 1)
    release = create_release(cast["release_manager"], train=world.train, version="26.11.0")
    add_to_release(cast["release_manager"], feature, release=release)
    features_follow(cast["release_manager"], release, {})
    feature.refresh_from_db()
    assert feature.state == "planned"


# Splitting


def test_parts_inherit_links_and_the_whole_is_done_with_the_last_of_them(world, cast):
    from planning.actions.features import complete_feature, refine_feature
    from planning.actions.splitting import split_feature, touch_services
    from trains.actions.services import create_service

    service = create_service(cast["rte"], name="acq-settle", train=world.train, team=world.acquiring)
    whole, provider, consumer = (
        world.feature("Refunds", points=20),
        world.feature("API"),
        world.feature("App"),
    )
    touch_services(cast["product_manager"], whole, services=[service])
    world.needs(whole, provider)
    world.needs(consumer, whole)
    parts = [
        {"title": "Full refunds", "points": 12},
        {"title": "Partial refunds", "points": 8, "team": "PAY-LED"},
    ]
    split_feature(cast["product_manager"], whole, pattern="rules", parts=parts)
    children = list(whole.children.order_by("key"))
    assert [(c.title, c.points, c.state) for c in children] == [
        ("Full refunds", 12, "funnel"),
        ("Partial refunds", 8, "funnel"),
    ]
    assert children[1].team == world.ledger
    for child in children:
        assert [d.provider_id for d in child.needs.all()] == [provider.pk]
        assert [d.consumer_id for d in child.needed_by.all()] == [consumer.pk]
        assert [s.service_id for s in child.touched_services.all()] == [service.pk]
    assert {d.state for d in whole.needs.all()} | {d.state for d in whole.needed_by.all()} == {"withdrawn"}
    whole.refresh_from_db()
    assert refused(world.place, whole, world.acquiring, 1).code == "feature.split"
    for child in children:
        refine_feature(
            cast["technical_lead"], child, acceptance="a", feasibility="b", constraints="none", tier=3
        )
        child.refresh_from_db()
        world.place(child, world.acquiring, 1)
        whole.refresh_from_db()
        assert whole.state == "ready"
        complete_feature(cast["rte"], child)
    whole.refresh_from_db()
    assert whole.state == "done"


def test_parts_that_do_not_add_up_need_a_reason(world, cast):
    from planning.actions.splitting import split_feature

    whole = world.feature("Refunds", points=20)
    parts = [{"title": "One", "points": 8}, {"title": "Two", "points": 8}]
    error = refused(split_feature, cast["product_manager"], whole, pattern="rules", parts=parts)
    assert error.refusals[0].sentence == "The parts add up to 16, the whole was 20."
    made = split_feature(
        cast["product_manager"], whole, pattern="rules", parts=parts, difference_reason="Fees are left out."
    )
    assert made.split_note == "Fees are left out."


@pytest.mark.parametrize(
    "parts",
    [[], [{"title": "One"}], [{"title": ""}, {"title": "Two"}], [{"title": "One", "points": "x"}, {"title": "Two"}],
     [{"title": "One", "team": "NONE"}, {"title": "Two"}], ["x", 3]],
)  # fmt: skip
def test_bad_parts_are_refused_at_their_input(world, api, parts):
    feature = world.feature("Refunds")
    answer = api("product_manager").post(
        f"{ROOT}/features/{feature.key}/split", {"pattern": "rules", "parts": parts}
    )
    assert answer.status_code == 422
    assert "parts" in str(answer.json()["errors"][0])


def test_too_big_by_the_limits_of_the_train(world, cast):
    from planning.actions.splitting import set_size_rule
    from planning.queries.splitting import bigness, too_big_ones

    big, provider = (
        world.feature("Refunds", points=13, team=world.acquiring),
        world.feature("API", team=world.ledger),
    )
    world.needs(big, provider)
    assert bigness(big).reasons == []
    set_size_rule(cast["rte"], train=world.train, most_points=8, most_teams=1, most_services=3)
    reasons = bigness(big).reasons
    assert "largest here is 8" in reasons[0]
    assert "2 teams (Acquiring, Ledger Core)" in reasons[1]
    assert [b.feature for b in too_big_ones(world.train)] == [big]


def test_a_feature_cannot_become_a_part_of_its_own_part(world, cast):
    from planning.actions.splitting import set_parent

    whole, part = world.feature("Refunds"), world.feature("Full refunds")
    set_parent(cast["product_manager"], part, parent=whole)
    part.refresh_from_db()
    assert refused(set_parent, cast["product_manager"], whole, parent=part).code == "feature.parent_circle"


def test_the_split_form_makes_the_parts(world, web):
    feature = world.feature("Refunds", points=8)
    client = web("product_manager")
    address = f"/o/northwind/features/{feature.key}/split/"
    assert "Workflow steps" in client.get(address).content.decode()
    sent = {"pattern": "data", "title-1": "Cards", "points-1": "5", "title-2": "Wallets", "points-2": "2"}
    wrong = client.post(address, sent)
    assert wrong.status_code == 422
    assert "add up to 7" in wrong.content.decode()
    assert client.post(address, sent | {"points-2": "3"}).status_code == 303
    assert feature.children.count() == 2


# Debt from production


def test_a_ticket_becomes_debt_on_the_backlog_once_and_keeps_the_worst_exposure(world, api):
    from planning.models import Feature, FeatureReport

    client = api("service_account")
    sent = {
        "train": "PAY",
        "source": "support_ticket",
        "reference": "SUP-881",
        "title": "Refund status is stale",
        "likelihood": 4,
        "impact": 3,
        "business_risk": "Merchants call us twice.",
        "url": "https://desk.example/SUP-881",
    }
    made = client.post(f"{ROOT}/features/take_report", sent)
    assert made.status_code == 201, made.content
    again = client.post(f"{ROOT}/features/take_report", sent)
    assert again.json()["id"] == made.json()["id"]
    feature = Feature.objects.get(pk=made.json()["id"])
    assert (feature.kind, feature.exposure, feature.state) == ("debt", 12, "funnel")
    second = sent | {"reference": "SUP-900", "feature": feature.key, "likelihood": 1, "impact": 2}
    assert client.post(f"{ROOT}/features/take_report", second).status_code == 201
    feature.refresh_from_db()
    assert (feature.exposure, FeatureReport.objects.filter(feature=feature).count()) == (12, 2)
    assert (
        client.post(
            f"{ROOT}/features/take_report", sent | {"reference": "S", "url": "javascript:1"}
        ).status_code
        == 422
    )
    assert (
        client.post(f"{ROOT}/features/take_report", sent | {"reference": "T", "impact": 9}).status_code == 422
    )


# Test strategy


def test_the_quality_owner_agrees_what_others_wrote_and_a_change_needs_it_again(world, cast):
    from planning.actions.strategy import add_line, agree_strategy, put_in_place, write_for_feature

    feature = world.feature("Refunds")
    strategy = write_for_feature(cast["team_member"], feature, approach="Money moves: contract tests first.")
    empty = refused(agree_strategy, cast["quality_owner"], strategy)
    assert empty.code == "test_strategy.empty"
    line = add_line(cast["team_member"], strategy, level="unit", what="Rounding", team=world.acquiring)
    assert refused(agree_strategy, cast["rte"], strategy).status == 403
    assert agree_strategy(cast["quality_owner"], strategy).state == "agreed"
    put_in_place(cast["quality_owner"], line, evidence="https://ci.example/1")
    strategy.refresh_from_db()
    assert strategy.state == "agreed"
    add_line(cast["quality_owner"], strategy, level="system", what="Refund end to end")
    strategy.refresh_from_db()
    assert (strategy.state, strategy.agreed_by_id) == ("draft", None)
    assert refused(agree_strategy, cast["quality_owner"], strategy).code == "test_strategy.own"


def test_the_author_does_not_agree_later_even_if_another_wrote_last(world, cast):
    from planning.actions.strategy import add_line, agree_strategy, write_for_feature

    strategy = write_for_feature(cast["quality_owner"], world.feature("Refunds"))
    add_line(cast["team_member"], strategy, level="unit", what="Rounding", team=world.acquiring)
    assert refused(agree_strategy, cast["quality_owner"], strategy).code == "test_strategy.own"


def test_gaps_of_a_release_stand_in_its_cockpit_and_before_its_gate(world, cast, web):
    from planning.actions.releases import add_to_release
    from planning.actions.strategy import (
        add_line,
        agree_strategy,
        put_in_place,
        write_for_feature,
        write_for_release,
    )
    from planning.checks import test_strategies
    from planning.queries.strategy import readiness
    from trains.actions.releases import create_release

    feature = world.feature("Refunds")
    release = create_release(cast["release_manager"], train=world.train, version="26.11.0", tier=4)
    add_to_release(cast["release_manager"], feature, release=release)
    assert readiness(release).open_gaps == 2
    page = web("rte").get(f"/o/northwind/releases/{release.key}/").content.decode()
    assert "There is no test strategy." in page

    class Ctx:
        pass

    ctx = Ctx()
    ctx.release = release
    assert test_strategies(ctx).verdict == "fail"
    for subject, write in ((feature, write_for_feature), (release, write_for_release)):
        strategy = write(cast["team_member"], subject)
        for level in ("unit", "integration", "acceptance"):
            line = add_line(cast["team_member"], strategy, level=level, what=level, team=world.acquiring)
            put_in_place(cast["team_member"], line, evidence="run 1")
        agree_strategy(cast["quality_owner"], strategy)
    assert readiness(release).open_gaps == 0
    assert test_strategies(ctx).verdict == "pass"


def test_the_coverage_question_of_readiness_is_not_yes_while_a_strategy_has_gaps(world, cast):
    from planning.actions.releases import add_to_release
    from planning.actions.strategy import add_line, agree_strategy, put_in_place, write_for_feature
    from trains.actions.readiness import answer_readiness, assess_readiness
    from trains.actions.releases import create_release
    from trains.models import ReadinessAnswer

    feature = world.feature("Refunds")
    manager = cast["release_manager"]
    release = create_release(manager, train=world.train, version="26.11.0", tier=4)
    add_to_release(manager, feature, release=release)
    assess_readiness(manager, release)
    asked = ReadinessAnswer.objects.get(release=release, topic="coverage")
    strategy = write_for_feature(cast["team_member"], feature)
    gap = refused(answer_readiness, manager, asked, answer="yes", evidence="All green.")
    assert (gap.code, gap.refusals[0].field) == ("readiness.test_gaps", "answer")
    assert answer_readiness(manager, asked, answer="partial", evidence="Half.").answer == "partial"
    for level in ("unit", "integration", "acceptance"):
        line = add_line(cast["team_member"], strategy, level=level, what=level, team=world.acquiring)
        put_in_place(cast["team_member"], line, evidence="run 1")
    agree_strategy(cast["quality_owner"], strategy)
    assert answer_readiness(manager, asked, answer="yes", evidence="All green.").answer == "yes"


def test_a_release_shows_its_strategies_in_few_queries(world, cast, django_assert_max_num_queries):
    from planning.actions.releases import add_to_release
    from planning.queries.strategy import readiness
    from trains.actions.releases import create_release

    release = create_release(cast["release_manager"], train=world.train, version="26.11.0")
    for number in range(8):
        add_to_release(cast["release_manager"], world.feature(f"F{number}"), release=release)
    with django_assert_max_num_queries(5):
        assert len(readiness(release).features) == 8


def test_gaps_become_a_risk_of_what_they_threaten(world, cast):
    from planning.actions.strategy import add_line, raise_risk, write_for_feature

    feature = world.feature("Refunds")
    strategy = write_for_feature(cast["team_member"], feature)
    add_line(cast["team_member"], strategy, level="unit", what="Rounding", team=world.acquiring)
    risk = raise_risk(cast["team_member"], strategy, likelihood=4, impact=2)
    assert (risk.train_id, risk.likelihood, risk.impact) == (world.train.pk, 4, 2)
    assert "Nothing is tested at the level integration." in risk.description
    assert [link.feature_id for link in risk.links.all()] == [feature.pk]
