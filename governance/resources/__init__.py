"""Resources of governance, part by part."""

from . import changes, evidence, gates  # noqa: F401
