"""OpenVEX (v0.0.1 and v0.2): statements on vulnerabilities, and which of them decides about a finding."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from .errors import ReportError, check_size
from .json_tree import parse_json
from .values import clean

MAX_STATEMENTS = 100_000


class VexStatus(StrEnum):
    """What a statement says."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


# Under these a finding is no longer one of the product.
SETTLED = frozenset({VexStatus.NOT_AFFECTED, VexStatus.FIXED})


@dataclass(frozen=True, slots=True)
class VexStatement:
    """One statement: the names of a vulnerability, the products it is about, and the status at a time."""

    vulnerability: str
    names: frozenset[str]
    products: frozenset[str]
    status: VexStatus
    justification: str
    impact: str
    at: datetime

    def concerns(self, rule: str, product: str | None) -> bool:
        """Whether it is about a rule of a scanner; some append the package: CVE-2023-1234-libc6."""
        named = any(rule == name or rule.startswith(name + "-") for name in self.names)
        return named and (product is None or not self.products or product in self.products)


@dataclass(frozen=True, slots=True)
class VexDocument:
    """A read document."""

    id: str
    author: str
    statements: tuple[VexStatement, ...]


def read_openvex(data: bytes, limit: int | None = None) -> VexDocument:
    """Read a document."""
    check_size(data, "openvex", limit)
    body = parse_json(data)
    if not isinstance(body, dict) or not str(body.get("@context", "")).startswith("https://openvex.dev/ns"):
        raise ReportError("wrong_format", "The report is no OpenVEX document.")
    rows = body.get("statements")
    author = clean(body.get("author"))
    if not isinstance(rows, list) or not rows or not author:
        raise ReportError("missing", "An OpenVEX document names its author and has statements.")
    if len(rows) > MAX_STATEMENTS:
        raise ReportError("too_many", f"The document has more than {MAX_STATEMENTS} statements.")
    written = _time(body.get("timestamp"))
    return VexDocument(clean(body.get("@id")), author, tuple(_statement(row, written) for row in rows))


def deciding(documents: Iterable[VexDocument], rule: str, product: str | None = None) -> VexStatement | None:
    """The latest statement about a scanner's rule; of several of one time, the one written last."""
    found: VexStatement | None = None
    for document in documents:
        for statement in document.statements:
            if statement.concerns(rule, product) and (found is None or statement.at >= found.at):
                found = statement
    return found


def _statement(row: Any, written: datetime) -> VexStatement:
    if not isinstance(row, dict):
        raise ReportError("wrong_format", "A statement of the document is no object.")
    name, names = _vulnerability(row.get("vulnerability"))
    if row.get("status") not in set(VexStatus):
        raise ReportError("bad_value", f"A statement has the status {clean(str(row.get('status')), 40)!r}.")
    status = VexStatus(row["status"])
    justification, impact = clean(row.get("justification"), 100), clean(row.get("impact_statement"), 4000)
    if status is VexStatus.NOT_AFFECTED and not (justification or impact):
        raise ReportError("missing", f"The statement on {name} says not affected and not why.")
    at = _time(row["timestamp"]) if row.get("timestamp") else written
    return VexStatement(name, names, _products(row.get("products")), status, justification, impact, at)


def _vulnerability(value: Any) -> tuple[str, frozenset[str]]:
    """Version 0.0.1 wrote the name alone, 0.2 an object with aliases."""
    told = {"name": value} if isinstance(value, str) else value
    if not isinstance(told, dict):
        raise ReportError("missing", "A statement names no vulnerability.")
    aliases = told.get("aliases") or []
    every = [told.get("name"), told.get("@id"), *(aliases if isinstance(aliases, list) else [])]
    names = [clean(name, 200) for name in every if clean(name, 200)]
    if not names:
        raise ReportError("missing", "A statement names no vulnerability.")
    return names[0], frozenset(names)


def _products(value: Any) -> frozenset[str]:
    found: set[str] = set()
    for row in value if isinstance(value, list) else []:
        identifiers = row.get("identifiers") if isinstance(row, dict) else None
        every = [row.get("@id") if isinstance(row, dict) else row]
        every += identifiers.values() if isinstance(identifiers, dict) else []
        found.update(clean(name, 1000) for name in every if clean(name, 1000))
    return frozenset(found)


def _time(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(str(value))
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ReportError("bad_value", "A time of the document is none, or is missing.") from error
