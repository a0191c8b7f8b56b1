"""The bank's change boards at work: a policy, models with their record, delegation, what awaits a decision."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from governance.actions import assessing, backlog, boards, change_models, changes, policies
from governance.models import Board, ChangeModel, ChangeRequest, Vote
from governance.rules.policies import STANDARD_RULES
from planning.actions import features
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now

CALM = {
    "impact": "nobody",
    "backout": "minutes",
    "reach": "one",
    "data": "no",
    "tested": "like_production",
    "known": "often",
}
CAREFUL = {
    **CALM,
    "impact": "customers",
    "backout": "hours",
    "reach": "few",
    "data": "additive",
    "known": "once",
}
GRAVE = {**CAREFUL, "impact": "everyone", "data": "changes", "tested": "automated"}
EXECUTIVE = "Executive change board"


def build_cab(bank: Any) -> None:
    """The last part of the demo: from here on the policy asks for risk answers before a change is submitted."""
    _boards(bank)
    rotate = _models(bank)
    _record(bank, rotate)
    _policy(bank)
    _waiting(bank, rotate)
    _of_the_backlog(bank)


def _boards(bank: Any) -> None:
    chair = bank.chair
    above = boards.create_board(chair, name=EXECUTIVE, quorum=1, approval_days=14)
    boards.add_member(chair, above, email=bank.cast.user(Role.COMPLIANCE_OFFICER).email)
    boards.edit_board(
        chair, bank.board, quorum=3, rule=Board.Rule.MAJORITY, vote_hours=96, escalates_to=above, approval_days=30
    )  # fmt: skip
    emergency = boards.create_board(
        chair, name="Northwind ECAB", quorum=2, kind=Board.Kind.ECAB, share=50, vote_hours=4, approval_days=2
    )
    for user in (
        bank.cast.user(Role.CHANGE_MANAGER),
        bank.cast.user(Role.CAB_MEMBER),
        bank.cast.user(Role.PROBLEM_MANAGER),
    ):
        boards.add_member(chair, emergency, email=user.email)
    bank.emergency_board = emergency
    boards.delegate(
        bank.cast.all(Role.CAB_MEMBER)[1],
        bank.board,
        email=bank.cast.user(Role.COMPLIANCE_OFFICER).email,
        starts_at=now() + timedelta(days=1),
        ends_at=now() + timedelta(days=12),
    )


def _models(bank: Any) -> ChangeModel:
    create = change_models.create_model
    model: ChangeModel = create(
        bank.manager,
        name="Rotate certificates of a gateway",
        description="Replaces certificates before they run out; the gateway reloads without a restart.",
        service=bank.services["wallet-bff"],
        steps=[
            {"title": "Request the certificate", "owner": "Platform", "minutes": 10},
            {"title": "Load it beside the old one", "owner": "Platform", "minutes": 5},
            {"title": "Switch over and watch handshakes", "owner": "SRE", "minutes": 15},
        ],
        implementation_plan="Load the new certificate, switch the alias, watch handshakes for ten minutes.",
        test_plan="Handshake test against the staging gateway with the new chain.",
        backout_plan="Switch the alias back; the old certificate stays loaded for a week.",
        communication_plan="Nobody notices; the on-call channel is told.",
        answers=CALM,
        proof=Decimal("0.4"),
    )
    create(
        bank.manager,
        name="Raise a rate limit",
        description="More requests for one client, within the capacity that was measured.",
        steps=[{"title": "Set the limit", "owner": "SRE", "minutes": 5}],
        implementation_plan="Set the limit in the gateway's configuration.",
        test_plan="Load test at the new limit in staging.",
        backout_plan="Set the former limit.",
        answers=CALM,
    )
    return model


def _record(bank: Any, model: ChangeModel) -> None:
    """Six runs that the board decided; then the model has earned to need it no longer."""
    voters = bank.cast.all(Role.CAB_MEMBER)
    for number in range(6):
        change = change_models.create_from_model(
            bank.manager,
            model=model,
            board=bank.board,
            title=f"Rotate certificates, gateway {number + 1}",
            window_starts=now() - timedelta(minutes=5),
            window_ends=now() + timedelta(hours=1),
        )
        change = changes.submit(bank.manager, change)
        for voter in voters:
            change = changes.vote(
                voter, change, choice=Vote.Choice.APPROVE, rationale="Routine, rehearsed, quickly undone."
            )
        change = changes.start(bank.manager, change)
        changes.complete(bank.manager, change, outcome=ChangeRequest.Outcome.SUCCESSFUL)
    model = change_models.propose(bank.manager, model, reason="Six runs this year, none with issues.")
    change_models.pre_approve(bank.chair, model, reason="The record speaks for itself.")


def _policy(bank: Any) -> None:
    rules = [
        {
            "name": "Regulated and risky",
            "when": {"regulated": True, "risks": ["high"]},
            "route": "board",
            "board": EXECUTIVE,
        },
        *STANDARD_RULES,
    ]
    policies.publish_policy(bank.chair, note="First version: people decide what is risky", rules=rules)


def _waiting(bank: Any, rotate: ChangeModel) -> None:
    """What lies before the board: a pre-approved run that needed nobody, and two changes that need people."""
    manager = bank.manager
    run = change_models.create_from_model(
        manager, model=rotate, board=bank.board, window_starts=now() + timedelta(days=3), window_ends=now() + timedelta(days=3, hours=1)
    )  # fmt: skip
    changes.submit(manager, run)
    for title, service, answers, days in (
        ("Split the posting table by month", "ledger-core", GRAVE, 5),
        ("New currency table for merchants", "merchant-portal", CAREFUL, 5),
    ):
        change = changes.create_change(
            manager,
            title=title,
            board=bank.board,
            service=bank.services[service],
            window_starts=now() + timedelta(days=days),
            window_ends=now() + timedelta(days=days, hours=2),
            implementation_plan="Expand, copy in batches, switch over, contract a week later.",
            test_plan="Rehearsed on a copy of production; counts and sums compared.",
            backout_plan="Switch back to the former table, which is kept in step for a week.",
            communication_plan="Support and the on-call teams are told a day ahead.",
        )
        changes.submit(manager, assessing.assess(manager, change, answers=answers))


def _of_the_backlog(bank: Any) -> None:
    """Risky enablers get a change of their own as soon as a technical lead has signed them."""
    model = change_models.create_model(
        bank.manager,
        name="Enabler in production",
        type=ChangeRequest.Type.NORMAL,
        description="Work on the platform that goes to production outside a release.",
        implementation_plan="As the runbook of the enabler says, in the window, with the team that wrote it on call.",
        test_plan="Rehearsed in staging with production's volume.",
        backout_plan="The former component stays in place for a week and takes over again.",
    )
    backlog.write_for(bank.manager, model, kinds=["enabler"], up_to_tier=2)
    feature = features.create_feature(
        bank.product,
        train=bank.payments,
        title="Move the settlement queue to the new cluster",
        kind="enabler",
        description="The old cluster leaves support in spring.",
    )
    features.refine_feature(
        bank.lead,
        feature,
        acceptance="No message is lost or doubled; the lag stays below one minute.",
        feasibility="Tried with a copy of a month's messages.",
        constraints="Both clusters carry the queue for a week.",
        points=8,
        tier=2,
    )
