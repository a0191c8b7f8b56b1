"""Coverage reports (Cobertura, JaCoCo, LCOV, Clover, OpenCover, Go) to covered and total lines and branches."""

import re
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from xml.etree.ElementTree import Element  # nosec B405 - the type; parsing is defusedxml

from .errors import ReportError, check_size
from .values import clean, count
from .xml_tree import child, children, descendants, local, parse_xml

_CONDITION = re.compile(r"\(\s*([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*\)")
_NUMBER = re.compile(r"-?[0-9]{1,30}\Z")


@dataclass(frozen=True, slots=True)
class Ratio:
    """So many of so many."""

    covered: int
    total: int

    @property
    def percent(self) -> Decimal | None:
        """To two digits, rounded down: 79.999 % is not 80 %. None where there is nothing to cover."""
        if not self.total:
            return None
        return (Decimal(100) * self.covered / self.total).quantize(Decimal("0.01"), ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class CoverageSummary:
    """The counts in use and where they are from; what the file declares is kept beside them."""

    format: str
    # "recomputed" from the lines listed in the file, or "declared" where it lists none.
    basis: str
    lines: Ratio
    branches: Ratio | None
    declared_lines: Ratio | None
    declared_branches: Ratio | None
    files: int

    @property
    def agrees(self) -> bool:
        """Whether declared and recomputed line counts are the same, or only one of them is there."""
        return self.declared_lines is None or self.declared_lines == self.lines

    @property
    def judged(self) -> Ratio:
        """The lower of both, for gates: a list that was cut short must not improve a figure."""
        both = [ratio for ratio in (self.lines, self.declared_lines) if ratio is not None]
        return min(both, key=lambda ratio: ratio.percent or Decimal(0))


@dataclass
class _Lines:
    """Hits by file and line, merged: a line listed twice is covered if it is covered once."""

    hits: dict[tuple[str, int], int] = field(default_factory=dict)
    branches: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def line(self, file: str, number: int, hits: int) -> None:
        self.files.add(file)
        self.hits[file, number] = max(hits, self.hits.get((file, number), 0))

    def branch(self, file: str, number: int, covered: int, total: int) -> None:
        if covered > total:
            raise ReportError(
                "bad_value", f"Line {number} of {clean(file)!r} covers {covered} of {total} branches."
            )
        kept = self.branches.get((file, number), (0, 0))
        self.branches[file, number] = max(kept, (covered, total), key=lambda pair: (pair[1], pair[0]))

    def summary(self, format: str, lines: Ratio | None, branches: Ratio | None) -> CoverageSummary:
        recomputed = Ratio(sum(hits > 0 for hits in self.hits.values()), len(self.hits))
        pairs = self.branches.values()
        recomputed_branches = Ratio(sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))
        basis = "recomputed" if self.hits else "declared"
        used = recomputed if self.hits else lines
        if used is None:
            raise ReportError("no_data", "The report lists no lines and declares no totals.")
        return CoverageSummary(
            format=format,
            basis=basis,
            lines=used,
            branches=recomputed_branches if self.branches else branches if not self.hits else None,
            declared_lines=lines,
            declared_branches=branches,
            files=len(self.files),
        )


def read_coverage(data: bytes, limit: int | None = None) -> CoverageSummary:
    """Read a coverage report of any known format."""
    if _is_text(data):
        check_size(data, "lcov", limit)
        return _go(data) if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"mode:") else _lcov(data)
    check_size(data, "coverage", limit)
    root = parse_xml(data)
    if local(root) == "report" and any(
        child(root, name) is not None for name in ("counter", "package", "group")
    ):
        return _jacoco(root)
    if local(root) == "coverage" and child(root, "project") is not None:
        return _clover(root)
    if local(root) == "coverage" and (
        child(root, "packages") is not None or root.get("line-rate") is not None
    ):
        return _cobertura(root)
    if local(root) == "CoverageSession":
        return _opencover(root)
    raise ReportError(
        "wrong_format", f"No known coverage report begins with {clean(local(root), 80)!r} like this."
    )


def _is_text(data: bytes) -> bool:
    """LCOV and Go's profiles are no XML: they begin with a letter."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1].isalpha()


def _cobertura(root: Element) -> CoverageSummary:
    found = _Lines()
    for item in descendants(root, "class"):
        file = clean(item.get("filename") or item.get("name"))
        boxes = children(item, "lines") or [
            box for method in descendants(item, "method") for box in children(method, "lines")
        ]
        for line in [line for box in boxes for line in children(box, "line")]:
            number = _whole(line.get("number"), "line number")
            found.line(file, number, _whole(line.get("hits"), "hit count"))
            condition = _CONDITION.search(line.get("condition-coverage") or "")
            if condition:
                found.branch(file, number, int(condition[1]), int(condition[2]))
    lines = _declared(root, "lines-covered", "lines-valid")
    return found.summary("cobertura", lines, _declared(root, "branches-covered", "branches-valid"))


def _jacoco(root: Element) -> CoverageSummary:
    found = _Lines()
    # The same package may stand in several groups (modules): each source file is counted on its own.
    for at, source in enumerate(descendants(root, "sourcefile")):
        file = f"{at}:{clean(source.get('name'))}"
        for line in children(source, "line"):
            number = _whole(line.get("nr"), "line number")
            found.line(file, number, _whole(line.get("ci") or "0", "counter"))
            covered, missed = (
                _whole(line.get("cb") or "0", "counter"),
                _whole(line.get("mb") or "0", "counter"),
            )
            if covered + missed:
                found.branch(file, number, covered, covered + missed)
    return found.summary("jacoco", _counter(root, "LINE"), _counter(root, "BRANCH"))


def _counter(root: Element, kind: str) -> Ratio | None:
    for counter in children(root, "counter"):
        if counter.get("type") == kind:
            covered, missed = (_whole(counter.get(name), "counter") for name in ("covered", "missed"))
            return Ratio(covered, covered + missed)
    return None


def _clover(root: Element) -> CoverageSummary:
    found = _Lines()
    project = child(root, "project")
    assert project is not None
    for item in descendants(project, "file"):
        file = clean(item.get("path") or item.get("name"))
        for line in children(item, "line"):
            kind = line.get("type")
            if kind not in ("stmt", "cond"):
                continue
            number = _whole(line.get("num"), "line number")
            ways = [_whole(line.get(name) or "0", "count") for name in ("truecount", "falsecount")]
            found.line(file, number, max(_whole(line.get("count") or "0", "count"), *ways))
            if kind == "cond":
                found.branch(file, number, sum(way > 0 for way in ways), 2)
    metrics = child(project, "metrics")
    if metrics is None:
        return found.summary("clover", None, None)
    lines = _declared(metrics, "coveredstatements", "statements")
    return found.summary("clover", lines, _declared(metrics, "coveredconditionals", "conditionals"))


def _lcov(data: bytes) -> CoverageSummary:
    try:
        rows = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ReportError("encoding", "The report is not UTF-8.") from error
    found = _Lines()
    totals: dict[str, int] = {}
    taken: dict[tuple[str, int], dict[str, int]] = {}
    file = ""
    for at, row in enumerate(rows, start=1):
        key, _, value = row.strip().partition(":")
        if key == "SF":
            file = clean(value)
            found.files.add(file)
        elif key == "end_of_record":
            file = ""
        elif key in ("DA", "BRDA", "LF", "LH", "BRF", "BRH") and not file:
            raise ReportError("wrong_format", "The report counts lines outside of any source file.", at)
        elif key == "DA":
            number, hits = _fields(value, 2, at)
            found.line(file, number, hits)
        elif key == "BRDA":
            number, hits = _branch(value, at)
            branch = ",".join(value.split(",")[1:-1])
            kept = taken.setdefault((file, number), {})
            kept[branch] = max(hits, kept.get(branch, 0))
        elif key in ("LF", "LH", "BRF", "BRH"):
            totals[key] = totals.get(key, 0) + _whole(value, "total", at)
    if not found.files:
        raise ReportError("wrong_format", "The report names no source file.")
    if file:
        raise ReportError("truncated", "The report ends within the record of a source file.", len(rows))
    for (name, number), ways in taken.items():
        found.branch(name, number, sum(hits > 0 for hits in ways.values()), len(ways))
    return found.summary("lcov", _total(totals, "LH", "LF"), _total(totals, "BRH", "BRF"))


_BLOCK = re.compile(r"(.+):(\d{1,9})\.\d{1,9},(\d{1,9})\.\d{1,9} \d{1,9} (\d{1,19})\Z")
_MOST_LINES = 1_000_000


def _go(data: bytes) -> CoverageSummary:
    """A Go profile: blocks of lines with how often they ran. A line is covered when a block on it is."""
    try:
        rows = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ReportError("encoding", "The report is not UTF-8.") from error
    found = _Lines()
    for at, row in enumerate(rows, start=1):
        if not row.strip() or row.startswith("mode:"):
            continue
        match = _BLOCK.match(row.strip())
        if match is None:
            raise ReportError("wrong_format", "The line is no block of a Go profile.", at)
        first, last, hits = int(match[2]), int(match[3]), int(match[4])
        if last < first or len(found.hits) + last - first > _MOST_LINES:
            raise ReportError("bad_value", "The block has no sensible lines.", at)
        for number in range(first, last + 1):
            found.line(clean(match[1]), number, hits)
    return found.summary("go", None, None)


def _opencover(root: Element) -> CoverageSummary:
    found = _Lines()
    for module in descendants(root, "Module"):
        names = {item.get("uid"): clean(item.get("fullPath")) for item in descendants(module, "File")}
        for method in descendants(module, "Method"):
            own = child(method, "FileRef")
            default = own.get("uid") if own is not None else None
            for point in descendants(method, "SequencePoint"):
                if point.get("sl") is None:
                    continue
                file = names.get(point.get("fileid") or default, "")
                found.line(file, _whole(point.get("sl"), "line number"), _whole(point.get("vc"), "hit count"))
            ways: dict[tuple[str, int], list[int]] = {}
            for point in descendants(method, "BranchPoint"):
                file = names.get(point.get("fileid") or default, "")
                if point.get("sl") is None:
                    continue
                place = (file, _whole(point.get("sl"), "line number"))
                ways.setdefault(place, []).append(_whole(point.get("vc") or "0", "hit count"))
            for (file, number), hits in ways.items():
                found.branch(file, number, sum(hit > 0 for hit in hits), len(hits))
    summary = child(root, "Summary")
    if summary is None:
        return found.summary("opencover", None, None)
    lines = _declared(summary, "visitedSequencePoints", "numSequencePoints")
    return found.summary("opencover", lines, _declared(summary, "visitedBranchPoints", "numBranchPoints"))


def _fields(value: str, wanted: int, at: int) -> list[int]:
    parts = value.split(",")
    if len(parts) < wanted:
        raise ReportError("bad_value", "A line of the report has too few fields.", at)
    return [_whole(part, "number", at) for part in parts[:wanted]]


def _branch(value: str, at: int) -> tuple[int, int]:
    """Line and times taken; "-" says that the line was never reached."""
    parts = value.split(",")
    if len(parts) < 4:
        raise ReportError("bad_value", "A branch of the report has too few fields.", at)
    hits = 0 if parts[-1].strip() == "-" else _whole(parts[-1], "number", at)
    return _whole(parts[0], "number", at), hits


def _declared(element: Element, covered: str, total: str) -> Ratio | None:
    pair = count(element.get(covered)), count(element.get(total))
    if pair[0] is None or pair[1] is None or pair[0] > pair[1]:
        return None
    return Ratio(pair[0], pair[1])


def _total(totals: dict[str, int], covered: str, total: str) -> Ratio | None:
    if covered not in totals or total not in totals or totals[covered] > totals[total]:
        return None
    return Ratio(totals[covered], totals[total])


def _whole(value: str | None, what: str, at: int | None = None) -> int:
    """A whole number; counters that overflowed in the tool are negative and count as nothing."""
    text = (value or "").strip()
    if not _NUMBER.match(text):
        raise ReportError("bad_value", f"A {what} of the report is {clean(text, 80)!r}.", at)
    return max(int(text), 0)
