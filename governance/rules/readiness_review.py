"""The questions of a production readiness review: what makes a checklist, and how its answers score."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from trains.rules.readiness import Answer, missing, score

AREAS = {
    "observability": "Observability",
    "capacity": "Capacity",
    "runbooks": "Runbooks",
    "on_call": "On-call",
    "security": "Security",
    "data": "Data",
    "recovery": "Recovery",
    "other": "Other",
}
ANSWERS = {
    "open": "Open",
    "yes": "Yes",
    "partial": "Partly",
    "no": "No",
    "not_applicable": "Not applicable",
}
_MOST = 100

# (key, area, question, weight, mandatory): what is asked where an organization brings no questions of its own.
STANDARD: tuple[tuple[str, str, str, int, bool], ...] = (
    ("golden-signals", "observability", "Are latency, traffic, errors and saturation measured and on a dashboard?", 3, True),
    ("alerts", "observability", "Does an alert reach somebody before customers notice?", 3, True),
    ("load-known", "capacity", "Is the load at peak known, and was twice of it tested?", 2, False),
    ("limits", "capacity", "Are limits, quotas and back pressure set?", 2, False),
    ("runbook", "runbooks", "Does a runbook cover start, stop, rollback and the known failures?", 3, True),
    ("on-call", "on_call", "Is somebody on call, and do they know the service?", 3, True),
    ("least-privilege", "security", "Does it run with the least privileges, secrets kept apart and rotated?", 3, True),
    ("personal-data", "data", "Is its data classified, and kept no longer than needed?", 2, False),
    ("backup", "data", "Was a backup restored and compared within the last half year?", 3, True),
    ("site-loss", "recovery", "Was the loss of a site or zone rehearsed, within the recovery targets?", 3, False),
)  # fmt: skip


def standard_questions(tier: int) -> list[dict[str, Any]]:
    """The standard questions for a tier: the first two tiers answer all, supporting services only what is mandatory."""
    return [
        {
            "key": key,
            "area": area,
            "question": question,
            "weight": weight,
            "mandatory": mandatory and tier <= 3,
        }
        for key, area, question, weight, mandatory in STANDARD
        if tier <= 3 or mandatory
    ]


def questions_fault(given: Any) -> str:
    """Why these cannot be the questions of a checklist; empty when they can."""
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST:
        return f"A checklist asks 1 to {_MOST} questions."
    keys = set()
    for number, row in enumerate(given, start=1):
        if not isinstance(row, dict) or set(row) - {"key", "area", "question", "weight", "mandatory"}:
            return f"Question {number} is an object with key, area, question, weight and mandatory."
        key, text, weight = row.get("key"), row.get("question"), row.get("weight", 1)
        if not isinstance(key, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", key):
            return f"Question {number}: its key is made of small letters, digits and hyphens."
        if key in keys:
            return f"Question {number}: the key {key} is there twice."
        keys.add(key)
        if row.get("area") not in AREAS:
            return f"Question {number}: its area is one of {', '.join(AREAS)}."
        if not isinstance(text, str) or not 1 <= len(text.strip()) <= 300 or "\0" in text:
            return f"Question {number}: a question of at most 300 characters is needed."
        if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= 10:
            return f"Question {number}: a weight is a whole number from 1 to 10."
        if not isinstance(row.get("mandatory", False), bool):
            return f"Question {number}: mandatory is true or false."
    return ""


def asked(questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The questions as a review begins: none is answered."""
    return [
        {
            "key": row["key"],
            "area": row["area"],
            "question": row["question"],
            "weight": row.get("weight", 1),
            "mandatory": row.get("mandatory", False),
            "answer": "open",
            "evidence": "",
            "by": "",
        }
        for row in questions
    ]


def standing(answers: Sequence[Mapping[str, Any]]) -> tuple[Decimal | None, int, int]:
    """The score in percent (None when nothing applies), open questions, mandatory ones that are not settled."""
    rows = [Answer(row["answer"], row["weight"], row["mandatory"]) for row in answers]
    found = score(rows)
    return (
        None if found is None else Decimal(str(found)),
        sum(1 for row in rows if row.answer == "open"),
        missing(rows),
    )
