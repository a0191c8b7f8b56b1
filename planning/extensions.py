"""What planning plugs into the floors below: its gate check."""

from . import checks

__all__ = ["checks"]
