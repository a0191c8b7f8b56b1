"""What CSV files of trackers have in common: encoding, delimiter, who wrote them, numbers, rich text, errors with
their place."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser

MOST_ROWS = 20_000

SUBTASKS = {"sub-task", "subtask", "sub task"}
FINISHED = {
    "done",
    "closed",
    "resolved",
    "completed",
    "removed",
    "cancelled",
    "canceled",
    "won't do",
    "rejected",
}


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line; `line` counts from 1 as a text editor does, None means the whole file."""

    line: int | None
    column: str
    sentence: str

    def __str__(self) -> str:
        place = f"Line {self.line}" if self.line else "The file"
        return f"{place}, {self.column}: {self.sentence}" if self.column else f"{place}: {self.sentence}"


def decoded(content: bytes, errors: list[LineError]) -> str | None:
    """The text of the file; None with an error where it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        errors.append(LineError(line, "", "This is not UTF-8 text. Save the file as UTF-8."))
        return None
    if "\0" in text:
        errors.append(LineError(text[: text.index("\0")].count("\n") + 1, "", "A NUL character stands here."))
        return None
    return text


def delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max((",", ";", "\t"), key=first.count)


def format_of(header: list[str]) -> str:
    """Who wrote the file, by the columns that only they name so."""
    if "Issue key" in header and "Summary" in header:
        return "jira"
    if "Work Item Type" in header and "ID" in header:
        return "azure"
    return "csv"


def folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def area(path: str) -> tuple[str, ...]:
    """The names in an area path, the last and narrowest first."""
    return tuple(reversed([part.strip() for part in re.split(r"[\\/]", path) if part.strip()]))


class _Text(HTMLParser):
    """The words of a rich text; blocks and breaks become lines, entries of lists get a dash."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("br", "p", "div", "li", "tr", "h1", "h2", "h3"):
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def plain(text: str, format: str) -> str:
    """Azure DevOps writes its long texts as HTML; here they are plain."""
    if format != "azure" or not re.search(r"<[a-zA-Z][^>]*>|&[a-z]+;", text):
        return text
    parser = _Text()
    parser.feed(text)
    parser.close()
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(parser.parts).splitlines()]
    return "\n".join(line for line in lines if line)


def points(text: str) -> int | None:
    """Points, rounded half up and at least 1 where a fraction is given; None for an empty cell, -1 for no number."""
    exact = whole(text, 999)
    if exact != -1 or not re.fullmatch(r"\d{1,3}[.,]\d{1,6}", text):
        return exact
    rounded = Decimal(text.replace(",", ".")).quantize(Decimal(1), ROUND_HALF_UP)
    return min(max(1, int(rounded)), 999)


def whole(text: str, most: int) -> int | None:
    """The number; None for an empty cell, -1 for what is none. Jira writes 5 as 5.0."""
    if not text:
        return None
    if not re.fullmatch(r"\d{1,6}([.,]0+)?", text):
        return -1
    number = int(re.split(r"[.,]", text)[0])
    return number if number <= most else -1


def records(text: str, errors: list[LineError]) -> Iterator[tuple[int, list[str]]]:
    """The header (line 1) and each record with the line it begins on; stops with an error where it is no CSV.

    Lines are those of the file, not records: a description may span many of them.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text), strict=True)
    width, end, count = 0, 0, 0
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num
            if not width:
                width = len(cells)
                yield line, [name.strip() for name in cells]
            elif any(cell.strip() for cell in cells):
                count += 1
                if count > MOST_ROWS:
                    errors.append(
                        LineError(line, "", f"The file has more than {MOST_ROWS:,} rows; split it.")
                    )
                    return
                if len(cells) != width:
                    errors.append(LineError(line, "", f"{width} cells expected, {len(cells)} found."))
                else:
                    yield line, [cell.strip() for cell in cells]
    except csv.Error as broken:
        errors.append(LineError(reader.line_num or 1, "", f"This is not well-formed CSV: {broken}."))


def given_places(
    mapping: Mapping[str, str], fields: Sequence[str], header: list[str], errors: list[LineError]
) -> dict[str, list[int]]:
    """Columns that were mapped by hand, by field; a field or a column that is not there is an error."""
    places: dict[str, list[int]] = {}
    for name, column in mapping.items():
        if name not in fields:
            errors.append(LineError(None, name, f"There is no field {name}; known are {', '.join(fields)}."))
        elif column not in header:
            errors.append(LineError(1, column, f"The header has no such column, but {name} is mapped to it."))
        else:
            places[name] = [i for i, title in enumerate(header) if title == column]
    return places
