"""Whether a change model has earned its pre-approval, and when it has lost it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .shares import wilson

# Of how many of its last runs a model's record is made.
WINDOW = 50


@dataclass(frozen=True)
class Standing:
    """The record of a model: its last runs, how many failed, and what that says.

    threshold    the failure rate above which pre-approval is lost
    proof        the failure rate that the upper end of the interval must be below to earn it
    least        from how many runs on the bare rate is believed
    """

    n: int
    failures: int
    threshold: float
    proof: float
    least: int = 10

    @property
    def rate(self) -> float:
        return self.failures / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.failures, self.n)

    @property
    def loses(self) -> bool:
        """Surely worse than allowed, by the lower end of the interval; or, with enough runs, worse as counted."""
        interval = self.interval
        if interval is None:
            return False
        return interval[0] > self.threshold or (self.n >= self.least and self.rate > self.threshold)

    @property
    def earns(self) -> bool:
        """Surely as good as asked for, by the upper end of the interval."""
        interval = self.interval
        return interval is not None and not self.loses and interval[1] <= self.proof

    @property
    def sentence(self) -> str:
        interval = self.interval
        if interval is None:
            return "It has not run yet."
        return (
            f"{self.failures} of its last {self.n} runs had issues or were backed out: {self.rate:.1%}"
            f" (95 % interval {interval[0]:.1%} to {interval[1]:.1%})."
        )

    def runs_missing(self) -> int:
        """How many further runs without a failure would earn pre-approval; 0 where it is earned."""
        n = self.n
        while n < self.n + 2_000:
            interval = wilson(self.failures, n)
            if interval is not None and interval[1] <= self.proof:
                return n - self.n
            n += 1
        return 2_000

    def figures(self) -> dict[str, float | int | None]:
        """The numbers that go with a proposal or a loss."""
        interval = self.interval
        return {
            "n": self.n,
            "failures": self.failures,
            "rate": round(self.rate, 4),
            "low": round(interval[0], 4) if interval else None,
            "high": round(interval[1], 4) if interval else None,
            "threshold": self.threshold,
            "proof": self.proof,
        }


def standing(failed: Sequence[bool], threshold: float, proof: float) -> Standing:
    """The record of the last runs, the newest last."""
    last = failed[-WINDOW:]
    return Standing(len(last), sum(last), threshold, proof)
