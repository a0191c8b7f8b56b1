"""One scale of severity for all scanners, and the bands of CVSS scores on it."""

from decimal import Decimal
from enum import StrEnum


class Severity(StrEnum):
    """Worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


def severity_of_score(score: Decimal) -> Severity:
    """The band of a CVSS base score, as CVSS 3 and 4 name them; 0 is "none" there."""
    if score <= 0:
        return Severity.INFO
    for least, severity in ((9, Severity.CRITICAL), (7, Severity.HIGH), (4, Severity.MEDIUM)):
        if score >= least:
            return severity
    return Severity.LOW
