"""What scanners find, in one form for all of them, with the fingerprints that findings are recognised by.

A vulnerability of a component is the vulnerability and the package, whichever tool, version or file names them.
Everything else is the tool, the rule and the place; the line counts only where nothing steadier is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from releasetrain.kernel.canonical import digest

from .cvss_score import best_vector
from .severity import severity_of_score
from .values import clean

_WORDS = {
    "critical": "critical",
    "blocker": "critical",
    "high": "high",
    "error": "high",
    "important": "high",
    "major": "high",
    "medium": "medium",
    "moderate": "medium",
    "warning": "medium",
    "warn": "medium",
    "low": "low",
    "minor": "low",
    "note": "low",
    "negligible": "info",
    "info": "info",
    "informational": "info",
    "information": "info",
    "inventory": "info",
    "experiment": "info",
    "trace": "info",
    "none": "info",
}
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}\Z")


@dataclass(frozen=True, slots=True)
class Weakness:
    """One thing that a scanner found. `mark` is what the tool itself offers to recognise it by."""

    kind: str
    tool: str
    rule: str
    title: str
    severity: str
    score: Decimal | None = None
    vector: str = ""
    path: str = ""
    line: int | None = None
    package: str = ""
    version: str = ""
    fixed_in: str = ""
    aliases: tuple[str, ...] = ()
    mark: str = ""
    exempt: str = ""

    @property
    def fingerprint(self) -> str:
        if self.package and self.kind in ("composition", "container"):
            return vulnerability_fingerprint(self.rule, self.aliases, self.package)
        place: list[str | int | None] = [self.mark] if self.mark else [self.line, self.title]
        identity = [self.kind, self.tool, self.rule, self.path, self.package]
        return digest({"identity": identity, "details": place})

    @property
    def location(self) -> str:
        where = f"{self.path}:{self.line}" if self.path and self.line else self.path
        part = f"{self.package}@{self.version}" if self.package and self.version else self.package
        return (part or where)[:500] if self.kind in ("composition", "container") else (where or part)[:500]


@dataclass(frozen=True, slots=True)
class ScannerReport:
    """A scanner's report; `problems` say why it is no complete scan, `redacted` is what may be kept of it."""

    format: str
    kind: str
    tools: tuple[str, ...]
    findings: tuple[Weakness, ...]
    problems: tuple[str, ...] = ()
    redacted: bytes | None = None


def vulnerability_fingerprint(name: str, aliases: Iterable[str], package: str) -> str:
    return digest({"vulnerability": canonical_name(name, aliases), "component": package})


def canonical_name(name: str, aliases: Iterable[str]) -> str:
    """The CVE of a vulnerability where it has exactly one name of that kind, else its own name."""
    if _CVE.match(name):
        return name
    numbers = sorted({alias for alias in aliases if _CVE.match(alias)})
    return numbers[0] if len(numbers) == 1 else name


def severity_word(word: str, score: Decimal | None = None) -> str:
    """The tool's own word on our scale; where it has none, the band of the score; unknown otherwise."""
    found = _WORDS.get(word.strip().lower())
    if found:
        return found
    return severity_of_score(score).value if score is not None else "unknown"


def rated(
    word: str, vectors: Iterable[str], scores: Iterable[Decimal | None] = ()
) -> tuple[str, Decimal | None, str]:
    """Severity, score and vector of a finding. The tool's word wins: it chose among the sources."""
    vector, score = best_vector([clean(v, 200) for v in vectors])
    if score is None:
        told = [s for s in scores if s is not None and 0 <= s <= 10]
        score = max(told).quantize(Decimal("0.1")) if told else None
    return severity_word(word, score), score, vector
