"""Reviews: opened by rule, facts first, causes on facts, actions with owners, the next gate waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.problems.conftest import DAY, HOUR, START

from .conftest import Reviewing


def test_a_failed_deployment_opens_one_review(world: Reviewing) -> None:
    from reviews.models import Review

    world.rule()
    deployment = world.deploy("5.2.0", status="failed")
    world.heard(deployment)
    world.heard(deployment)
    review = Review.objects.get()
    assert (review.deployment, review.depth, review.mandatory, review.state) == (
        deployment,
        "detailed",
        True,
        "facts",
    )
    assert review.trigger == "ledger 5.2.0 to production failed."
    assert review.due_at > world.now


def test_a_good_deployment_of_a_minor_service_opens_none(world: Reviewing) -> None:
    from reviews.models import Review

    world.rule()
    world.heard(world.deploy("5.2.0"))
    world.heard(world.deploy("5.2.0", environment=world.staging, status="failed"))
    assert not Review.objects.exists()


def test_a_release_has_one_review_that_follows_what_becomes_known(world: Reviewing, kinds: Any) -> None:
    from problems.actions.failure_links import accept_link
    from problems.actions.incidents import resolve
    from reviews.models import Review

    world.rule("Went live", outcomes=[], depth="lightweight", mandatory=False)
    strict = world.rule()
    release = world.release("5.2.0", target_at=START - 2 * HOUR)
    world.heard(world.deploy("5.2.0", release=release, started_at=START - HOUR, finished_at=START - HOUR))
    review = Review.objects.get()
    assert (review.depth, review.opened_by_rule.name) == ("lightweight", "Went live")
    incident = world.incident()
    world.heard(incident, "incident.record")
    review.refresh_from_db()
    assert review.depth == "lightweight"  # a suspicion by rule is not enough
    accept_link(world.as_["release_manager"], incident.failure_links.get())
    world.heard(incident.failure_links.get(), "failure_link.accept")
    review = Review.objects.get()
    assert (review.depth, review.mandatory, review.opened_by_rule) == ("detailed", True, strict)
    world.later(HOUR)
    resolve(world.as_["team_member"], incident)
    world.heard(incident, "incident.resolve")
    assert {"plan", "deployment", "incident", "measure"} <= set(kinds(review))
    sentences = " ".join(review.facts.values_list("sentence", flat=True))
    assert "1 h late" in sentences
    assert "resolved after 1 h" in sentences
    assert "Service was restored in 1 h" in sentences


def test_a_rollback_is_reviewed_with_what_it_undid(world: Reviewing, kinds: Any) -> None:
    from reviews.models import Review
    from trains.actions.deployments import finish_deployment, roll_back_deployment

    world.rule()
    world.deploy("5.1.0", started_at=START - DAY, finished_at=START - DAY)
    release = world.release("5.2.0")
    bad = world.deploy("5.2.0", release=release)
    world.later(HOUR)
    rollback = roll_back_deployment(world.as_["release_manager"], bad, reason="Errors.")
    finish_deployment(world.as_["release_manager"], rollback, status="succeeded")
    world.heard(rollback, "deployment.finish")
    review = Review.objects.get()
    assert review.trigger == "ledger 5.2.0 to production was rolled back."
    assert kinds(review).count("rollback") == 1
    assert (
        "1 of 1 production deployments was rolled back."
        in review.facts.get(identity="measure:rollbacks").sentence
    )


def test_a_busy_service_gets_one_review_per_window(world: Reviewing) -> None:
    from reviews.models import Review

    world.rule("Weekly", outcomes=[], depth="lightweight", mandatory=False, window_days=7)
    world.heard(world.deploy("1"))
    for version in ("2", "3"):
        world.later(DAY)
        world.heard(world.deploy(version))
    review = Review.objects.get()
    assert review.facts.filter(kind="deployment").count() == 3
    world.later(7 * DAY)
    world.heard(world.deploy("4"))
    assert Review.objects.count() == 2


def test_a_closed_review_is_not_opened_again_by_the_same_news(world: Reviewing) -> None:
    from reviews.actions.causes import agree_causes
    from reviews.actions.facts import accept_facts
    from reviews.actions.reviews import close_review
    from reviews.models import Review

    world.rule(depth="lightweight")
    release = world.release("5.2.0")
    deployment = world.deploy("5.2.0", release=release, status="failed")
    world.heard(deployment)
    review, rte = Review.objects.get(), world.as_["rte"]
    accept_facts(rte, review)
    agree_causes(rte, review)
    close_review(rte, review, decision="Retry tomorrow.", rationale="The node was down.")
    world.heard(deployment)
    assert Review.objects.count() == 1


def test_a_deployment_in_the_past_that_was_imported_opens_nothing(world: Reviewing) -> None:
    from releasetrain.audit.subscriptions import subscriptions

    verbs = next(s.verbs for s in subscriptions() if s.name == "reviews.open")
    assert "deployment.record_many" not in verbs
    assert {
        "deployment.record",
        "deployment.finish",
        "deployment.roll_back",
        "incident.link_deployment",
    } <= verbs


def test_causes_wait_until_the_facts_are_accepted(world: Reviewing, refused: Any) -> None:
    review = world.review()
    with refused("state.illegal"):
        world.why(review)
    with refused("permission.missing"):
        from reviews.actions.facts import accept_facts

        accept_facts(world.as_["developer"], review)


def test_the_database_keeps_causes_waiting_too(world: Reviewing) -> None:
    from django.db import IntegrityError, transaction

    from problems.models import Category
    from reviews.models import ReviewCause

    review = world.review()
    with pytest.raises(IntegrityError, match="acceptance of the facts"), transaction.atomic():
        ReviewCause.objects.create(review=review, statement="Because.", category=Category.UNKNOWN)


def test_accepted_facts_are_frozen_with_their_digest(world: Reviewing) -> None:
    from django.db import IntegrityError, transaction

    from releasetrain.kernel.canonical import digest
    from reviews.queries.facts import content_of

    review = world.with_facts()
    before = list(review.facts.all())
    assert review.facts_digest == digest(content_of(before))
    incident = world.incident()
    world.heard(incident, "incident.record")
    assert list(review.facts.all()) == before
    fact = before[0]
    fact.sentence = "It never happened."
    for act in (fact.save, fact.delete):
        with pytest.raises(IntegrityError, match="stay as they are"), transaction.atomic():
            act()


def test_a_fact_has_a_source(world: Reviewing, refused: Any) -> None:
    from reviews.actions.facts import add_fact

    review, incident = world.review(), world.incident()
    with refused("review.source"):
        add_fact(world.as_["developer"], review, sentence="Errors rose.", source="somebody said")
    fact = add_fact(world.as_["developer"], review, sentence="Errors rose.", source=incident.key)
    assert (fact.source_kind, fact.source_id) == ("incident", str(incident.pk))


def test_a_cause_without_a_fact_is_a_hypothesis_and_leads_to_no_action(
    world: Reviewing, refused: Any
) -> None:
    from reviews.actions.causes import support_cause

    review = world.with_facts()
    cause = world.why(review, evidence=None)
    assert cause.state == "hypothesis"
    with refused("action_item.hypothesis"):
        world.action(review, cause=cause)
    support_cause(world.as_["developer"], cause, evidence=review.facts.first())
    cause.refresh_from_db()
    assert cause.state == "supported"
    assert world.action(review, cause=cause).key == "ACT-1"


def test_causes_name_roles_not_persons(world: Reviewing, refused: Any) -> None:
    review = world.with_facts()
    with refused("review.names"):
        world.why(review, statement="Release Manager pressed the wrong button.")


def test_facts_open_again_only_while_no_cause_rests_on_them(world: Reviewing, refused: Any) -> None:
    from reviews.actions.facts import accept_facts, reopen_facts

    review = world.with_facts()
    reopen_facts(world.as_["rte"], review, reason="The alert was missing.")
    accept_facts(world.as_["rte"], review)
    world.why(review)
    with refused("review.causes_named"):
        reopen_facts(world.as_["rte"], review, reason="One more.")


def test_a_detailed_review_closes_with_a_supported_cause_and_actions_in_hand(
    world: Reviewing, refused: Any
) -> None:
    from reviews.actions.action_items import complete_action, edit_action
    from reviews.actions.causes import agree_causes
    from reviews.actions.reviews import close_review

    rte = world.as_["rte"]
    review = world.with_facts()
    with refused("review.no_cause"):
        agree_causes(rte, review)
    cause = world.why(review)
    agree_causes(rte, review)
    item, other = world.action(review, cause=cause), world.action(review, title="Rehearse the rollback")
    world.later(30 * DAY)
    with refused("review.action_overdue"):
        close_review(rte, review, decision="Go on.", rationale="It held.")
    complete_action(rte, item, effect="The canary stopped at 1.4 % in the drill.")
    edit_action(rte, other, due_on=(world.now + DAY).date(), reason="The drill was moved.")
    with refused("review.decision"):
        close_review(rte, review, decision=" ", rationale="It held.")
    close_review(
        rte, review, decision="Go on with the new canary metric.", rationale="It would have caught this."
    )
    review.refresh_from_db()
    assert review.state == "closed"


def test_an_action_says_what_success_is(world: Reviewing, refused: Any) -> None:
    review = world.with_facts()
    with refused("action_item.success"):
        world.action(review, success_criteria=" ")
    with refused("action_item.past"):
        world.action(review, due_on=(world.now - DAY).date())


def _pending(world: Reviewing, release: Any = None, **parameters: Any) -> Any:
    from governance.checks.context import CheckContext
    from governance.checks.registry import find

    found = find("pending-reviews")
    assert found is not None
    context = CheckContext(
        organization_id=world.train.organization_id,
        gate=None,  # type: ignore[arg-type]
        environment=world.production,
        release=release,
        artifacts=(),
        services=(world.ledger,),
        at=world.now,
        max_age=timedelta(hours=1),
    )
    return found.body(context, **found.clean(parameters))


def test_the_next_gate_waits_for_a_mandatory_review(world: Reviewing) -> None:
    review = world.review(mandatory=True)
    assert _pending(world).verdict == "fail"
    assert _pending(world, world.release("5.4.0")).verdict == "fail"
    assert _pending(world, review.release).verdict == "pass"


def test_an_optional_review_blocks_once_it_is_overdue(world: Reviewing) -> None:
    review = world.review(mandatory=False)
    answer = _pending(world)
    assert (answer.verdict, answer.valid_until) == ("pass", review.due_at)
    world.later(60 * DAY)
    assert _pending(world).verdict == "fail"
    assert _pending(world, overdue=False).verdict == "pass"


def test_a_problem_is_not_closed_before_the_review_of_its_fix(world: Reviewing, refused: Any) -> None:
    from problems.actions.problems import close_problem
    from reviews.actions.reviews import create_review

    problem = world.problem()
    world.validated(problem)
    release = world.fixed(problem)
    create_review(world.as_["rte"], service=world.ledger, release=release)
    world.later(20 * DAY)
    with refused("problem.review_open"):
        close_problem(world.as_["problem_manager"], problem, note="Gone.")


def test_the_standard_rules_are_added_once(world: Reviewing) -> None:
    from reviews.actions.rules import create_standard_rules
    from reviews.models import ReviewRule
    from reviews.rules.triggers import STANDARD

    for _ in range(2):
        create_standard_rules(world.as_["rte"], world.as_.organization)
    assert ReviewRule.objects.count() == len(STANDARD)
    world.heard(world.deploy("5.2.0", status="failed"))
    from reviews.models import Review

    assert Review.objects.get().opened_by_rule.name == "Failed, rolled back or caused an incident"


def test_the_page_shows_two_locked_stages_and_overdue_lists(world: Reviewing, web: Any) -> None:
    review = world.review()
    page = web("rte").get(f"/o/northwind/reviews/{review.key}/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "Locked until the facts are accepted: first what happened, then why." in text
    assert "5.3.0 to production succeeded" in text
    world.later(60 * DAY)
    listed = web("rte").get("/o/northwind/reviews/?overdue=yes").content.decode()
    assert review.key in listed
    assert review.key not in web("rte").get("/o/northwind/reviews/?overdue=no").content.decode()
    assert review.key in web("rte").get(f"/o/northwind/releases/{review.release.key}/").content.decode()
    assert web("rte", "contoso-health").get(f"/o/northwind/reviews/{review.key}/").status_code == 404


def test_root_cause_and_review_travel_in_the_evidence_of_the_release(world: Reviewing) -> None:
    from governance.evidence.collect import Subject, collectors_for
    from reviews.actions.reviews import create_review

    problem = world.problem()
    world.validated(problem)
    release = world.fixed(problem)
    world.incident(fingerprint="other")
    review = create_review(world.as_["rte"], service=world.ledger, release=release)
    subject = Subject(
        "release",
        "Release",
        str(release),
        release,
        releases=frozenset([release.pk]),
        deployments=frozenset(release.deployments.values_list("pk", flat=True)),
    )
    found: dict[str, list[str]] = {}
    for each in collectors_for("release"):
        if each.name.partition(".")[0] in ("problems", "reviews"):
            for kind, ident, _, data in each.collect(subject):
                found.setdefault(kind, []).append(ident)
                assert data
    assert found["problem"] == [str(problem.pk)]
    assert found["review"] == [str(review.pk)]
    assert {"rootcause", "observationwindow", "incident", "failurelink", "reviewfact"} <= set(found)
