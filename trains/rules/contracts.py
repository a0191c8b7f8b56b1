"""Can a version go into an environment? What consumers expect, what providers were proven to meet, what runs there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Side = Literal["consumer", "provider"]
OK, BROKEN, UNKNOWN, IDLE = "ok", "broken", "unknown", "idle"


@dataclass(frozen=True)
class Pair:
    """One contract seen from the service that is to be deployed: its own side, and who is on the other."""

    side: Side
    name: str
    consumer: str
    provider: str
    consumer_version: str | None
    provider_version: str | None


@dataclass(frozen=True)
class Reason:
    """What one contract says."""

    verdict: str
    sentence: str
    remedy: str = ""

    @property
    def blocks(self) -> bool:
        return self.verdict in (BROKEN, UNKNOWN)


def judge(
    pair: Pair,
    *,
    expected: bool,
    verified: Callable[[], bool | None],
) -> Reason:
    """Judge one contract. A version of None means that this side does not run in the environment.

    expected   whether the consumer's version has published what it expects
    verified   the latest result of the provider's version against it, or None; asked only if both sides are there
    """
    about = f"({pair.name})"
    if pair.consumer_version is None:
        return Reason(IDLE, f"{pair.consumer} does not run there, so nothing of it can break {about}.")
    consumer = f"{pair.consumer} {pair.consumer_version}"
    if not expected:
        return Reason(
            UNKNOWN,
            f"{consumer} has published no contract with {pair.provider} {about}.",
            f"Publish the contract of {consumer}, or retire the contract if it relies on {pair.provider} no longer.",
        )
    if pair.provider_version is None:
        return Reason(
            BROKEN,
            f"{consumer} relies on {pair.provider}, which does not run there {about}.",
            f"Deploy a version of {pair.provider} that meets the contract first.",
        )
    provider = f"{pair.provider} {pair.provider_version}"
    result = verified()
    if result is None:
        return Reason(
            UNKNOWN,
            f"{provider} was never verified against the contract of {consumer} {about}.",
            f"Run the contract's tests against {provider} and post the result.",
        )
    if not result:
        return Reason(
            BROKEN,
            f"{provider} does not meet the contract of {consumer} {about}.",
            f"Correct {pair.provider if pair.side == 'provider' else pair.consumer}, verify again and post the result.",
        )
    return Reason(OK, f"{provider} meets the contract of {consumer} {about}.")
