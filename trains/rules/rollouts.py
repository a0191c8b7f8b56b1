"""What a rollout does next. Pure: the facts go in, one act comes out.

Nothing is done while a command awaits its confirmation. Only a pass, after the whole bake time and with nothing in the
way, leads on; everything that is not known holds. A failed analysis goes back where that was authorised, else it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from .canary import Verdict
from .staged_paths import Step


class Act(StrEnum):
    """What is done now."""

    WAIT = "wait"
    HOLD = "hold"
    GO_ON = "go_on"
    ADVANCE = "advance"
    COMPLETE = "complete"
    ROLL_BACK = "roll_back"


RUNNING, HELD = "running", "held"
PERSON, BLOCKER, ANALYSIS, DATA, COMMAND = "person", "blocker", "analysis", "data", "command"


@dataclass(frozen=True)
class Standing:
    """How a rollout stands.

    step          number of the step, from 1; its weight is confirmed since `began_at`
    awaiting      a command has no answer yet; `overdue`: for longer than agreed
    verdict       of the analysis of this step so far, None: none was made
    critical      the failure is one of a critical metric: it does not wait for the end of the bake time
    blockers      problems and freezes that stand in the way, in words
    broken        the deployment itself failed or was undone, in words
    """

    state: str
    steps: Sequence[Step]
    step: int
    began_at: datetime | None
    now: datetime
    awaiting: bool = False
    overdue: bool = False
    verdict: Verdict | None = None
    reason: str = ""
    critical: bool = False
    blockers: Sequence[str] = field(default_factory=tuple)
    broken: str = ""
    held_by: str = ""
    auto_advance: bool = True
    auto_roll_back: bool = False

    @property
    def current(self) -> Step:
        return self.steps[self.step - 1]

    @property
    def bakes_until(self) -> datetime | None:
        """When the bake time of this step is over."""
        return self.began_at + timedelta(minutes=self.current.bake_minutes) if self.began_at else None

    @property
    def baked(self) -> bool:
        until = self.bakes_until
        return until is not None and self.now >= until


@dataclass(frozen=True)
class Decision:
    """The act, who or what holds where it holds, and why in a sentence."""

    act: Act
    why: str
    held_by: str = ""


_WAITS = Decision(Act.WAIT, "It is held.")


def decide(s: Standing) -> Decision:
    """The one next act."""
    if s.state not in (RUNNING, HELD) or not 1 <= s.step <= len(s.steps):
        return Decision(Act.WAIT, "It is not under way.")
    if s.state == HELD and s.held_by == COMMAND and s.began_at is None and not s.awaiting:
        return Decision(Act.WAIT, "The platform refused the last command; a person leads on.")
    if s.broken:
        return _back(s, s.broken)
    if s.awaiting:
        if s.overdue and s.state == RUNNING:
            return Decision(Act.HOLD, "The platform has not confirmed the last command in time.", COMMAND)
        return Decision(Act.WAIT, "The platform has to confirm the last command.")
    failing = s.verdict is Verdict.FAIL and (s.critical or s.baked)
    if failing and s.current.judged:
        return _back(s, s.reason or "The analysis failed.")
    if s.state == HELD:
        return _held(s)
    if s.blockers:
        return Decision(Act.HOLD, " ".join(s.blockers), BLOCKER)
    return _onward(s)


def _back(s: Standing, why: str) -> Decision:
    if s.auto_roll_back:
        return Decision(Act.ROLL_BACK, why)
    if s.state == HELD and s.held_by == ANALYSIS:
        return Decision(Act.WAIT, why)
    return Decision(Act.HOLD, f"{why} Nobody authorised it to go back by itself.", ANALYSIS)


def _held(s: Standing) -> Decision:
    """What ends a hold by itself: its cause being gone. A person's hold, and the platform's, end by a person."""
    if s.held_by == BLOCKER and not s.blockers:
        return Decision(Act.GO_ON, "What stood in the way is settled.")
    if s.held_by == COMMAND:
        return Decision(Act.GO_ON, "The platform confirmed the command.") if s.began_at else _WAITS
    if s.held_by == DATA and not s.blockers and s.verdict not in (None, Verdict.INDETERMINATE):
        return Decision(Act.GO_ON, "There is enough data now.")
    return _WAITS


def _onward(s: Standing) -> Decision:
    if s.began_at is None:
        return Decision(Act.HOLD, "It is not known since when this weight is in force.", COMMAND)
    if not s.baked:
        return Decision(Act.WAIT, "The bake time of this step is not over.")
    if s.current.judged:
        if s.verdict is None or s.verdict is Verdict.INDETERMINATE:
            return Decision(Act.HOLD, s.reason or "Nothing was measured.", DATA)
        if s.verdict is not Verdict.PASS:
            return Decision(Act.HOLD, s.reason or "The analysis is marginal.", ANALYSIS)
    if s.step == len(s.steps):
        return Decision(Act.COMPLETE, s.reason or "The last step is over.")
    if not s.auto_advance:
        return Decision(Act.HOLD, "The step has passed; a person leads on.", PERSON)
    return Decision(Act.ADVANCE, s.reason or "The step is over.")
