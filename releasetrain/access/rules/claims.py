"""What a token says against what a trust rule demands. Pure: the same answer for a real token and for a trial."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_CONDITIONS = 30
_LINE = re.compile(r"([a-z][a-z0-9_]{0,59})\s*=\s*(\S(?:.{0,298}\S)?)")

# Without one of these a rule would trust every pipeline that the issuer serves.
PINS: dict[str, tuple[str, ...]] = {
    "github": ("repository", "repository_id", "job_workflow_ref", "sub"),
    "gitlab": ("project_path", "project_id", "ci_config_ref_uri", "sub"),
    "other": ("sub",),
}
# Wider than one repository, still somebody's own.
OWNERS: dict[str, tuple[str, ...]] = {
    "github": ("repository_owner", "repository_owner_id"),
    "gitlab": ("namespace_path", "namespace_id"),
    "other": (),
}
ISSUERS = {"github": "https://token.actions.githubusercontent.com", "gitlab": "https://gitlab.com"}

_REQUEST_EVENTS = {
    "pull_request",
    "pull_request_target",
    "pull_request_review",
    "pull_request_review_comment",
    "merge_request_event",
    "external_pull_request_event",
}
_REQUEST_REFS = ("refs/pull/", "refs/merge-requests/")


class BadCondition(ValueError):
    """A line that is no condition, or one that demands nothing."""


@dataclass(frozen=True)
class Condition:
    """One line: the claim and a pattern, in which * stands for any characters but /."""

    claim: str
    pattern: str

    def __str__(self) -> str:
        return f"{self.claim}={self.pattern}"

    def holds(self, value: str) -> bool:
        parts = [re.escape(part) for part in self.pattern.split("*")]
        return re.fullmatch("[^/]*".join(parts), value) is not None


@dataclass(frozen=True)
class Demand:
    """What a trust rule demands."""

    issuer: str
    audience: str
    conditions: tuple[Condition, ...]
    pull_requests: bool = False


def condition_of(line: str) -> Condition:
    """The condition that a line states."""
    match = _LINE.fullmatch(line.strip())
    if not match:
        raise BadCondition(f"“{line.strip()[:80]}” is not of the form claim=pattern.")
    condition = Condition(match[1], match[2])
    if condition.claim in ("iss", "aud", "exp", "nbf", "iat", "jti"):
        raise BadCondition(f"{condition.claim} is checked anyway; name a claim about the pipeline.")
    if not condition.pattern.replace("*", "").replace("/", "").strip():
        raise BadCondition(f"{condition.claim}={condition.pattern} demands nothing: name a value.")
    return condition


def conditions_of(lines: Iterable[str], system: str) -> list[Condition]:
    """The conditions of a rule, in order and once each; they must pin a repository or project."""
    found = sorted({str(c): c for c in map(condition_of, filter(str.strip, lines))}.items())
    conditions = [c for _, c in found]
    if not conditions or len(conditions) > MOST_CONDITIONS:
        raise BadCondition(f"State between 1 and {MOST_CONDITIONS} conditions.")
    pins = (*PINS[system], *OWNERS[system])
    pinned = [c for c in conditions if c.claim in pins]
    if not pinned:
        raise BadCondition(f"Name whose pipeline it is: one of {', '.join(pins)}.")
    for condition in pinned:
        # What stands before the first star has to name somebody: acme/* does, *-deploy does not.
        if condition.pattern.startswith("*") or (
            condition.claim in ("repository", "project_path") and "*" in condition.pattern.partition("/")[0]
        ):
            raise BadCondition(f"{condition} lets strangers in: begin with the owner's name.")
    return conditions


def is_request(claims: Mapping[str, Any]) -> bool:
    """Whether the token is of a pull or merge request, which a stranger may have opened."""
    events = {_text(claims.get(name)) for name in ("event_name", "pipeline_source")}
    refs = [_text(claims.get(name)) for name in ("ref", "ref_path", "workflow_ref")]
    return (
        bool(events & _REQUEST_EVENTS)
        or any(ref.startswith(_REQUEST_REFS) or "@refs/pull/" in ref for ref in refs)
        or bool(_text(claims.get("head_ref")))
        or bool(re.search(r":pull_request(:|\Z)", _text(claims.get("sub"))))
    )


def reasons_against(demand: Demand, claims: Mapping[str, Any]) -> list[str]:
    """Why the rule does not take a token that says this; empty: it does."""
    reasons = []
    if claims.get("iss") != demand.issuer:
        reasons.append(f"iss is {_shown(claims.get('iss'))}, not {demand.issuer}.")
    audience = claims.get("aud")
    if [demand.audience] != (audience if isinstance(audience, list) else [audience]):
        reasons.append(f"aud is {_shown(audience)}, not {demand.audience}.")
    if not demand.pull_requests and is_request(claims):
        reasons.append("It is of a pull request or merge request.")
    for claim in dict.fromkeys(c.claim for c in demand.conditions):
        wanted = [c for c in demand.conditions if c.claim == claim]
        value = _text(claims.get(claim))
        if not value or not any(c.holds(value) for c in wanted):
            patterns = " or ".join(c.pattern for c in wanted)
            reasons.append(f"{claim} is {_shown(claims.get(claim))}, not {patterns}.")
    return reasons


def most_exact(fitting: list[tuple[str, Demand]]) -> str | None:
    """Of several rules that fit, the one that demands most; None when two demand as much for it to be clear."""
    if not fitting:
        return None
    claims = [(len({c.claim for c in demand.conditions}), name) for name, demand in fitting]
    most = max(count for count, _ in claims)
    names = [name for count, name in claims if count == most]
    return names[0] if len(names) == 1 else None


def subject_of(claims: Mapping[str, Any]) -> str:
    """How the workload is called in the ledger and on pages."""
    return "".join(c if c.isprintable() else "?" for c in _text(claims.get("sub")))[:300]


def _text(value: Any) -> str:
    """A claim as text; numbers and truth values as they stand in JSON; anything else matches nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "missing"
    return f"“{str(value)[:120]}”"
