"""The verbs of governance, loaded at start."""

from . import boards, changes, evidence, findings, gates, results, waivers  # noqa: F401
