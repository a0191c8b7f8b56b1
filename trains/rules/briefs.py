"""Drafts in business terms from a release's scope: what becomes possible, what is corrected, what is not available."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """An item as a reader outside the trains needs it: no keys, no classes."""

    title: str
    classification: str
    words: str = ""

    @property
    def sentence(self) -> str:
        said = " ".join(self.words.split())
        if not said or said.lower().rstrip(".") == self.title.lower():
            return self.title
        return said if said.lower().startswith(self.title.lower()) else f"{self.title}: {said}"


_CHAPTERS = (
    ("What is new", ("feature",)),
    ("What is corrected", ("problem_fix", "hotfix")),
    ("What changes behind the scenes", ("infrastructure",)),
)


def functionality(items: Sequence[Item]) -> str:
    """The items in chapters, one a line."""
    parts = []
    for heading, classes in _CHAPTERS:
        lines = [f"- {item.sentence}" for item in items if item.classification in classes]
        if lines:
            parts.append("\n".join([heading, *lines]))
    return "\n\n".join(parts) or "This release carries nothing yet."


def chapters(text: str) -> list[tuple[str, list[str]]]:
    """A text of chapters read back: (heading or empty, lines); a line that begins with a dash is a point."""
    found: list[tuple[str, list[str]]] = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        if not lines:
            continue
        points = [line[1:].strip() for line in lines if line.startswith("-")]
        if points and not lines[0].startswith("-"):
            found.append((lines[0], [line.lstrip("- ").strip() for line in lines[1:]]))
        else:
            found.append(("", points if points else [" ".join(lines)]))
    return found


def lines_of(text: str) -> list[str]:
    """The lines of a list that somebody wrote, without marks and empty ones."""
    return [clean for line in text.splitlines() if (clean := line.strip().lstrip("-*• ").strip())]
