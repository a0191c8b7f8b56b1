"""Rounds of faults against one installation: `python -m tests.faults.rounds --seed 5 --rounds 200`.

In each round work is under way when something is killed: the process at work, a child of a real worker, the whole worker,
the broker or the database. Then it goes on as an installation does by itself, and everything is counted. The last line
printed is the counts as JSON. The same seed chooses the same rounds and the same places to die; what runs at the same
time is left to the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.servers import Installation

if TYPE_CHECKING:
    from tests.faults.bank import Bank, Job

# How many of 200 rounds are of which kind.
SHARES = {"process": 116, "worker child": 24, "worker": 4, "broker": 36, "database": 20}
JOBS = {"evaluation": 10, "vote": 8, "deployment": 4, "package": 2}


class Rounds:
    """Faults by a seeded choice, and what came of them."""

    def __init__(self, installation: Installation, seed: int) -> None:
        from tests.faults.bank import Bank

        self.installation = installation
        self.chance = random.Random(seed)
        self.bank: Bank = Bank()
        self.counts: Counter[str] = Counter()
        self.found: list[str] = []
        self.approved: list[Any] = []
        self.steps: dict[str, list[int]] = {}

    # -- work ------------------------------------------------------------------------------------------------------------------

    def job(self, kind: str) -> Job:
        from tests.faults import bank

        self.counts[f"{kind}s"] += 1
        if kind == "evaluation":
            return bank.Evaluating(self.bank, passes=self.chance.random() < 0.5)
        if kind == "vote":
            return bank.Voting(self.bank)
        if kind == "package":
            return bank.Packaging(self.bank, self.chance.choice(self.approved))
        return bank.Deploying(self.bank)

    def any_kind(self) -> str:
        return self.chance.choices(list(JOBS), weights=list(JOBS.values()))[0]

    def rehearse(self) -> None:
        """Each kind of work once without faults: how many steps it takes, and that it does what is counted later."""
        from tests.faults import dying

        for kind in ("evaluation", "vote", "deployment", "package"):
            job = self.job(kind)
            for act in job.acts():
                with dying.steps(None) as taken:
                    act()
                self.steps.setdefault(kind, []).append(taken[0])
            self.finish(job)
        # Either of the two workers may be the one that gets the evaluation.
        self.steps["evaluation"] = [max(self.steps["evaluation"])] * 2

    def finish(self, job: Job) -> None:
        """Let it go on without faults, and count what is wrong then."""
        job.mend()
        for kind, what in job.faults():
            self.counts[kind] += 1
            self.found.append(f"{kind}: {what}")
        if job.kind == "vote":
            self.approved.append(job.id)  # type: ignore[attr-defined]

    # -- faults ----------------------------------------------------------------------------------------------------------------

    def process(self) -> None:
        """The process at work is killed at one of its steps; others at the same work go on, or die too."""
        from tests.faults import dying

        job = self.job(self.any_kind())
        disconnect()
        children = []
        for number, act in enumerate(job.acts()):
            dies = number == 0 or self.chance.random() < 0.3
            at = self.chance.randint(1, self.steps[job.kind][number]) if dies else None
            children.append(dying.start(act, dies_at=at))
        self.counts["killed in the middle"] += sum(child.killed for child in children)
        job.ended(children)
        self.finish(job)

    def _with_worker(self, fault: Any, votes: bool = False) -> None:
        """Evaluations are with the real worker, and perhaps members vote, when the fault comes."""
        from tests.faults import dying

        jobs = [self.job("evaluation") for _ in range(2)]
        ballot = self.job("vote") if votes else None
        disconnect()
        children = [dying.start(act) for act in ballot.acts()] if ballot else []
        time.sleep(self.chance.random() * 0.06)
        fault()
        if ballot:
            _ = [child.await_end() for child in children]
            ballot.ended(children)
            self.finish(ballot)
        for job in jobs:
            job.ended([])
            self.counts["interrupted"] += job.row().state != "done"  # type: ignore[attr-defined]
            self.finish(job)

    def worker_child(self) -> None:
        which = self.chance.randint(0, 1)
        self._with_worker(lambda: self.installation.kill_hand(which))

    def worker(self) -> None:
        def fault() -> None:
            self.installation.kill_worker()
            self.installation.start_worker()

        self._with_worker(fault)

    def broker(self) -> None:
        def fault() -> None:
            self.installation.break_broker()
            time.sleep(self.chance.random() * 0.03)
            self.installation.mend_broker()

        self._with_worker(fault, votes=self.chance.random() < 0.3)

    def database(self) -> None:
        """The database dies under an evaluation, two votes, a report and now and then a package."""
        from tests.faults import dying

        kinds = ["evaluation", "vote", "deployment"] + ["package"] * (self.chance.random() < 0.25)
        jobs = [self.job(kind) for kind in kinds]
        disconnect()
        children = [(job, [dying.start(act) for act in job.acts()]) for job in jobs]
        time.sleep(self.chance.random() * 0.12)
        self.installation.break_database(outright=self.chance.random() < 0.5)
        self.installation.mend_database()
        for job, at_work in children:
            ends = [child.await_end() for child in at_work]
            self.counts["interrupted"] += dying.FAILED in ends
            job.ended(at_work)
            self.finish(job)

    # -- the whole -------------------------------------------------------------------------------------------------------------

    def run(self, rounds: int) -> None:
        plan = [kind for kind, share in SHARES.items() for _ in range(max(1, round(share * rounds / 200)))]
        self.chance.shuffle(plan)
        for kind in plan[:rounds]:
            try:
                getattr(self, kind.replace(" ", "_"))()
            except Exception as error:
                raise RuntimeError(f"round {self.counts['rounds'] + 1}, {kind}") from error
            self.counts["rounds"] += 1
            self.counts[f"{kind} rounds"] += 1
            self.counts["workers ended"] += self.installation.keep_worker()
        self.still_alive()
        self.ledger_holds()

    def still_alive(self) -> None:
        """After all that, the worker settles new work by itself."""
        from tests.faults import bank

        # Its connection to the database may be one of the dead server's: the first task may be lost to that.
        deadline = time.monotonic() + 180
        while True:
            self.counts["workers ended"] += self.installation.keep_worker()
            job = bank.Evaluating(self.bank, passes=True)
            pause = time.monotonic() + 3
            while time.monotonic() < pause:
                if job.row().state == "done":
                    self.finish(job)
                    return
                time.sleep(0.1)
            self.finish(job)
            if time.monotonic() > deadline:
                self.counts["lost"] += 1
                self.found.append(f"lost: the worker did not come back\n{self.installation.log()}")
                return

    def ledger_holds(self) -> None:
        """Sealed whole, the ledger verifies, and nothing that happens once is in it twice."""
        from releasetrain.audit.sealing import seal
        from releasetrain.audit.tasks import consume
        from releasetrain.audit.verification import verify_ledger

        organization = self.bank.organization_id
        consume(str(organization))
        with self.bank.scope("auditor"):
            while seal(organization):
                pass
            report = verify_ledger(organization)
        self.counts["ledger entries"] = report.entries
        for fault in report.faults[:5]:
            self.counts["lost"] += 1
            self.found.append(f"lost: ledger: {fault}")
        with self.installation.superuser() as superuser, superuser.cursor() as cursor:
            cursor.execute(TWICE)
            for verb, subject, times in cursor.fetchall():
                self.counts["doubled"] += 1
                self.found.append(f"doubled: {verb} of {subject} {times} times")
            cursor.execute(BELOW_QUORUM)
            for key, votes in cursor.fetchall():
                self.counts["passed"] += 1
                self.found.append(f"passed: {key} stands approved with {votes} votes")


TWICE = """
    SELECT verb, subject_label, count(*) FROM audit_ledgerentry
    WHERE verb IN ('evaluation.settle', 'change.approved', 'evidence_package.finish', 'change.submit', 'change.create')
    GROUP BY verb, subject_label, subject_id HAVING count(*) > 1
"""
BELOW_QUORUM = """
    SELECT c.key, count(v.id) FROM governance_changerequest c
    LEFT JOIN governance_vote v ON v.change_id = c.id AND v.revision = c.approved_revision AND v.choice LIKE 'approve%'
    WHERE c.state = 'approved' GROUP BY c.id, c.key HAVING count(DISTINCT v.voter_id) < 2
"""


def disconnect() -> None:
    """Hold no connection: a forked process must not share ours."""
    from django.db import connections

    connections.close_all()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    options.add_argument("--rounds", type=int, default=200)
    given = options.parse_args()
    print(f"seed {given.seed}", file=sys.stderr, flush=True)
    folder = Path(tempfile.mkdtemp(prefix="releasetrain-faults-"))
    installation = Installation(folder)
    begun = time.monotonic()
    try:
        import django

        django.setup()
        installation.start_worker()
        rounds = Rounds(installation, given.seed)
        rounds.rehearse()
        rounds.run(given.rounds)
    except BaseException:
        print(installation.log(), file=sys.stderr)
        raise
    finally:
        installation.stop()
        shutil.rmtree(folder, ignore_errors=True)
    totals = {name: rounds.counts[name] for name in ("lost", "passed", "doubled")}
    seconds = round(time.monotonic() - begun, 1)
    for line in rounds.found:
        print(line, file=sys.stderr)
    print(json.dumps({**rounds.counts, **totals, "seed": given.seed, "seconds": seconds}))


if __name__ == "__main__":
    main()
