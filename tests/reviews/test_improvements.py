"""Findings that change the life cycle: proposed to whoever owns the thing, applied by the owner's own verb, with history."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Reviewing


@pytest.fixture
def finding(world: Reviewing) -> Any:
    """A cause of a review that a fact supports."""
    return world.why(world.with_facts())


@pytest.fixture
def gate(world: Reviewing) -> Any:
    from governance.actions.gates import create_gate

    return create_gate(
        world.as_["release_manager"],
        name="To production",
        environment=world.production,
        train=world.train,
        checks=[{"kind": "coverage", "name": "coverage", "parameters": {"minimum": 80}, "max_age_hours": 24}],
    )


def _propose(world: Reviewing, finding: Any, kind: str, **said: Any) -> Any:
    from reviews.actions import improvements

    return getattr(improvements, f"propose_{kind}")(world.as_["developer"], finding, **said)


def _apply(world: Reviewing, proposal: Any, role: str) -> Any:
    from reviews.actions.improvements import apply_improvement

    apply_improvement(world.as_[role], proposal)
    proposal.refresh_from_db()
    return proposal


def test_a_finding_becomes_the_gates_next_version(world: Reviewing, finding: Any, gate: Any) -> None:
    proposal = _propose(world, finding, "gate", gate=gate, check="coverage", parameters={"minimum": 90})
    assert proposal.owner == world.as_.user("release_manager")
    assert proposal.lines == [{"what": "coverage: minimum", "before": "80", "after": "90"}]
    assert gate.current_version.number == 1
    _apply(world, proposal, "release_manager")
    version = gate.current_version
    assert (version.number, version.checks[0]["parameters"]["minimum"]) == (2, 90)
    assert proposal.key in version.note
    assert finding.review.key in version.note
    assert (proposal.state, proposal.result_id) == ("applied", str(version.pk))


def test_the_next_release_is_held_by_the_changed_gate(world: Reviewing, finding: Any, gate: Any) -> None:
    """What passed yesterday waits for its approval today, because a finding asked for that."""
    from governance import evaluating
    from governance.actions.gates import evaluate_gate, publish_version
    from governance.models import Evaluation
    from releasetrain.kernel.actor import Actor
    from trains.actions.releases import create_release

    manager = world.as_["release_manager"]
    free = [{"kind": "freeze", "name": "no-freeze", "parameters": {}, "max_age_hours": 24}]
    publish_version(manager, gate, checks=free)
    release = create_release(manager, train=world.train, version="5.4.0")

    def asked() -> Any:
        evaluation = evaluate_gate(manager, gate=gate, release=release)
        lease = evaluating.claim(evaluation.pk)
        judgement = evaluating.judge(Evaluation.objects.get(pk=evaluation.pk))
        worker = Actor.system(evaluation.organization_id, "evaluates")
        evaluating.settle(worker, evaluation.pk, lease, judgement)
        return Evaluation.objects.get(pk=evaluation.pk)

    assert asked().verdict == "pass"
    proposal = _propose(world, finding, "gate", gate=gate, check="approvals")
    _apply(world, proposal, "release_manager")
    held = asked()
    assert held.verdict != "pass"
    assert held.gate_version.number == 3


def test_it_is_applied_to_the_gate_as_it_stands_then(world: Reviewing, finding: Any, gate: Any) -> None:
    from governance.actions.gates import publish_version

    proposal = _propose(world, finding, "gate", gate=gate, check="coverage", parameters={"minimum": 90})
    other = {"kind": "freeze", "name": "no-freeze", "parameters": {}, "max_age_hours": 24}
    publish_version(world.as_["release_manager"], gate, checks=[*gate.current_version.checks, other])
    _apply(world, proposal, "release_manager")
    assert {c["kind"] for c in gate.current_version.checks} == {"coverage", "freeze"}


def test_only_whoever_may_change_the_gate_applies_it(
    world: Reviewing, finding: Any, gate: Any, refused: Any
) -> None:
    proposal = _propose(world, finding, "gate", gate=gate, check="coverage", parameters={"minimum": 90})
    with refused("improvement.not_yours"):
        _apply(world, proposal, "developer")
    assert gate.current_version.number == 1


def test_a_hypothesis_changes_nothing(world: Reviewing, gate: Any, refused: Any) -> None:
    guess = world.why(world.with_facts(), evidence=None)
    with refused("improvement.hypothesis"):
        _propose(world, guess, "gate", gate=gate, check="coverage", parameters={"minimum": 90})


def test_what_the_gate_would_refuse_is_not_proposed(
    world: Reviewing, finding: Any, gate: Any, refused: Any
) -> None:
    with refused("check.parameters"):
        _propose(world, finding, "gate", gate=gate, check="coverage", parameters={"minimum": 900})
    with refused("improvement.unchanged"):
        _propose(world, finding, "gate", gate=gate, check="coverage", parameters={"minimum": 80})
    with refused("improvement.owner"):
        _propose(
            world,
            finding,
            "gate",
            gate=gate,
            check="coverage",
            parameters={"minimum": 90},
            owner=world.as_.user("developer"),
        )


def test_a_question_joins_the_readiness_checklist(world: Reviewing, finding: Any) -> None:
    from governance.actions.readiness import create_checklist

    checklist = create_checklist(world.as_["compliance_officer"], tier=1)
    count = len(checklist.questions)
    asked = "Does the canary watch declined payments?"
    proposal = _propose(world, finding, "checklist", checklist=checklist, question=asked, mandatory=True)
    _apply(world, proposal, "compliance_officer")
    checklist.refresh_from_db()
    assert len(checklist.questions) == count + 1
    assert checklist.questions[-1]["question"] == asked
    assert checklist.history.count() == 2


def test_a_rollback_threshold_takes_the_place_of_the_one_before(world: Reviewing, finding: Any) -> None:
    from governance.actions.rollbacks import create_rule
    from releasetrain.accounts.catalogue import Role

    rule = create_rule(
        world.as_["compliance_officer"],
        roles=[Role.RELEASE_MANAGER],
        restore_minutes=30,
        fallback="Switch to the standby ledger.",
        service=world.ledger,
        thresholds="error rate > 5 % for 10 min\nqueue age > 60 s for 5 min",
    )
    proposal = _propose(
        world, finding, "rollback", authorisation=rule, threshold="error rate > 2 % for 5 min"
    )
    _apply(world, proposal, "compliance_officer")
    rule.refresh_from_db()
    assert {(t["metric"], t["value"], t["minutes"]) for t in rule.thresholds} == {
        ("error rate", 2.0, 5),
        ("queue age", 60.0, 5),
    }


def test_a_runbook_gets_a_version_that_somebody_else_approves(world: Reviewing, finding: Any) -> None:
    from governance.actions.documents import approve_version, create_document, create_kind

    kind = create_kind(world.as_["compliance_officer"], code="runbook", title="Runbook")
    document = create_document(
        world.as_["developer"], kind=kind, service=world.ledger, text="# Runbook\n\n## Start\n\nPress it.\n"
    )
    approve_version(world.as_["cab_member"], document.versions.get(), decision="Tried.")
    proposal = _propose(
        world,
        finding,
        "runbook",
        document=document,
        section="Declined payments",
        text="Stop the canary, then call the scheme.",
    )
    _apply(world, proposal, "developer")
    draft = document.versions.get(number=2)
    assert draft.state == "draft"
    assert "## Start\n\nPress it." in draft.text
    assert "## Declined payments\n\nStop the canary" in draft.text


def test_test_scope_is_a_line_of_done(world: Reviewing, finding: Any) -> None:
    from planning.queries.definition import lines_in_force

    proposal = _propose(world, finding, "test_scope", line="Declines are tested in staging")
    _apply(world, proposal, "rte")
    texts = [x.text for x in lines_in_force(world.train.pk, []).get(None, [])]
    assert texts == ["Declines are tested in staging"]


def test_a_ticket_becomes_a_staging_test_on_the_backlog(world: Reviewing, finding: Any) -> None:
    from planning.models import Feature

    proposal = _propose(
        world,
        finding,
        "staging_test",
        ticket="SUP-4711",
        case="Given a card of scheme X, when it is declined, then the customer sees why.",
    )
    _apply(world, proposal, "team_member")
    feature = Feature.objects.get(pk=proposal.result_id)
    assert feature.title.startswith("Staging test: Given a card")
    assert feature.reports.get().reference == "SUP-4711"


def test_the_cab_asks_one_thing_more(world: Reviewing, finding: Any, refused: Any) -> None:
    from governance.actions.policies import publish_policy
    from governance.models import ApprovalPolicy

    with refused("improvement.no_policy"):
        _propose(world, finding, "cab_criterion", question="Does it touch declines?")
    publish_policy(world.as_["change_manager"], note="First")
    proposal = _propose(world, finding, "cab_criterion", question="Does it touch declines?", weight=3)
    _apply(world, proposal, "change_manager")
    policy = ApprovalPolicy.objects.order_by("-number").first()
    assert policy.questions[-1]["text"] == "Does it touch declines?"
    assert proposal.key in policy.note


def test_joining_teams_are_told(world: Reviewing, finding: Any) -> None:
    from trains.actions.onboarding import create_template

    template = create_template(world.as_["rte"], name="Joining", tooling=["Has access to the canary"])
    proposal = _propose(world, finding, "onboarding", template=template, note="Watch declines first.")
    _apply(world, proposal, "rte")
    assert template.items.filter(text="Watch declines first.").exists()


def test_debt_goes_to_the_backlog_once(world: Reviewing, finding: Any, refused: Any) -> None:
    said = {"title": "One canary for all schemes", "likelihood": 4, "impact": 4, "business_risk": "Declines."}
    proposal = _propose(world, finding, "debt", **said)
    _apply(world, proposal, "team_member")
    assert proposal.result_kind == "feature"
    with refused("improvement.unchanged"):
        _propose(world, finding, "debt", **said)


def test_the_architecture_board_decides_what_is_brought_to_it(
    world: Reviewing, finding: Any, refused: Any
) -> None:
    from governance.actions.boards import add_member, create_board
    from reviews.actions.policies import create_policy

    said = {"title": "One canary for all", "likelihood": 4, "impact": 4, "business_risk": "Declines."}
    with refused("improvement.no_board"):
        _propose(world, finding, "architecture", **said)
    board = create_board(world.as_["change_manager"], name="Architecture board")
    create_policy(world.as_["rte"], board=board)
    proposal = _propose(world, finding, "architecture", **said)
    with refused("improvement.board"):
        _apply(world, proposal, "team_member")
    add_member(world.as_["change_manager"], board, email=world.as_.user("team_member").email)
    _apply(world, proposal, "team_member")
    assert proposal.state == "applied"


def test_a_declined_proposal_says_why(world: Reviewing, finding: Any, gate: Any, refused: Any) -> None:
    from reviews.actions.improvements import decline_improvement

    proposal = _propose(world, finding, "gate", gate=gate, check="coverage", parameters={"minimum": 90})
    with refused("required"):
        decline_improvement(world.as_["release_manager"], proposal, reason=" ")
    decline_improvement(world.as_["release_manager"], proposal, reason="The tool counts generated code.")
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decision) == ("declined", "The tool counts generated code.")
    with refused("state.illegal"):
        _apply(world, proposal, "release_manager")


def test_by_rest_from_finding_to_changed_gate(world: Reviewing, finding: Any, gate: Any, api: Any) -> None:
    root = "/api/v1/orgs/northwind"
    made = api("developer").post(
        f"{root}/review-causes/{finding.pk}/propose_gate",
        {"gate": gate.key, "check": "coverage", "parameters": {"minimum": 91}},
        format="json",
    )
    assert made.status_code in (200, 201), made.content
    key = made.json()["key"]
    assert api("developer").post(f"{root}/improvements/{key}/apply", {}, format="json").status_code == 403
    applied = api("release_manager").post(f"{root}/improvements/{key}/apply", {}, format="json")
    assert applied.status_code == 200, applied.content
    assert gate.current_version.checks[0]["parameters"]["minimum"] == 91
    wrong = api("developer").post(
        f"{root}/review-causes/{finding.pk}/propose_slo",
        {"target": "slos/x", "parameters": {}},
        format="json",
    )
    assert wrong.status_code == 422, wrong.content
