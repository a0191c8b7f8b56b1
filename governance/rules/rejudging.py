"""Facts that an earlier evaluation recorded, judged by other parameters. Pure; None where the facts do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .verdicts import combine

_SEVERITIES = ("critical", "high", "medium", "low")


def findings(
    facts: Mapping[str, Any],
    *,
    denied_licences: list[str] | None = None,
    minimum_components: int = 0,
    **limits: int | None,
) -> str | None:
    """Counted findings of each build against other limits. Which licences were listed is not recorded."""
    verdicts = []
    for build in facts.values():
        if not isinstance(build, Mapping) or "findings" not in build:
            return None
        if build.get("problems") or build.get("components", minimum_components) < minimum_components:
            verdicts.append("fail")
            continue
        counted = build["findings"]
        strictest = min((most for most in limits.values() if most is not None), default=None)
        over = any(most is not None and counted.get(name, 0) > most for name, most in limits.items())
        unknown = strictest is not None and counted.get("unknown", 0) > strictest
        verdicts.append("fail" if over or unknown else "pass")
    if not verdicts:
        return None
    verdict = combine(verdicts)
    # Another policy of licences may deny what the recorded one allowed.
    return None if verdict == "pass" and denied_licences else verdict


def readiness(facts: Mapping[str, Any], *, minimum: float) -> str | None:
    """The recorded score against another minimum; mandatory questions stay as they were judged."""
    score = facts.get("score")
    if score is None:
        return "pending"
    return "fail" if score < minimum else None


def open_problems(facts: Mapping[str, Any], *, severity: int, known_errors: bool) -> str | None:
    """The recorded open problems; those that the recorded limit left out are not known."""
    counting = [p for p in facts["problems"] if p[2] <= severity and (known_errors or p[1] != "known_error")]
    return "fail" if counting else None
