"""The verbs of governance, loaded at start."""

from . import boards, changes, findings, gates, results, waivers  # noqa: F401
