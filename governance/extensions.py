"""What governance plugs into lower floors, part by part."""

from . import extensions_changes  # noqa: F401
