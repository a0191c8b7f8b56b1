"""A problem as a state machine: it closes only after a proven cause, a fix in production, its observation, and by somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from problems.actions import problems, reopening, root_causes
from problems.models import Incident, Problem
from releasetrain.accounts.actions import grant, scope_for
from tests.problems.conftest import START, World
from tests.testbed.machines import RolledBack, run

DAY = timedelta(days=1)
PEOPLE = ("problem_manager", "compliance_officer", "release_manager", "rte")
MARK = "ledger-deadlock"
# Where each state may lead; written apart from the product's own table.
LEADS = {
    "investigating": {"known_error", "fix_in_release", "observing"},
    "known_error": {"fix_in_release", "observing", "investigating"},
    "fix_in_release": {"observing", "investigating", "known_error"},
    "observing": {"closed", "investigating", "known_error"},
    "closed": {"investigating", "known_error"},
}
person = st.sampled_from(PEOPLE)


@pytest.mark.timeout(300)
def test_no_order_of_acts_closes_a_problem_that_is_not_gone(world: World, cast: Any) -> None:
    for role in ("problem_manager", "compliance_officer", "release_manager"):
        for each in set(PEOPLE) - {role}:
            grant(cast.user(each), role, scope_for(cast.organization))
    # Everybody holds every role: what keeps duties apart is what each one did.
    cast.clear()
    ids = {each: cast.user(each).pk for each in PEOPLE}

    class Solving(RolledBack):
        """The product beside a model of it: who did what, when the fix went live, when it came back."""

        @initialize(steps=st.integers(0, 6))
        def begin(self, steps: int) -> None:
            world.clock.move_to(START)
            self.problem = world.problem(fingerprint=MARK)
            self.seen = "investigating"
            self.authors: dict[Any, str] = {}
            self.validated: set[Any] = set()
            self.live_since: Any = None
            self.hands: set[str] = set()
            self.releases: list[Any] = []
            self.number = 0
            for _ in range(steps):
                self.walk_on()
                self.it_stands_where_it_may()

        def row(self) -> Problem:
            return Problem.objects.get(pk=self.problem.pk)

        # -- acts ------------------------------------------------------------------------------------------------------------------

        @rule(who=person)
        def know_it(self, who: str) -> None:
            self.attempt(problems.mark_known_error, cast[who], self.row(), workaround="Restart it.")

        @rule(who=person, evidence=st.sampled_from([["https://logs.example/17"], []]))
        def propose(self, who: str, evidence: list[str]) -> None:
            known = set(self.problem.root_causes.values_list("pk", flat=True))
            said = {
                "statement": "Two jobs lock in a different order.",
                "method": "five_whys",
                "category": "code_defect",
                "evidence": evidence,
            }
            if self.attempt(root_causes.propose_root_cause, cast[who], self.row(), **said):
                (new,) = set(self.problem.root_causes.values_list("pk", flat=True)) - known
                self.authors[new] = who

        @rule(who=person)
        def validate(self, who: str) -> None:
            for cause in self.problem.root_causes.all():
                if self.attempt(root_causes.validate_root_cause, cast[who], cause):
                    assert self.authors[cause.pk] != who, "validated one's own cause"
                    assert cause.evidence, "validated without evidence"
                    self.validated.add(cause.pk)

        @rule(who=person)
        def edit_cause(self, who: str) -> None:
            self.number += 1
            cause = self.problem.root_causes.first()
            if cause and self.attempt(
                root_causes.edit_root_cause, cast[who], cause, statement=f"Another order, {self.number}."
            ):
                assert self.authors[cause.pk] == who
                self.validated.discard(cause.pk)

        @rule(who=person, resolver=person)
        def target(self, who: str, resolver: str) -> None:
            self.number += 1
            release = world.release(f"6.{self.number}.0", tier=3)
            if self.attempt(
                problems.link_fix, cast[who], self.row(), release=release, resolver=cast.user(resolver)
            ):
                self.releases.append(release)
                self.hands |= {resolver, "release_manager"}

        @rule(who=st.sampled_from(("rte", "problem_manager")))
        def deploy_fix(self, who: str) -> None:
            if not self.releases:
                return
            self.number += 1
            before = self.row().state
            version = f"6.{self.number}.1"
            world.follow(world.deploy(version, role=who, release=self.releases[-1]))
            self.hands.add(who)
            if (
                before in ("investigating", "known_error", "fix_in_release")
                and self.row().state == "observing"
            ):
                self.live_since = world.now

        @rule(days=st.sampled_from([1, 5, 15]))
        def wait(self, days: int) -> None:
            world.later(days * DAY)

        @rule()
        def it_happens_again(self) -> None:
            before = self.row().state
            world.incident(fingerprint=MARK)
            if before == "closed":
                assert self.row().state != "closed", "it came back and stayed closed"

        @rule(who=person)
        def reopen(self, who: str) -> None:
            self.attempt(reopening.reopen, cast[who], self.row(), reason="I saw it.")

        @rule(who=person)
        def close(self, who: str) -> None:
            before = self.row().state
            if not self.attempt(problems.close_problem, cast[who], self.row(), note="Gone."):
                return
            row = self.row()
            assert before == "observing"
            assert row.closed_by_id == ids[who]
            assert self.validated, "closed without a validated cause"
            assert who not in self.hands, f"{who} had a hand in the fix"
            assert world.now - self.live_since >= row.observation_days * DAY, "closed before its observation"
            since = Incident.objects.filter(fingerprint=MARK, detected_at__gt=self.live_since)
            assert since.count() < row.threshold, "closed though it came back"

        @rule(closer=person)
        def walk_on(self, closer: str = "compliance_officer") -> None:
            """What a careful team does next, so that closing is met as often as what prevents it."""
            row = self.row()
            if not self.validated:
                self.propose("problem_manager", ["https://logs.example/17"])
                self.validate("compliance_officer")
            elif row.state in ("investigating", "known_error"):
                self.target("problem_manager", "rte")
            elif row.state == "fix_in_release":
                self.deploy_fix("rte")
            elif row.state == "observing":
                self.wait(15)
                self.close(closer)

        # -- what always holds -----------------------------------------------------------------------------------------------------

        @invariant()
        def it_stands_where_it_may(self) -> None:
            if not hasattr(self, "seen"):
                return
            row = self.row()
            if row.state != self.seen:
                assert row.state in LEADS[self.seen], f"{self.seen} led to {row.state}"
                self.seen = row.state
            standing = set(self.problem.root_causes.filter(state="validated").values_list("pk", flat=True))
            assert standing == self.validated
            assert (row.closed_at is not None) == (row.state == "closed")
            assert self.problem.windows.filter(state="running").count() <= 1

    run(Solving, examples=10, steps=25)
