"""The steps of a root cause analysis, written one a line, and what each method asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# The six branches of Ishikawa's diagram in the words of software operations.
BRANCHES = ("People", "Process", "Technology", "Environment", "Data", "Measurement")
MOST, LONGEST = 60, 1_000


@dataclass(frozen=True)
class Method:
    """What a method's steps look like: how many at least, what stands before the colon, and an example."""

    least: int
    label: str
    example: str


METHODS: dict[str, Method] = {
    "five_whys": Method(3, "", "Why did payments stop? The job waited for a lock."),
    "fishbone": Method(2, "branch", "Technology: two jobs lock the same rows in a different order"),
    "timeline": Method(3, "moment", "2026-03-01T21:40Z: the job of the ledger starts"),
    "fault_tree": Method(2, "event", "Deadlock: two writers AND no order of locks"),
    "change_analysis": Method(
        1, "difference", "Isolation level: read committed before, serializable since 5.1"
    ),
    "reproduction": Method(2, "", "Start both jobs at once on a copy of production"),
}


class AnalysisError(ValueError):
    """The sentence says which line is wrong, and what the method asks."""


def read(method: str, text: str) -> list[dict[str, str]]:
    """The steps of a text of lines. An empty text is no analysis yet; too few steps, or a wrong label, is an error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    wanted = METHODS[method]
    if len(lines) < wanted.least:
        raise AnalysisError(
            f"This method takes at least {wanted.least} steps, one a line; {len(lines)} found."
        )
    if len(lines) > MOST:
        raise AnalysisError(f"At most {MOST} steps.")
    steps = [_step(method, wanted, number, line) for number, line in enumerate(lines, 1)]
    if method == "timeline":
        _in_order(steps)
    return steps


def _step(method: str, wanted: Method, number: int, line: str) -> dict[str, str]:
    if len(line) > LONGEST:
        raise AnalysisError(f"Line {number} is longer than {LONGEST} characters.")
    if method == "five_whys":
        question, mark, answer = line.partition("?")
        if not mark or not answer.strip():
            raise AnalysisError(f"Line {number} asks why and answers: {wanted.example}")
        return {"label": f"{question.strip()}?", "text": answer.strip()}
    if not wanted.label:
        return {"label": str(number), "text": line}
    label, mark, text = _moment(line) if method == "timeline" else line.partition(":")
    label, text = label.strip(), text.strip()
    if not mark or not label or not text:
        raise AnalysisError(f"Line {number} names its {wanted.label} before a colon: {wanted.example}")
    if method == "fishbone":
        known = {b.lower(): b for b in BRANCHES}
        if label.lower() not in known:
            raise AnalysisError(f"Line {number}: {label[:40]} is no branch; there are {', '.join(BRANCHES)}.")
        label = known[label.lower()]
    return {"label": label[:120], "text": text}


def _moment(line: str) -> tuple[str, str, str]:
    """A moment holds colons of its own: the label ends at the colon that a space follows."""
    return line.partition(": ")


def _in_order(steps: list[dict[str, str]]) -> None:
    before: datetime | None = None
    for number, step in enumerate(steps, 1):
        try:
            at = datetime.fromisoformat(step["label"])
        except ValueError:
            raise AnalysisError(
                f"Line {number}: {step['label'][:40]} is no moment such as 2026-03-01T21:40Z."
            ) from None
        if at.tzinfo is None:
            raise AnalysisError(f"Line {number}: {step['label']} has no zone; write Z or +02:00 at its end.")
        if before is not None and at < before:
            raise AnalysisError(f"Line {number} lies before the line above it.")
        before = at


def written(method: str, steps: list[dict[str, str]]) -> str:
    """The steps as lines again, for a form."""
    if method == "five_whys":
        return "\n".join(f"{s['label']} {s['text']}" for s in steps)
    if not METHODS[method].label:
        return "\n".join(s["text"] for s in steps)
    return "\n".join(f"{s['label']}: {s['text']}" for s in steps)


def grouped(steps: list[dict[str, str]]) -> list[tuple[str, list[str]]]:
    """The steps under their labels, in the order in which each label first came."""
    found: dict[str, list[str]] = {}
    for step in steps:
        found.setdefault(step["label"], []).append(step["text"])
    return list(found.items())
