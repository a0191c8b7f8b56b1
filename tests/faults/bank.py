"""The work that faults are aimed at: gates to evaluate, changes to vote on, packages to build, deployments to record.

Each job knows what ought to come of it, tries again as a person, a pipeline or the sweeper would, and says in the end
what was lost, wrongly passed or done twice.
"""

from __future__ import annotations

import itertools
import time
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any

from tests.faults.dying import Act, Child
from tests.governance.gateway import Gateway, junit

PLANS = {"implementation_plan": "Deploy.", "test_plan": "Smoke test.", "backout_plan": "Redeploy 1.0.0."}
VOTERS = ("cab_member", "second_cab_member", "third_cab_member")


class Bank(Gateway):
    """Northwind with a gate, a board of three whose quorum is two, and builds whose tests pass or fail."""

    def __init__(self) -> None:
        from governance.actions import boards
        from releasetrain.tenancy.models import Organization
        from reviews.actions.rules import create_standard_rules
        from tests.fixtures import Cast

        super().__init__(Cast(Organization.objects.get(slug="northwind")))
        self.organization_id = self.cast.organization.pk
        self.numbers = itertools.count(1)
        with self.scope("change_manager") as chair:
            self.board = boards.create_board(chair, name="CAB", quorum=2)
            for role in VOTERS:
                boards.add_member(chair, self.board, email=self.cast.user(role).email)
        with self.scope("rte") as rte:
            create_standard_rules(rte, self.cast.organization)
        self.builds = {True: [], False: []}
        for passes in (True, False):
            for _ in range(4):
                version = f"1.{next(self.numbers)}.0"
                self.post(junit(3, 0 if passes else 1, name=version), version)
                self.builds[passes].append(self.artifact(version))
        for role in ("service_account", "release_manager", "auditor", *VOTERS):
            _ = self.cast[role]  # looked up before the first fault


class Job(ABC):
    """One piece of work; `acts` run in processes that may die, `mend` does what follows without faults."""

    kind = ""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    @abstractmethod
    def acts(self) -> list[Act]:
        """What processes do at the same time, each of which may die."""

    def ended(self, children: list[Child]) -> None:  # noqa: B027 - most jobs need not know
        """What the processes said when they ended."""

    @abstractmethod
    def mend(self) -> None:
        """Go on without faults, as a person, a pipeline or the sweeper would."""

    @abstractmethod
    def faults(self) -> list[tuple[str, str]]:
        """(lost | passed | doubled, what) for all that is not as it ought to be."""


def entries(verb: str, subject_id: Any) -> int:
    from releasetrain.audit.models import LedgerEntry

    return LedgerEntry.objects.filter(verb=verb, subject_id=str(subject_id)).count()


class Evaluating(Job):
    """Two workers take the same evaluation; the database says who may write, and what."""

    kind = "evaluation"

    def __init__(self, bank: Bank, passes: bool) -> None:
        from governance.actions.gates import evaluate_gate

        super().__init__(bank)
        self.expected = "pass" if passes else "fail"
        self.wrong = False
        builds = bank.builds[passes]
        with bank.scope("service_account") as pipeline:
            self.id = evaluate_gate(
                pipeline, gate=bank.gate, artifact=builds[next(bank.numbers) % len(builds)]
            ).pk

    def acts(self) -> list[Act]:
        from governance.evaluating import work_off

        def work() -> None:
            work_off(self.bank.organization_id, self.id)

        return [work, work]

    def ended(self, children: list[Child]) -> None:
        """In no moment does anything but the expected verdict stand there."""
        row = self.row()
        self.wrong = row is not None and row.verdict not in (None, self.expected)

    def row(self) -> Any:
        from governance.models import Evaluation

        with self.bank.scope("auditor"):
            return Evaluation.objects.filter(pk=self.id).first()

    def mend(self) -> None:
        """The lease of a dead worker runs out, and the sweeper's work is taken by another; at most as often as allowed."""
        from governance import evaluating
        from governance.models import Evaluation
        from releasetrain.kernel.actor import Actor
        from releasetrain.kernel.clock import now

        for _ in range(3):
            with self.bank.scope("auditor"):
                Evaluation.objects.filter(pk=self.id, state="running").update(
                    claimed_until=now() - timedelta(seconds=1)
                )
            evaluating.work_off(self.bank.organization_id, self.id)
            with self.bank.scope("auditor"):
                evaluating.give_up(Actor.system(self.bank.organization_id, "evaluation sweeper"), self.id)
            if self.rests():
                return

    def rests(self) -> bool:
        """Whether nobody is at it any more: a worker that lives may have been the other that took it."""
        until = time.monotonic() + 10
        while (row := self.row()) is not None and row.state == "running":
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def faults(self) -> list[tuple[str, str]]:
        row = self.row()
        if row is None:
            return [("lost", f"evaluation {self.id} is gone")]
        found = [("passed", f"{row.key} said {row.verdict} in between")] if self.wrong else []
        # A worker may vanish three times; then the verdict is error, which lets nothing through.
        settled = ("done", self.expected), ("dead", "error")
        if (row.state, row.verdict) not in settled:
            kind = "passed" if row.verdict == "pass" else "lost"
            found.append((kind, f"{row.key} is {row.state}/{row.verdict}, not {self.expected}"))
        with self.bank.scope("auditor"):
            written = entries("evaluation.settle", self.id)
        if written != 1:
            found.append(
                ("doubled" if written > 1 else "lost", f"{row.key} has {written} entries of its verdict")
            )
        return found


class Voting(Job):
    """Two members approve at once; a third could. Each tries again until told that the vote is cast."""

    kind = "vote"

    def __init__(self, bank: Bank) -> None:
        from governance.actions import changes
        from releasetrain.kernel.clock import now

        super().__init__(bank)
        self.acknowledged: set[str] = set()
        self.early = False
        with bank.scope("release_manager") as author:
            change = changes.create_change(
                author,
                title=f"Raise limit {next(bank.numbers)}",
                board=bank.board,
                service=bank.service,
                window_starts=now() + timedelta(hours=1),
                window_ends=now() + timedelta(hours=2),
                **PLANS,
            )
            self.id = changes.submit(author, change).pk

    def _vote(self, role: str) -> None:
        from governance.actions import changes
        from governance.models import ChangeRequest, Vote

        with self.bank.scope(role) as member:
            change = ChangeRequest.objects.get(pk=self.id)
            changes.vote(member, change, choice=Vote.Choice.APPROVE, rationale="Tests are green.")

    def acts(self) -> list[Act]:
        return [lambda role=role: self._vote(role) for role in VOTERS[:2]]  # type: ignore[misc]

    def ended(self, children: list[Child]) -> None:
        for role, child in zip(VOTERS, children, strict=False):
            if child.acknowledged:
                self.acknowledged.add(role)

    def mend(self) -> None:
        from governance.models import ChangeRequest
        from releasetrain.kernel.refusals import Refused

        with self.bank.scope("auditor"):
            present = ChangeRequest.objects.get(pk=self.id)
            self.early = present.state == "approved" and present.votes.count() < 2
        for role in VOTERS[:2]:
            try:
                self._vote(role)
            except Refused as refused:
                if refused.code not in ("vote.cast", "state.illegal"):
                    raise

    def faults(self) -> list[tuple[str, str]]:
        from governance.models import ChangeRequest

        with self.bank.scope("auditor"):
            change = ChangeRequest.objects.get(pk=self.id)
            votes = list(change.votes.values_list("voter__email", "revision"))
            counts = {
                "votes": (len(votes), 2),
                "entries of votes": (entries("change.vote", self.id), 2),
                "entries of the approval": (entries("change.approved", self.id), 1),
            }
            found = []
            if self.early or (change.state == "approved" and len(votes) < 2):
                found.append(("passed", f"{change.key} was approved below its quorum"))
            if change.state != "approved":
                found.append(("lost", f"{change.key} is {change.state} with {len(votes)} votes"))
            for role in self.acknowledged:
                if (self.bank.cast.user(role).email, 1) not in votes:
                    found.append(("lost", f"{role}'s acknowledged vote on {change.key}"))
        for what, (counted, expected) in counts.items():
            if counted != expected:
                found.append(("doubled" if counted > expected else "lost", f"{change.key}: {counted} {what}"))
        return found


class Packaging(Job):
    """An evidence package of an approved change is built."""

    kind = "package"

    def __init__(self, bank: Bank, change_id: Any) -> None:
        from governance.actions.evidence import request_package
        from governance.models import ChangeRequest

        super().__init__(bank)
        with bank.scope("release_manager") as manager:
            change = ChangeRequest.objects.get(pk=change_id)
            self.id = request_package(manager, change=change).pk

    def acts(self) -> list[Act]:
        from governance.evidence.work import work_off

        return [lambda: work_off(self.bank.organization_id, self.id), self._overtake]

    def _overtake(self) -> None:
        """Another worker takes the first for dead, whether it is or only slow."""
        time.sleep(0.2)
        self.mend()

    def mend(self) -> None:
        from governance.evidence import work
        from governance.models import EvidencePackage
        from releasetrain.kernel.clock import now

        with self.bank.scope("auditor"):
            EvidencePackage.objects.filter(pk=self.id, state="running").update(
                claimed_until=now() - timedelta(seconds=1)
            )
        work.work_off(self.bank.organization_id, self.id)

    def faults(self) -> list[tuple[str, str]]:
        from governance.evidence.checking import check
        from governance.models import EvidencePackage

        with self.bank.scope("auditor"):
            row = EvidencePackage.objects.select_related("file").filter(pk=self.id).first()
            if row is None:
                return [("lost", f"package {self.id} is gone")]
            found = []
            finished = entries("evidence_package.finish", self.id)
            if row.state != "done":
                found.append(("lost", f"{row.key} is {row.state}: {row.error}"))
            elif not (verified := check(row)).intact:
                found.append(("passed", f"{row.key} does not verify: {verified.sentence}"))
            if finished != (row.state == "done"):
                found.append(("doubled" if finished else "lost", f"{row.key} was finished {finished} times"))
        return found


class Deploying(Job):
    """A pipeline reports a deployment that failed, twice at once; the outbox opens its review."""

    kind = "deployment"

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.name = f"run-{next(bank.numbers)}"

    def _record(self) -> None:
        from trains.actions.deployments import record_deployment

        with self.bank.scope("service_account") as pipeline:
            record_deployment(
                pipeline,
                service=self.bank.service,
                environment=self.bank.production,
                version=self.name,
                status="failed",
                source="ci",
                external_id=self.name,
            )

    def _consume(self) -> None:
        from releasetrain.audit.tasks import consume

        consume(str(self.bank.organization_id))

    def acts(self) -> list[Act]:
        return [self._record, self._record, self._consume]

    def mend(self) -> None:
        from reviews.models import Review

        self._record()
        for _ in range(100):
            # What other transactions have open may come before this entry: the outbox waits for them.
            self._consume()
            with self.bank.scope("auditor"):
                if Review.objects.filter(deployment__external_id=self.name).exists():
                    return
            time.sleep(0.05)

    def faults(self) -> list[tuple[str, str]]:
        from governance.models import ChangeDeployment
        from reviews.models import Review
        from trains.models import Deployment

        with self.bank.scope("auditor"):
            rows = list(Deployment.objects.filter(source="ci", external_id=self.name))
            found = []
            if len(rows) != 1:
                return [("doubled" if rows else "lost", f"{len(rows)} deployments {self.name}")]
            counts = {
                "authorisations": ChangeDeployment.objects.filter(deployment=rows[0]).count(),
                "reviews": Review.objects.filter(deployment=rows[0]).count(),
            }
        for what, counted in counts.items():
            if counted != 1:
                found.append(("doubled" if counted else "lost", f"{self.name} has {counted} {what}"))
        return found
