"""A gate as a state machine: whatever is posted, published, waited or broken, it never says pass without standing evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from governance.checks import registry
from governance.queries import verdicts
from releasetrain.kernel.clock import now
from tests.governance.gateway import TESTS, Gateway, junit
from tests.testbed.machines import RolledBack, run


def _crash(*_: Any, **__: Any) -> Any:
    raise RuntimeError("boom")


HOUR = timedelta(hours=1)
LIMIT = timedelta(hours=TESTS["max_age_hours"])
# After the moment in which the cast was given its roles.
START = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_no_order_of_events_makes_a_gate_say_pass_without_standing_evidence(
    cast: Any, monkeypatch: Any
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        ground = Gateway(cast)
        kind = registry.kinds()["test-results"]
        broken = replace(kind, body=_crash)

        class Asking(RolledBack):
            """The product beside a model of it: the last report, when it came, and what is demanded."""

            @initialize()
            def begin(self) -> None:
                clock.move_to(START)
                self.repair()
                self.demanded = 2
                self.report: tuple[int, int, datetime] | None = None
                self.asked: list[Any] = []
                self.number = 0

            @rule(passed=st.integers(0, 6), failed=st.sampled_from([0, 0, 0, 1]))
            def post(self, passed: int, failed: int) -> None:
                self.number += 1
                ground.post(junit(passed, failed, name="suite") + b"\n" * self.number)
                self.report = (passed, failed, now())

            @rule()
            def supply(self) -> None:
                """What is demanded, and the question: so that there is often a pass that may be lost."""
                self.post(self.demanded, 0)
                self.ask()

            @rule(least=st.integers(1, 5))
            def publish(self, least: int) -> None:
                if least == self.demanded:
                    return
                ground.publish({**TESTS, "parameters": {"minimum_tests": least}})
                self.demanded = least

            @rule(hours=st.sampled_from([1, 12, 23, 24, 30]))
            def wait(self, hours: int) -> None:
                clock.shift(hours * HOUR)

            @rule()
            def break_the_check(self) -> None:
                monkeypatch.setitem(registry._kinds, kind.kind, broken)
                self.crashing = True

            @rule()
            def repair(self) -> None:
                monkeypatch.setitem(registry._kinds, kind.kind, kind)
                self.crashing = False

            @rule()
            def ask(self) -> None:
                self.asked.append(ground.evaluate())

            def deserved(self) -> bool:
                if self.report is None:
                    return False
                passed, failed, at = self.report
                return failed == 0 and passed >= self.demanded and now() - at < LIMIT

            @invariant()
            def only_standing_evidence_passes(self) -> None:
                if not getattr(self, "asked", None):
                    return
                with ground.scope("auditor"):
                    said = [verdicts.standing_verdict(each) for each in self.asked]
                if "pass" in said:
                    assert self.deserved(), (self.report, self.demanded, said)

            @rule()
            def ask_and_be_told(self) -> None:
                """The other side: what is deserved is given, or the gate would be safe by saying no to everything."""
                done = ground.evaluate()
                self.asked.append(done)
                deserved = self.deserved() and not self.crashing
                assert (done.verdict == "pass") == deserved, (done.verdict, self.report, self.demanded)

        run(Asking, examples=10, steps=18)
