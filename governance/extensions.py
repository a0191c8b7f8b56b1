"""What governance plugs into lower floors, part by part."""

from . import (  # noqa: F401
    extensions_calendar,
    extensions_changes,
    extensions_evidence,
    extensions_gates,
    extensions_releases,
)
