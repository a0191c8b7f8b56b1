"""Ground for state machines: one example's acts are undone before the next begins."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from releasetrain.kernel.refusals import Refused


class RolledBack(RuleBasedStateMachine):
    """A state machine over the database: everything that an example wrote is taken back at its end."""

    def __init__(self) -> None:
        super().__init__()
        self._savepoint = transaction.atomic()
        self._savepoint.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._savepoint.__exit__(None, None, None)
        transaction.set_rollback(False)

    def attempt(self, act: Any, *args: Any, **said: Any) -> bool:
        """Do it; whether the product let it happen."""
        try:
            with transaction.atomic():
                act(*args, **said)
        except Refused:
            return False
        return True


def run(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Let Hypothesis drive the machine."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            # A step costs a tenth of a second: an example is short enough to read, and too dear to make shorter.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
