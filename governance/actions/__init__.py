"""The verbs of governance, loaded at start."""

