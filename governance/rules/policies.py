"""Who must approve a change: ordered rules over what is known of it. Unknown facts never spare the people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

Rule = Mapping[str, Any]

MOST_RULES = 50
POLICY, BOARD = ROUTES = ("policy", "board")
TYPES = ("standard", "normal", "emergency")
RISKS = ("low", "medium", "high")
KINDS = ("dev", "test", "staging", "production")
VERDICTS = ("pass", "fail", "pending", "error", "none")


@dataclass(frozen=True)
class Facts:
    """What a policy may ask about a change. None is unknown."""

    type: str | None = None
    risk: str | None = None
    tier: int | None = None
    impact: str | None = None
    environment: str | None = None
    freeze: bool | None = None
    failures: int | None = None
    failure_bound: int | None = None
    collisions: bool | None = None
    regulated: bool | None = None
    problem_fix: bool | None = None
    pre_approved: bool | None = None
    gate: str | None = None


@dataclass(frozen=True)
class Condition:
    """One thing a rule may ask for: of which form its value is, and whether facts meet it."""

    fact: str
    title: str
    form: str
    holds: Callable[[Any, Any], bool]
    values: tuple[Any, ...] = ()

    def fault(self, value: Any) -> str:
        if self.form == "list":
            known = isinstance(value, list) and value and all(isinstance(v, str | int) for v in value)
            if not known or (self.values and not set(value) <= set(self.values)):
                words = ", ".join(str(v) for v in self.values)
                return f"{self.title} is a list" + (f" of {words}." if words else " of words.")
        elif self.form == "flag" and not isinstance(value, bool):
            return f"{self.title} is true or false."
        elif self.form == "count" and (
            not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000
        ):
            return f"{self.title} is a whole number."
        return ""


def _among(fact: Any, value: Any) -> bool:
    return fact in value


def _same(fact: Any, value: Any) -> bool:
    return bool(fact == value)


def _least(fact: Any, value: Any) -> bool:
    return bool(fact >= value)


def _most(fact: Any, value: Any) -> bool:
    return bool(fact <= value)


CONDITIONS: dict[str, Condition] = {
    "types": Condition("type", "Type", "list", _among, TYPES),
    "risks": Condition("risk", "Risk", "list", _among, RISKS),
    "tiers": Condition("tier", "Tier", "list", _among, (1, 2, 3, 4)),
    "impacts": Condition("impact", "Impact", "list", _among),
    "environments": Condition("environment", "Environment", "list", _among, KINDS),
    "freeze": Condition("freeze", "Inside a freeze", "flag", _same),
    "failures_at_least": Condition("failures", "Failures of similar changes, at least", "count", _least),
    "failure_bound_at_least": Condition(
        "failure_bound", "Upper bound of failures in percent, at least", "count", _least
    ),
    "failure_bound_at_most": Condition(
        "failure_bound", "Upper bound of failures in percent, at most", "count", _most
    ),
    "collides": Condition("collisions", "Meets something on the calendar", "flag", _same),
    "regulated": Condition("regulated", "Touches a regulated service", "flag", _same),
    "problem_fix": Condition("problem_fix", "Fixes a problem", "flag", _same),
    "pre_approved": Condition("pre_approved", "Of a pre-approved model", "flag", _same),
    "gate": Condition("gate", "Gate", "list", _among, VERDICTS),
}


@dataclass(frozen=True)
class Route:
    """Where a change goes, by which rule, and why the rules before it did not decide.

    barred    why approval by policy was not given although the rule asks for it
    """

    route: str
    rule: str
    board: str = ""
    sample: int = 0
    because: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()
    barred: str = ""


NO_RULE = "No rule fits"


def barred(facts: Facts) -> str:
    """Why no rule whatsoever may approve this change without people; empty where one may.

    These limits are not up to a policy; the database holds them as well.
    """
    if facts.type is None or facts.type == "emergency":
        return "An emergency change is always decided by people."
    if facts.risk != "low" and facts.pre_approved is not True:
        return f"Its risk is {facts.risk or 'unknown'}, and it follows no pre-approved model."
    if facts.gate != "pass" and facts.pre_approved is not True:
        return "No passing gate speaks for it."
    if facts.problem_fix is not False and facts.risk == "high":
        return "A fix of high risk needs the problem manager's signature."
    return ""


def meets(rule: Rule, facts: Facts) -> tuple[bool, str]:
    """(whether every condition of the rule holds, the first that does not or all that do, in words).

    What is unknown holds for a rule that asks people, and never for one that spares them.
    """
    said = []
    for name, value in rule.get("when", {}).items():
        condition = CONDITIONS[name]
        fact = getattr(facts, condition.fact)
        if fact is None:
            if rule["route"] == POLICY:
                return False, f"{condition.title.lower()} is unknown"
            said.append(f"{condition.title.lower()} is unknown")
        elif not condition.holds(fact, value):
            return False, f"{condition.title.lower()} is {_word(fact)}"
        else:
            said.append(f"{condition.title.lower()} is {_word(fact)}")
    return True, ", ".join(said) or "it fits every change"


def _word(fact: Any) -> str:
    return {True: "yes", False: "no"}.get(fact, str(fact)) if isinstance(fact, bool) else str(fact)


def route(rules: Sequence[Rule], facts: Facts) -> Route:
    """The first rule whose conditions all hold decides; where none does, people decide."""
    over: list[tuple[str, str]] = []
    for rule in rules:
        holds, said = meets(rule, facts)
        if not holds:
            over.append((str(rule["name"]), said))
            continue
        why = barred(facts) if rule["route"] == POLICY else ""
        return Route(
            route=BOARD if why else str(rule["route"]),
            rule=str(rule["name"]),
            board=str(rule.get("board") or ""),
            sample=int(rule.get("sample", 0)),
            because=(said,),
            passed_over=tuple(over),
            barred=why,
        )
    return Route(BOARD, NO_RULE, passed_over=tuple(over), because=("the board of the change decides",))


def sampled(seed: str, content_digest: str, percent: int) -> bool:
    """Whether a person looks at this approval afterwards: repeatable, and not known before the content is."""
    lot = int.from_bytes(hashlib.sha256(f"{seed}:{content_digest}".encode()).digest()[:8], "big")
    return lot * 100 < percent * 2**64


def faults(rules: Any, boards: Sequence[str]) -> list[str]:
    """What is wrong with a list of rules, in sentences; empty when it can be used."""
    if not isinstance(rules, list):
        return ["The rules are a list."]
    if len(rules) > MOST_RULES:
        return [f"A policy has at most {MOST_RULES} rules."]
    found = [fault for n, rule in enumerate(rules, 1) for fault in _rule_faults(n, rule, boards)]
    if not found and len({r["name"] for r in rules}) < len(rules):
        found = ["Every rule has a name of its own."]
    return found


def _rule_faults(number: int, rule: Any, boards: Sequence[str]) -> list[str]:
    if not isinstance(rule, dict) or set(rule) - {"name", "when", "route", "board", "sample"}:
        return [f"Rule {number} has name, when, route, board and sample."]
    name = rule.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 120:
        return [f"Rule {number} needs a name."]
    if rule.get("route") not in ROUTES:
        return [f"{name}: the route is policy or board."]
    board = rule.get("board", "")
    if board and board not in boards:
        return [f"{name}: there is no board {str(board)[:80]}."]
    if board and rule["route"] == POLICY:
        return [f"{name}: a rule approves by policy or names a board, not both."]
    sample = rule.get("sample", 0)
    if not isinstance(sample, int) or isinstance(sample, bool) or not 0 <= sample <= 100:
        return [f"{name}: the sample is a percentage."]
    when = rule.get("when", {})
    if not isinstance(when, dict):
        return [f"{name}: when is a set of conditions."]
    unknown = sorted(str(k) for k in set(when) - set(CONDITIONS))
    if unknown:
        return [f"{name}: there is no condition {', '.join(unknown)[:120]}."]
    return [f"{name}: {fault}" for key, value in when.items() if (fault := CONDITIONS[key].fault(value))]


FACT_NAMES = tuple(f.name for f in fields(Facts))

# What an organization may begin with.
STANDARD_RULES: list[dict[str, Any]] = [
    {"name": "Emergencies", "when": {"types": ["emergency"]}, "route": BOARD},
    {"name": "Inside a freeze", "when": {"freeze": True}, "route": BOARD},
    {"name": "High risk", "when": {"risks": ["high"]}, "route": BOARD},
    {"name": "Similar changes failed", "when": {"failures_at_least": 2}, "route": BOARD},
    {
        "name": "Pre-approved models",
        "when": {"pre_approved": True, "collides": False},
        "route": POLICY,
        "sample": 10,
    },
    {
        "name": "Low risk, gate passes",
        "when": {"types": ["standard", "normal"], "risks": ["low"], "gate": ["pass"], "collides": False},
        "route": POLICY,
        "sample": 20,
    },
]
