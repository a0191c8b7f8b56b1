"""Deciding a change by votes: quorum, majority or unanimity, and when the outcome can no longer turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["open", "approved", "rejected"]


@dataclass(frozen=True)
class Tally:
    """Votes on one revision."""

    approvals: int
    rejections: int
    abstentions: int
    quorum: int
    eligible: int
    unanimous: bool = False

    @property
    def cast(self) -> int:
        return self.approvals + self.rejections + self.abstentions

    @property
    def missing(self) -> int:
        """Votes still needed for the quorum."""
        return max(0, self.quorum - self.cast)

    @property
    def outcome(self) -> Outcome:
        """Silence never approves: without quorum the change stays open, unless approval has become impossible."""
        left = max(0, self.eligible - self.cast)
        if self.rejections and (self.unanimous or self.approvals + left <= self.rejections):
            return "rejected"
        if self.cast < self.quorum:
            return "open"
        if self.approvals > self.rejections:
            return "approved"
        return "open" if left else "rejected"
