"""What planning plugs into the floors below: its gate check, and its records for evidence packages."""

from . import checks, evidence, train_checks

__all__ = ["checks", "evidence", "train_checks"]
