"""The rule that makes a risk tier of answers: points for each answer, floors, limits, and what a tier requires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("review", "test", "checkpoint")
TIERS = (1, 2, 3, 4)
MOST_POINTS = 100
LONGEST = 120


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the assessment; `many` allows several answers at once."""

    name: str
    title: str
    answers: Mapping[str, str]
    many: bool = False


QUESTIONS: tuple[Question, ...] = (
    Question(
        "data_sensitivity",
        "Data sensitivity",
        {
            "none": "No data of value",
            "internal": "Internal data",
            "personal": "Personal data",
            "special": "Special categories: health, payment, biometric",
        },
    ),
    Question(
        "user_impact",
        "User impact",
        {
            "none": "Nobody notices",
            "few": "A few users, with a way around",
            "many": "Many users",
            "everybody": "Everybody, or money stands still",
        },
    ),
    Question(
        "regulatory_scope",
        "Regulatory scope",
        {
            "gdpr": "GDPR",
            "hipaa": "HIPAA",
            "sox": "SOX",
            "pci_dss": "PCI DSS",
            "other": "Other regulation",
        },
        many=True,
    ),
    Question(
        "authentication",
        "Authentication",
        {
            "none": "Does not touch it",
            "uses": "Uses it as it is",
            "changes": "Changes how somebody signs in or what they may do",
        },
    ),
    Question(
        "third_party",
        "Third party",
        {"none": "None", "existing": "One that is in use already", "new": "A new one"},
    ),
)
BY_NAME = {question.name: question for question in QUESTIONS}


def _answer(points: int, at_least: int | None = None, adds: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    return {"points": points, "at_least": at_least, "adds": [list(each) for each in adds]}


STANDARD: dict[str, Any] = {
    "questions": {
        "data_sensitivity": {
            "none": _answer(0),
            "internal": _answer(1),
            "personal": _answer(3, 3, [("checkpoint", "Privacy sign-off")]),
            "special": _answer(
                5, 2, [("checkpoint", "Privacy sign-off"), ("test", "Security test of data access")]
            ),
        },
        "user_impact": {
            "none": _answer(0),
            "few": _answer(1),
            "many": _answer(3),
            "everybody": _answer(5, 3),
        },
        "regulatory_scope": {
            "gdpr": _answer(2, 3, [("checkpoint", "Privacy sign-off")]),
            "hipaa": _answer(4, 2, [("checkpoint", "Legal sign-off")]),
            "sox": _answer(4, 2, [("checkpoint", "Audit sign-off")]),
            "pci_dss": _answer(4, 2, [("checkpoint", "Audit sign-off")]),
            "other": _answer(2, 3, [("checkpoint", "Legal sign-off")]),
        },
        "authentication": {
            "none": _answer(0),
            "uses": _answer(1),
            "changes": _answer(4, 2, [("test", "Security test of authentication")]),
        },
        "third_party": {
            "none": _answer(0),
            "existing": _answer(1),
            "new": _answer(3, 3, [("test", "Contract test with the third party")]),
        },
    },
    # A score from here on is tier 1, 2, 3; below the last it is tier 4.
    "limits": [11, 6, 3],
    "tiers": {
        "1": {
            "review": ["Peer review", "Architecture review", "Security review"],
            "test": ["Unit tests", "Integration tests", "Performance test", "Rollback rehearsal"],
            "checkpoint": ["Business owner's endorsement", "Threat model"],
        },
        "2": {
            "review": ["Peer review", "Architecture review"],
            "test": ["Unit tests", "Integration tests", "Rollback rehearsal"],
            "checkpoint": ["Business owner's endorsement"],
        },
        "3": {"review": ["Peer review"], "test": ["Unit tests", "Integration tests"], "checkpoint": []},
        "4": {"review": ["Peer review"], "test": ["Unit tests"], "checkpoint": []},
    },
}


@dataclass(frozen=True, slots=True)
class Tiering:
    """What the rule makes of answers."""

    score: int
    tier: int
    because: tuple[str, ...]
    compliance_class: str
    requirements: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a rule that somebody wrote, at its place."""

    where: str
    sentence: str


def given(answers: Mapping[str, Any], question: Question) -> list[str]:
    """The answers to one question, always as a list."""
    value = answers.get(question.name)
    if isinstance(value, str):
        return [value]
    return sorted(set(value or ()))


def tiering(rule: Mapping[str, Any], answers: Mapping[str, Any]) -> Tiering:
    """Score, tier and requirements. More points never make an item less risky."""
    score, floor, because = 0, 4, []
    adds: list[tuple[str, str]] = []
    for question in QUESTIONS:
        for answer in given(answers, question):
            said = rule["questions"][question.name][answer]
            score += said["points"]
            adds += [(kind, name) for kind, name in said["adds"]]
            label = question.answers[answer]
            if said["points"]:
                because.append(f"{question.title}: {label} ({said['points']})")
            if said["at_least"] is not None and said["at_least"] < floor:
                floor = said["at_least"]
                because.append(f"{question.title}: {label} is tier {floor} at least")
    by_score = next((n for n, limit in enumerate(rule["limits"], 1) if score >= limit), 4)
    tier = min(by_score, floor)
    asked = rule["tiers"][str(tier)]
    wanted = [(kind, name) for kind in KINDS for name in asked[kind]] + adds
    regimes = [BY_NAME["regulatory_scope"].answers[a] for a in given(answers, BY_NAME["regulatory_scope"])]
    ordered = sorted(dict.fromkeys(wanted), key=lambda each: KINDS.index(each[0]))
    return Tiering(score, tier, tuple(because), ", ".join(regimes), tuple(ordered))


def faults(rule: Any) -> list[Fault]:
    """What is wrong with a rule; nothing when it can be published."""
    if not isinstance(rule, Mapping) or set(rule) != {"questions", "limits", "tiers"}:
        return [Fault("content", "A rule has the parts questions, limits and tiers, and no others.")]
    return [
        *_question_faults(rule["questions"]),
        *_limit_faults(rule["limits"]),
        *_tier_faults(rule["tiers"]),
    ]


def _question_faults(questions: Any) -> list[Fault]:
    if not isinstance(questions, Mapping) or set(questions) != set(BY_NAME):
        return [Fault("questions", f"The questions are {', '.join(BY_NAME)}.")]
    found = []
    for question in QUESTIONS:
        answers = questions[question.name]
        if not isinstance(answers, Mapping) or set(answers) != set(question.answers):
            found.append(
                Fault(question.name, f"{question.title} has the answers {', '.join(question.answers)}.")
            )
            continue
        for answer, said in answers.items():
            where, label = f"{question.name}.{answer}", f"{question.title}, {question.answers[answer]}"
            found += _answer_faults(where, label, said)
    return found


def _answer_faults(where: str, label: str, said: Any) -> list[Fault]:
    if not isinstance(said, Mapping) or set(said) != {"points", "at_least", "adds"}:
        return [Fault(where, f"{label}: give points, at_least and adds.")]
    found = []
    if not _whole(said["points"], 0, MOST_POINTS):
        found.append(Fault(where, f"{label}: points are a whole number from 0 to {MOST_POINTS}."))
    if said["at_least"] is not None and not _whole(said["at_least"], 1, 4):
        found.append(Fault(where, f"{label}: the least tier is 1, 2, 3, 4 or none."))
    adds = said["adds"]
    if not isinstance(adds, list) or not all(
        isinstance(each, list | tuple) and len(each) == 2 and each[0] in KINDS and _name(each[1])
        for each in adds
    ):
        found.append(
            Fault(where, f"{label}: what it adds is a review, a test or a checkpoint with its name.")
        )
    return found


def _limit_faults(limits: Any) -> list[Fault]:
    if (
        not isinstance(limits, list | tuple)
        or len(limits) != 3
        or not all(_whole(n, 0, 10 * MOST_POINTS) for n in limits)
        or not limits[0] > limits[1] > limits[2]
    ):
        return [
            Fault(
                "limits", "The limits are three whole numbers, each smaller than the one of the tier above."
            )
        ]
    return []


def _tier_faults(tiers: Any) -> list[Fault]:
    if not isinstance(tiers, Mapping) or set(tiers) != {str(t) for t in TIERS}:
        return [Fault("tiers", "Say for each of the tiers 1 to 4 what it requires.")]
    found = []
    for tier, asked in tiers.items():
        if not isinstance(asked, Mapping) or set(asked) != set(KINDS):
            found.append(Fault(f"tier.{tier}", f"Tier {tier} names its review, test and checkpoint lists."))
            continue
        for kind in KINDS:
            if not isinstance(asked[kind], list) or not all(_name(name) for name in asked[kind]):
                found.append(
                    Fault(
                        f"tier.{tier}",
                        f"Tier {tier}: each {kind} is a name of at most {LONGEST} characters.",
                    )
                )
    return found


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _name(value: Any) -> bool:
    return (
        isinstance(value, str) and value == value.strip() and 0 < len(value) <= LONGEST and "\0" not in value
    )
