"""Checking a kept package with the stand-alone verifier, and saying the result as a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from governance import files
from governance.models import EvidencePackage
from releasetrain.audit import keys
from releasetrain.audit.verifier import verify

from .render.words import moment

MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Finding:
    """Whether a package is intact, in a sentence that names what is not."""

    intact: bool
    sentence: str
    problems: tuple[str, ...] = ()


def check(package: EvidencePackage) -> Finding:
    """Verify the kept archive against the installation's published keys, and against what the row says of it."""
    assert package.file is not None
    tombstone = None if files.there(package.file) else files.tombstone_of(package.file)
    if tombstone:
        return Finding(False, tombstone.sentence, ("the bytes were disposed of",))
    with files.as_they_lie(package.file) as path:
        finding = check_file(path)
        if not path.exists():
            return Finding(False, "The package is missing from the file store.", (f"{path.name} is missing",))
    if not finding.intact:
        return finding
    when = f" of {moment(package.sealed_at)}" if package.sealed_at else ""
    return Finding(True, f"{finding.sentence[:-1]}: they match the seal{when}.")


def check_file(path: Path) -> Finding:
    """Verify an archive, signed by any key that this installation has ever published."""
    report = verify.verify(str(path), [verify.Key(key.raw) for key in keys.public_keys()])
    if report.intact:
        return Finding(True, f"Intact: {_counts(report.facts)}.")
    problems = tuple(report.problems)
    more = f" And {len(problems) - MOST_PROBLEMS} more." if len(problems) > MOST_PROBLEMS else ""
    noun = "problem" if len(problems) == 1 else "problems"
    return Finding(
        False,
        f"Not intact, {len(problems)} {noun}: {' '.join(_stop(p) for p in problems[:MOST_PROBLEMS])}{more}",
        problems,
    )


def _counts(facts: list[str]) -> str:
    """All files, records and ledger entries, from the verifier's own counts."""
    text = "; ".join(facts)
    found = [
        f"{int(n):,} {what}" for n, what in re.findall(r"(\d+) (files|records|ledger entries)(?: |;|$)", text)
    ]
    return "all " + " and ".join(filter(None, (", ".join(found[:-1]), found[-1] if found else "")))


def _stop(problem: str) -> str:
    return problem if problem.endswith(".") else f"{problem}."
