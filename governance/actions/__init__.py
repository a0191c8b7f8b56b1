"""The verbs of governance, loaded at start."""

from . import boards, changes, contract_results, evidence, findings, gates, results, supply_chain, waivers  # noqa: F401
