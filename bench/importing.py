"""Importing two years of deployments and commits: read, checked, written with history, sealed by one ledger entry."""

from __future__ import annotations

from .figures import AT_LEAST, Figure, Observation, Result
from .history import imported
from .installation import Installation

TITLE = "Importing a deployment history"
ROWS_PER_SECOND = 3_000


def measure(installation: Installation) -> list[Result]:
    done = imported()
    rate = done.rows / done.seconds
    return [
        Figure(
            f"Import of {done.rows:,} rows ({done.source})",
            f"{rate:,.0f} rows/s ({done.seconds:.1f} s)",
            f"{ROWS_PER_SECOND:,} rows/s",
            rate / ROWS_PER_SECOND,
            1.0,
            AT_LEAST,
            f"From the files to the commit; {done.cpu:.1f} s of it are Python's own processor time.",
        ),
        Observation(
            "… the same files once more (nothing changes)",
            f"{done.rows / done.again:,.0f} rows/s ({done.again:.1f} s)",
        ),
    ]
