"""Duties in the demo: a stricter matrix, somebody who tried, a second person, who may order rollbacks."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from governance.actions import duties, rollbacks
from governance.actions.changes import vote
from governance.models import ChangeRequest, DeploymentValidation, DutyAct, DutyLevel, Vote
from governance.queries.duties import standing_against
from releasetrain.accounts.catalogue import Role
from releasetrain.audit.doorway import Refused
from releasetrain.kernel.clock import now
from trains.actions.commits import CommitRow, record_many
from trains.models import Deployment

CONTINUITY = (
    "Traffic to the standby region; the operations centre informs the regulator. Continuity plan BCP-4."
)


def build_duties(bank: Any) -> None:
    """What an auditor would ask about who did what."""
    officer = bank.cast.one(Role.COMPLIANCE_OFFICER)
    duties.change_matrix(
        officer, first=DutyAct.AUTHORED, second=DutyAct.VALIDATED, high=DutyLevel.SECOND_PERSON,
        medium=DutyLevel.ALLOWED, low=DutyLevel.ALLOWED, reason="Finding 7 of the internal audit of September.",
    )  # fmt: skip
    _authors(bank)
    _validated(bank)
    change = ChangeRequest.objects.filter(
        state=ChangeRequest.State.AWAITING_APPROVAL, release__isnull=False
    ).first()
    if change is not None:
        chair = bank.cast.one(Role.CHANGE_MANAGER)
        with contextlib.suppress(Refused):
            vote(
                chair, change, choice=Vote.Choice.APPROVE, rationale="Mine as well, but sound.",
                on_behalf_of=bank.cast.user(Role.RELEASE_MANAGER).email,
            )  # fmt: skip
        with contextlib.suppress(Refused):
            vote(bank.manager, change, choice=Vote.Choice.APPROVE, rationale="I know it best.")
        if standing_against(change, bank.manager.user_id, DutyAct.VALIDATED):
            duties.request_exception(
                bank.manager, change=change, act=DutyAct.VALIDATED, hours=4,
                reason="Everybody else of the release team is on leave on the evening of the deployment.",
            )  # fmt: skip
    _rollbacks(bank, officer)


def _authors(bank: Any) -> None:
    """The commits of the finished release, with who wrote them."""
    writer = bank.cast.user(Role.TECHNICAL_LEAD)
    for run in Deployment.objects.filter(release=bank.done, environment=bank.environments["staging"]):
        row = CommitRow(
            run.service.name, f"{run.pk.hex[-12:]}", now() - timedelta(days=4), author_name=str(writer),
            author_email=writer.email, title=f"Release of {run.version}",
        )  # fmt: skip
        record_many(bank.rte, [row], deployment=run)


def _validated(bank: Any) -> None:
    run = Deployment.objects.filter(release=bank.done, environment=bank.environments["production"]).first()
    if run is not None:
        duties.validate_deployment(
            bank.cast.one(Role.PROBLEM_MANAGER), run, outcome=DeploymentValidation.Outcome.WORKS,
            what="Fifty payments followed through the ledger; totals agree with the clearing file.",
        )  # fmt: skip


def _rollbacks(bank: Any, officer: Any) -> None:
    for tier, roles, minutes, thresholds in (
        (1, [Role.RELEASE_MANAGER], 15, "error rate > 2 % for 5 min\np99 latency > 1500 ms for 10 min"),
        (2, [Role.RELEASE_MANAGER], 30, "error rate > 5 % for 10 min"),
        (3, [Role.RELEASE_MANAGER, Role.RTE], 120, ""),
    ):
        rollbacks.create_rule(
            officer, tier=tier, roles=roles, restore_minutes=minutes, fallback=CONTINUITY,
            fallback_roles=[Role.OWNER] if tier < 3 else [], thresholds=thresholds,
            controls="EU DORA Art. 11(6)\nEU DORA Art. 12(1)\nBCP-4",
        )  # fmt: skip
