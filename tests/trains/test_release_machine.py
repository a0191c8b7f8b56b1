"""A release as a state machine: whatever is tried in whatever order, it stands only where its content allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest
from tests.testbed.machines import RolledBack, run
from tests.trains.emergency import CRITERION, way_in
from trains.actions import releases, scope
from trains.models import Classification, Deployment, Release
from trains.queries import release_content

# Where each state may lead, as a release manager would say it; written apart from the product's own table.
LEADS = {
    "planning": {"scoped", "cancelled"},
    "scoped": {"frozen", "cancelled"},
    "frozen": {"ready", "cancelled"},
    "ready": {"approved", "frozen", "cancelled"},
    "approved": {"deploying", "ready", "frozen", "cancelled"},
    "deploying": {"released", "rolled_back"},
    "released": {"closed", "rolled_back"},
    "rolled_back": {"closed"},
    "closed": set(),
    "cancelled": set(),
}
OPEN_SCOPE = ("planning", "scoped")
CHANGEABLE = (*OPEN_SCOPE, "frozen", "ready", "approved")
ROLES = ("release_manager", "service_account", "developer", "auditor")
role = st.sampled_from(ROLES[:1] * 5 + ROLES)


@pytest.mark.timeout(300)
def test_no_order_of_acts_brings_a_release_where_it_may_not_be(world: Any) -> None:
    cast = world.as_
    system = Actor.system(world.train.organization_id, "change")
    builds = [world.artifact(world.ledger, seed="a"), world.artifact(world.web, seed="b")]
    services = {builds[0].pk: world.ledger, builds[1].pk: world.web}

    class Releasing(RolledBack):
        """The product beside a model of it: the states seen, and the content that was approved."""

        @initialize(tier=st.integers(1, 4), planned=st.booleans(), steps=st.integers(0, 8))
        def begin(self, tier: int, planned: bool, steps: int) -> None:
            said = {"rollback_plan": "Redeploy.", "success_criteria": "No errors."} if planned else {}
            self.release = world.release(tier=tier, **said)
            self.seen = "planning"
            self.approved: str | None = None
            self.final: int | None = None
            self.number = 0
            for _ in range(steps):
                self.walk_on()
                self.it_stands_where_it_may()

        def row(self) -> Release:
            return Release.objects.select_related("train").get(pk=self.release.pk)

        # -- acts ------------------------------------------------------------------------------------------------------------------

        @rule(
            who=role,
            act=st.sampled_from(
                [
                    "scope_release",
                    "freeze_release",
                    "mark_ready",
                    "start_deploying",
                    "mark_released",
                    "close_release",
                ]
            ),
        )
        def step(self, who: str, act: str) -> None:
            done = self.attempt(getattr(releases, act), cast[who], self.row())
            assert not done or who == "release_manager"

        @rule()
        def walk_on(self) -> None:
            """The next step that is open: so that long walks are met as often as short ones."""
            manager, release = cast["release_manager"], self.row()
            before = release.state
            steps = {
                "planning": releases.scope_release,
                "scoped": releases.freeze_release,
                "frozen": releases.mark_ready,
                "deploying": releases.mark_released,
                "released": releases.close_release,
            }
            if before == "planning":
                self.add("release_manager", 3)
            if before == "frozen":
                self.attach(0)
                self.edit("Redeploy.", 3)
            if before in steps:
                self.attempt(steps[before], manager, release)
            elif before == "ready":
                self.approve(by_hand=False)
            elif before == "approved":
                self.deploy(build=0, status="succeeded")

        @rule(by_hand=st.booleans())
        def approve(self, by_hand: bool) -> None:
            actor = cast["release_manager"] if by_hand else system
            if self.attempt(releases.mark_approved, actor, self.row()):
                assert not by_hand, "approved by hand"
                self.approved = digest(release_content(self.row()))

        @rule(by_hand=st.booleans())
        def withdraw_approval(self, by_hand: bool) -> None:
            actor = cast["release_manager"] if by_hand else system
            assert not (self.attempt(releases.withdraw_approval, actor, self.row()) and by_hand)

        @rule(who=role, tier=st.integers(1, 4))
        def add(self, who: str, tier: int) -> None:
            self.number += 1
            before = self.row()
            if self.attempt(
                scope.add_item,
                cast[who],
                before,
                title=f"Item {self.number}",
                tier=tier,
                rollback_criterion=CRITERION,
            ):
                assert before.state in OPEN_SCOPE, "an ordinary item came in after the freeze"

        @rule(proven=st.booleans())
        def add_hotfix(self, proven: bool) -> None:
            self.number += 1
            before = self.row()
            way = way_in(cast, world.ledger) if proven else {"cause": "It is urgent."}
            if self.attempt(
                scope.add_item,
                cast["release_manager"],
                before,
                title=f"Hotfix {self.number}",
                classification=Classification.HOTFIX,
                tier=3,
                **way,
            ):
                assert before.state in (CHANGEABLE if proven else OPEN_SCOPE)

        @rule(cause=st.sampled_from(["", "Not finished."]))
        def remove(self, cause: str) -> None:
            before = self.row()
            item = before.items.filter(removed_at__isnull=True).first()
            if item and self.attempt(
                scope.remove_item, cast["release_manager"], before, item=item, cause=cause
            ):
                assert before.state in OPEN_SCOPE or (cause and before.state in CHANGEABLE)

        @rule(build=st.integers(0, 1))
        def attach(self, build: int) -> None:
            before = self.row()
            if self.attempt(
                scope.attach_artifact,
                cast["release_manager"],
                before,
                artifact=builds[build],
            ):
                assert before.state in CHANGEABLE

        @rule(plan=st.sampled_from(["Redeploy.", "Restore the backup.", ""]), tier=st.integers(1, 4))
        def edit(self, plan: str, tier: int) -> None:
            before = self.row()
            said = {"rollback_plan": plan, "success_criteria": plan, "tier": tier}
            if self.attempt(releases.edit_release, cast["release_manager"], before, **said):
                assert before.state in CHANGEABLE

        @rule(build=st.integers(0, 1), status=st.sampled_from(["succeeded", "succeeded", "failed"]))
        def deploy(self, build: int, status: str) -> None:
            self.number += 1
            artifact = builds[build]
            self.attempt(
                world.deploy,
                f"5.2.{self.number}",
                service=services[artifact.pk],
                release=self.row(),
                status=status,
                source="ci",
                external_id=f"run-{self.number}",
            )

        @rule(really=st.sampled_from([True] + [False] * 9))
        def cancel(self, really: bool) -> None:
            before = self.row()
            if really and self.attempt(
                releases.cancel_release, cast["release_manager"], before, reason="Given up."
            ):
                assert before.state in CHANGEABLE

        @rule()
        def roll_back(self) -> None:
            before = self.row()
            if self.attempt(releases.roll_back_release, cast["release_manager"], before, reason="Errors."):
                assert before.state in ("deploying", "released")

        # -- what always holds -----------------------------------------------------------------------------------------------------

        @invariant()
        def it_stands_where_it_may(self) -> None:
            if not hasattr(self, "seen"):
                return
            row = self.row()
            state = str(row.state)
            if state != self.seen:
                assert state in LEADS[self.seen], f"{self.seen} led to {state}"
                self.seen = state
            if state in ("closed", "cancelled"):
                self.final = self.final or row.row_version
                assert row.row_version == self.final, "what has ended was changed"
            if state not in ("planning", "cancelled"):
                self.content_is_enough(row, state)
            if state == "approved":
                assert digest(release_content(row)) == self.approved, "approved was another content"

        def content_is_enough(self, row: Release, state: str) -> None:
            if state not in OPEN_SCOPE:
                assert row.frozen_at is not None
            if state in ("ready", "approved"):
                assert row.artifacts.exists()
                assert row.tier > 2 or (row.rollback_plan.strip() and row.success_criteria.strip())
            if state == "released":
                in_production = set(
                    Deployment.objects.filter(
                        release=row, environment=world.production, state="succeeded"
                    ).values_list("service_id", flat=True)
                )
                assert {a.artifact.service_id for a in row.artifacts.all()} <= in_production
            late = row.items.filter(after_freeze=True, removed_at__isnull=True)
            assert not late.filter(cause="").exists()
            assert not late.filter(authority="").exists()

    run(Releasing, examples=10, steps=30)
