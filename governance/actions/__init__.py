"""The verbs of governance, loaded at start."""

from . import (  # noqa: F401
    assessments,
    auditing,
    auditors,
    boards,
    changes,
    contract_results,
    controls,
    documents,
    evidence,
    findings,
    gates,
    package_schedules,
    promotion,
    replays,
    results,
    retention,
    sign_offs,
    supply_chain,
    waivers,
)
