"""Feeds of published vulnerabilities: OSV (one, a list, or JSON Lines), CycloneDX with affected versions, or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from governance.rules.affected import as_vers

from .cyclonedx import read_cyclonedx
from .errors import ReportError, check_size
from .json_node import Node, rows_of
from .json_tree import parse_json
from .packages import ecosystem_type, package_named, package_of
from .scanned import rated
from .values import clean

MOST = 50_000
_MOST_VERSIONS = 5_000


@dataclass(frozen=True, slots=True)
class ReadAdvisory:
    """One advisory: `affected` holds what `governance.rules.affected` understands."""

    identifier: str
    aliases: tuple[str, ...]
    title: str
    severity: str
    score: str | None
    vector: str
    affected: tuple[dict[str, Any], ...]
    published_at: str | None
    modified_at: str | None
    withdrawn_at: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_advisories(data: bytes, limit: int | None = None) -> list[ReadAdvisory]:
    """Read a feed; one broken entry refuses it whole."""
    check_size(data, "scan", limit)
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] == b"<":
        return _from_cyclonedx(data, None)
    if head[:1] not in (b"{", b"["):
        return _from_csv(data)
    body = _json(data)
    if isinstance(body, dict) and "bomFormat" in body:
        return _from_cyclonedx(data, body)
    rows = list(rows_of(body)) if isinstance(body, list) else [Node(body)]
    if not rows:
        raise ReportError("no_data", "The feed has no advisories.")
    if len(rows) > MOST:
        raise ReportError("too_many", f"The feed has more than {MOST} advisories.")
    return [_from_osv(row) for row in rows]


def _json(data: bytes) -> Any:
    try:
        return parse_json(data)
    except ReportError as error:
        if error.code != "not_json" or b"\n" not in data.strip():
            raise
        first = error
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                rows.append(parse_json(line))
            except ReportError as error:
                raise (ReportError(error.code, error.sentence, number) if rows else first) from error
    return rows


def _from_osv(row: Node) -> ReadAdvisory:
    name = row.required("id", 200)
    vectors = [each.text("score", 200) for each in row.rows("severity")]
    specific = row.object("database_specific").get("severity")
    affected = []
    for part in row.rows("affected"):
        package = part.object("package")
        vectors += [each.text("score", 200) for each in part.rows("severity")]
        known = package_of(package.text("purl", 1000)) or package_named(
            package.text("ecosystem", 80), package.text("name")
        )
        if not known:
            continue
        ranges = [
            [
                {word: clean(text, 200)}
                for event in box.rows("events")
                for word, text in event.value.items()
                if word in ("introduced", "fixed", "last_affected")
            ]
            for box in part.rows("ranges")
            if box.text("type") != "GIT"
        ]
        versions = part.texts("versions")
        if not ranges and not versions and part.list("ranges"):
            continue  # commits only: no bill of materials names them
        affected.append(
            {
                "package": known,
                "type": known[4:].partition("/")[0]
                if known.startswith("pkg:")
                else ecosystem_type(package.text("ecosystem", 80)),
                "versions": list(versions[:_MOST_VERSIONS]),
                "ranges": ranges,
                "fixed": next((e["fixed"] for events in ranges for e in events if "fixed" in e), ""),
            }
        )
    word = specific if isinstance(specific, str) else ""
    severity, score, vector = rated(word, vectors)
    return ReadAdvisory(
        identifier=name,
        aliases=row.texts("aliases"),
        title=row.text("summary", 300) or row.text("details", 300) or name,
        severity=severity,
        score=str(score) if score is not None else None,
        vector=vector,
        affected=tuple(affected),
        published_at=_time(row, "published"),
        modified_at=_time(row, "modified"),
        withdrawn_at=_time(row, "withdrawn"),
    )


def _time(row: Node, key: str) -> str | None:
    text = row.text(key, 40)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ReportError("bad_value", f"{row.place(key)} is no moment.") from error
    if moment.tzinfo is None:
        raise ReportError("bad_value", f"{row.place(key)} has no time zone.")
    return moment.isoformat()


def _from_cyclonedx(data: bytes, body: Any) -> list[ReadAdvisory]:
    bill = read_cyclonedx(data)
    versions = {} if body is None else _affected_versions(body)
    components = {c.bom_ref: c for c in bill.components if c.bom_ref}
    found = []
    for vulnerability in bill.vulnerabilities:
        affected = []
        for target in vulnerability.affects:
            package = package_of(target)
            if not package:
                continue
            kind = package[4:].partition("/")[0]
            told = versions.get((vulnerability.id, target)) or [
                {"version": c.version} for c in components.values() if c.purl == target and c.version
            ]
            exact = [row["version"] for row in told if row.get("version")]
            if not exact and "@" in target.rpartition("/")[2]:
                exact = [target.rpartition("@")[2].partition("?")[0]]
            spans = [row["range"] for row in told if row.get("range")]
            affected.append(
                {
                    "package": package,
                    "type": kind,
                    "versions": exact,
                    "ranges": [],
                    "vers": spans[0] if spans else "",
                    "fixed": "",
                }
            )
        if vulnerability.settled or not vulnerability.id:
            continue
        severity = vulnerability.severity.value if vulnerability.severity else "unknown"
        score = (
            vulnerability.score
            if vulnerability.score is not None and 0 <= vulnerability.score <= 10
            else None
        )
        found.append(
            ReadAdvisory(
                identifier=vulnerability.id,
                aliases=vulnerability.aliases,
                title=(vulnerability.description or vulnerability.id)[:300],
                severity=severity,
                score=str(round(score, 1)) if score is not None else None,
                vector=vulnerability.vector,
                affected=tuple(affected),
                published_at=None,
                modified_at=None,
                withdrawn_at=None,
            )
        )
    if not found:
        raise ReportError("no_data", "The feed has no advisories.")
    return found


def _affected_versions(body: dict[str, Any]) -> dict[tuple[str, str], list[dict[str, str]]]:
    """(vulnerability, target) → the affected versions and ranges; the schema has been checked."""
    found = {}
    for row in body.get("vulnerabilities", []):
        for part in row.get("affects", []):
            told = [
                {"version": clean(v.get("version"), 200), "range": clean(v.get("range"))}
                for v in part.get("versions", [])
                if v.get("status", "affected") != "unaffected"
            ]
            found[clean(row.get("id"), 200), clean(part.get("ref"), 1000)] = told
    return found


_COLUMNS = {"id", "package", "affected", "severity", "title", "cvss", "aliases", "fixed"}


def _from_csv(data: bytes) -> list[ReadAdvisory]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportError(
            "encoding", "The file is no UTF-8.", data[: error.start].count(b"\n") + 1
        ) from error
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = {name.strip().lower() for name in rows.fieldnames or []}
        if not {"id", "package"} <= names or names - _COLUMNS:
            raise ReportError(
                "unknown_format",
                f"A feed is OSV or CycloneDX, or CSV with the columns {', '.join(sorted(_COLUMNS))}.",
                1,
            )
        found = list(_csv_rows(rows))
    except csv.Error as error:
        raise ReportError("not_csv", f"The file is no CSV: {error}.", rows.line_num) from error
    if not found:
        raise ReportError("no_data", "The feed has no advisories.")
    return found


def _csv_rows(rows: csv.DictReader[str]) -> Iterator[ReadAdvisory]:
    for number, row in enumerate(rows, 1):
        if number > MOST:
            raise ReportError("too_many", f"The feed has more than {MOST} advisories.")
        said = {str(k).strip().lower(): clean(v, 1000) for k, v in row.items() if isinstance(v, str)}
        name, package = said.get("id", "")[:200], package_of(said.get("package", ""))
        if not name or not package:
            raise ReportError("missing", "A row needs an id and a package URL.", rows.line_num)
        kind = package[4:].partition("/")[0]
        span = said.get("affected", "")
        expression = as_vers(kind, span) if span else ""
        if span and not expression:
            raise ReportError("bad_value", f"{span[:80]!r} is no range of versions.", rows.line_num)
        severity, score, vector = rated(
            said.get("severity", ""), [said.get("cvss", "")], [_number(said.get("cvss", ""))]
        )
        entry = {
            "package": package,
            "type": kind,
            "versions": [],
            "ranges": [],
            "vers": expression,
            "fixed": said.get("fixed", "")[:200],
        }
        yield ReadAdvisory(
            identifier=name,
            aliases=tuple(a for a in said.get("aliases", "").replace(";", " ").split() if a),
            title=said.get("title", "")[:300] or name,
            severity=severity,
            score=str(score) if score is not None else None,
            vector=vector,
            affected=(entry,),
            published_at=None,
            modified_at=None,
            withdrawn_at=None,
        )


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text.replace(".", "", 1).isdigit() and text.isascii() else None
    except ArithmeticError:
        return None
