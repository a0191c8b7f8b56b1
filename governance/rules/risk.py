"""The risk of a change: by a weighted questionnaire, by how similar changes went, and as raised by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .shares import wilson

Question = Mapping[str, Any]
Bands = Mapping[str, int]

LOW, MEDIUM, HIGH = RISKS = ("low", "medium", "high")
# Fewer similar changes than this say nothing about the next one.
FEW = 5
# Where the lower end of the interval of failed similar changes lies above this, the change is at least of that risk.
HISTORY = {HIGH: 0.15, MEDIUM: 0.05}

MOST_QUESTIONS, MOST_ANSWERS, MOST_WEIGHT, MOST_POINTS = 30, 10, 10, 10


@dataclass(frozen=True)
class Score:
    """What the answers come to. `percent` is of the most that the questions can give."""

    points: int
    most: int
    risk: str
    unanswered: tuple[str, ...] = ()

    @property
    def percent(self) -> int:
        """Rounded up: half a point more is never less risk."""
        return -(-100 * self.points // self.most) if self.most else 100


@dataclass(frozen=True)
class Past:
    """How similar changes went."""

    n: int
    failures: int

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.failures, self.n)

    @property
    def risk(self) -> str:
        """The least risk that the past lets one assume."""
        interval = self.interval
        if interval is None or self.n < FEW:
            return LOW
        return next((risk for risk, least in HISTORY.items() if interval[0] > least), LOW)

    @property
    def sentence(self) -> str:
        interval = self.interval
        if interval is None:
            return "No similar change is on record."
        said = (
            f"{self.failures} of {self.n} similar changes had issues or were backed out"
            f" (95 % interval {interval[0]:.0%} to {interval[1]:.0%})"
        )
        return f"{said}: too few to say more." if self.n < FEW else f"{said}."


def worst(*risks: str) -> str:
    """The highest of the risks; unknown words count as high."""
    return max((r if r in RISKS else HIGH for r in risks if r), key=RISKS.index, default=LOW)


def points_of(question: Question, answer: Any) -> int | None:
    """The points of an answer; None where the question has no such answer."""
    return next((int(a["points"]) for a in question["answers"] if a["value"] == answer), None)


def score(questions: Sequence[Question], bands: Bands, answers: Mapping[str, Any]) -> Score:
    """The answers as points. What is not answered counts as the worst that could be said."""
    points, most, missing = 0, 0, []
    for question in questions:
        worst_case = max(int(a["points"]) for a in question["answers"])
        given = points_of(question, answers.get(question["key"]))
        if given is None:
            missing.append(str(question["key"]))
            given = worst_case
        points += int(question["weight"]) * given
        most += int(question["weight"]) * worst_case
    return Score(points, most, band(points, most, bands), tuple(missing))


def band(points: int, most: int, bands: Bands) -> str:
    """The risk that so many points mean; without any question nothing is known, so it is high."""
    if most <= 0:
        return HIGH
    if 100 * points >= bands["high"] * most:
        return HIGH
    return MEDIUM if 100 * points >= bands["medium"] * most else LOW


def reachable(questions: Sequence[Question], bands: Bands) -> set[str]:
    """Every risk that some way of answering leads to."""
    sums = {0}
    most = 0
    for question in questions:
        weight = int(question["weight"])
        steps = {weight * int(a["points"]) for a in question["answers"]}
        sums = {s + step for s in sums for step in steps}
        most += max(steps)
    return {band(points, most, bands) for points in sums}


def faults(questions: Any, bands: Any) -> list[str]:
    """What is wrong with a questionnaire, in sentences; empty when it can be used."""
    if not isinstance(questions, list) or not questions:
        return ["A questionnaire has at least one question."]
    if len(questions) > MOST_QUESTIONS:
        return [f"A questionnaire has at most {MOST_QUESTIONS} questions."]
    found = [fault for n, q in enumerate(questions, 1) for fault in _question_faults(n, q)]
    if found:
        return found
    keys = [q["key"] for q in questions]
    if len(set(keys)) < len(keys):
        return ["Every question has a key of its own."]
    if not isinstance(bands, dict) or set(bands) != {"medium", "high"}:
        return ["The bands say from which percentage a change is of medium and of high risk."]
    if not all(isinstance(b, int) and not isinstance(b, bool) for b in bands.values()):
        return ["The bands are whole percentages."]
    if not 0 < bands["medium"] < bands["high"] <= 100:
        return ["The bands rise: medium above 0 %, high above medium, at most 100 %."]
    missing = [risk for risk in RISKS if risk not in reachable(questions, bands)]
    return [f"No way of answering leads to {risk} risk." for risk in missing]


def _question_faults(number: int, question: Any) -> list[str]:
    named = f"Question {number}"
    if not isinstance(question, dict) or set(question) - {"key", "text", "weight", "answers"}:
        return [f"{named} has key, text, weight and answers."]
    key, text = question.get("key"), question.get("text")
    if not (isinstance(key, str) and 0 < len(key) <= 40 and key.replace("_", "a").isalnum()):
        return [f"{named} needs a key of letters, digits and underscores."]
    if not (isinstance(text, str) and 0 < len(text.strip()) <= 200):
        return [f"{named} needs its text, of at most 200 characters."]
    if not _whole(question.get("weight"), 1, MOST_WEIGHT):
        return [f"The weight of {key} is a whole number from 1 to {MOST_WEIGHT}."]
    answers = question.get("answers")
    if not isinstance(answers, list) or not 2 <= len(answers) <= MOST_ANSWERS:
        return [f"{key} has two to {MOST_ANSWERS} answers."]
    for answer in answers:
        if not isinstance(answer, dict) or set(answer) != {"value", "label", "points"}:
            return [f"An answer of {key} has value, label and points."]
        words = (answer["value"], answer["label"])
        if not all(isinstance(w, str) and 0 < len(w.strip()) <= 120 for w in words):
            return [f"An answer of {key} lacks its words."]
        if not _whole(answer["points"], 0, MOST_POINTS):
            return [f"The points of {key} are whole numbers from 0 to {MOST_POINTS}."]
    if len({a["value"] for a in answers}) < len(answers):
        return [f"Two answers of {key} have the same value."]
    if not any(a["points"] for a in answers):
        return [f"One answer of {key} has points."]
    return []


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _ask(key: str, text: str, weight: int, *answers: tuple[str, str, int]) -> dict[str, Any]:
    listed = [{"value": value, "label": label, "points": points} for value, label, points in answers]
    return {"key": key, "text": text, "weight": weight, "answers": listed}


# What an organization begins with.
STANDARD_BANDS = {"medium": 30, "high": 60}
STANDARD_QUESTIONS = [
    _ask(
        "impact",
        "Who notices if it goes wrong?",
        4,
        ("nobody", "Nobody outside the team", 0),
        ("internal", "Colleagues", 1),
        ("customers", "Some customers", 3),
        ("everyone", "All customers, money or safety", 4),
    ),
    _ask(
        "backout",
        "How is it taken back?",
        3,
        ("rehearsed", "In minutes, and rehearsed", 0),
        ("minutes", "In minutes, never rehearsed", 1),
        ("hours", "In hours, or by hand", 3),
        ("never", "It cannot be taken back", 4),
    ),
    _ask(
        "reach",
        "How many services does it touch?",
        2,
        ("one", "One", 0),
        ("few", "Two to four", 2),
        ("many", "Five or more, or a shared platform", 4),
    ),
    _ask(
        "data",
        "Does it change stored data or its schema?",
        3,
        ("no", "No", 0),
        ("additive", "Only additions", 1),
        ("changes", "Rewrites or removes data", 4),
    ),
    _ask(
        "tested",
        "How was it tried?",
        3,
        ("like_production", "In an environment like production", 0),
        ("automated", "By automated tests", 1),
        ("partly", "Partly, or by hand", 3),
        ("not", "Not at all", 4),
    ),
    _ask(
        "known",
        "Has the team done this before?",
        1,
        ("often", "Often", 0),
        ("once", "Once or twice", 2),
        ("never", "Never", 4),
    ),
]
