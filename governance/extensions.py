"""What governance plugs into lower floors, part by part."""

from . import extensions_changes, extensions_evidence, extensions_gates  # noqa: F401
