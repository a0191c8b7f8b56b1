"""What a package shows people: counts, sections with a line per record, what to look at, and when the facts are from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .collect import Entry, Shown, shown_as, shown_kinds
from .render.words import cell

MOST_REMARKS = 200
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Line:
    """One record in a table: its cells, where its page is, and what it is sorted by."""

    cells: list[str]
    link: str
    order: str


@dataclass
class Section:
    """All records of one kind."""

    how: Shown
    lines: list[Line] = field(default_factory=list)
    count: int = 0


@dataclass
class Overview:
    """Gathered while the records are collected; holds words, not the records themselves."""

    sections: dict[str, Section] = field(default_factory=dict)
    remarks: list[tuple[str, str, str]] = field(default_factory=list)
    remarks_left_out: int = 0
    facts_at: datetime = _EPOCH
    subject_data: dict[str, Any] = field(default_factory=dict)

    def take(self, entry: Entry, link: str, subject_id: str) -> None:
        """Note one record."""
        kind, ident, label, data = entry
        if kind not in self.sections:
            self.sections[kind] = Section(shown_as(kind))
        section = self.sections[kind]
        how = section.how
        order = str(data.get(how.sort) or "") if how.sort else ""
        rows = how.lines(data) if how.lines else [[cell(data, path) for _, path in how.columns] or [label]]
        section.count += 1
        section.lines.extend(Line(cells, link, order) for cells in rows)
        if how.attention:
            self._remark(how, how.attention(data), link)
        self.as_of(data.get("created_at"))
        for change in data.get("history", ())[-1:]:
            self.as_of(change["at"])
        if ident == subject_id:
            self.subject_data = {
                name: value for name, value in data.items() if name not in ("history", "content")
            }

    def as_of(self, moment: str | None) -> None:
        """The facts are as of the latest moment that any of them names as its own."""
        if moment:
            self.facts_at = max(self.facts_at, datetime.fromisoformat(moment))

    def ordered(self) -> list[Section]:
        """Sections in their order, with those that say that something is absent."""
        every = dict(self.sections)
        for kind, how in shown_kinds().items():
            if how.absent and kind not in every:
                every[kind] = Section(how)
        found = sorted(every.values(), key=lambda s: (s.how.order, s.how.kind))
        for section in found:
            section.lines.sort(key=lambda line: line.order)
        return found

    def _remark(self, how: Shown, sentence: str, link: str) -> None:
        if not sentence:
            return
        if len(self.remarks) < MOST_REMARKS:
            self.remarks.append((how.title, sentence, link))
        else:
            self.remarks_left_out += 1
