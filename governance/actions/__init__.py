"""The verbs of governance, loaded at start."""

from . import (  # noqa: F401
    auditing,
    auditors,
    boards,
    changes,
    contract_results,
    evidence,
    findings,
    gates,
    package_schedules,
    results,
    supply_chain,
    waivers,
)
