"""Deciding a change by votes: quorum, majority, unanimity, roles that must agree, and when the outcome can no longer turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["open", "approved", "rejected", "tied"]


@dataclass(frozen=True)
class RoleVotes:
    """The seats that speak for a role: how many of them must approve, and how they stand."""

    role: str
    needed: int
    approvals: int = 0
    left: int = 0

    @property
    def met(self) -> bool:
        return self.approvals >= self.needed

    @property
    def possible(self) -> bool:
        return self.approvals + self.left >= self.needed


@dataclass(frozen=True)
class Tally:
    """Votes on one revision.

    quorum    the votes that must be cast at least, however many are recused
    share     the percentage of the eligible members that must take part, besides
    signed    whether whoever must sign besides the board has signed; None where nobody must
    """

    approvals: int
    rejections: int
    abstentions: int
    quorum: int
    eligible: int
    unanimous: bool = False
    share: int = 0
    roles: tuple[RoleVotes, ...] = ()
    signed: bool | None = None

    @property
    def cast(self) -> int:
        return self.approvals + self.rejections + self.abstentions

    @property
    def needed(self) -> int:
        """Votes that make a quorum: recusal lowers the share's part of it, and never the board's own number."""
        return max(self.quorum, -(-self.share * self.eligible // 100))

    @property
    def missing(self) -> int:
        """Votes still needed for the quorum."""
        return max(0, self.needed - self.cast)

    @property
    def left(self) -> int:
        """Members who may still vote."""
        return max(0, self.eligible - self.cast)

    @property
    def reachable(self) -> bool:
        """Whether enough people are left to decide at all; otherwise somebody else has to."""
        return self.cast + self.left >= self.needed and all(role.possible for role in self.roles)

    @property
    def outcome(self) -> Outcome:
        """Silence never approves: without quorum the change stays open, unless approval has become impossible."""
        if self.rejections and (self.unanimous or self.approvals + self.left <= self.rejections):
            even = not self.unanimous and not self.left and self.approvals == self.rejections
            return "tied" if even and self.cast >= self.needed else "rejected"
        if self.cast < self.needed:
            return "open"
        if self.approvals > self.rejections:
            agreed = all(role.met for role in self.roles) and self.signed is not False
            return "approved" if agreed else "open"
        return "open" if self.left else "rejected"
