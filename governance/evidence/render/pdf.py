"""The PDF of a package: its document as data, set with the package's own template."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from releasetrain.interface.typesetting import NotSet, typeset

from .document import as_of

TEMPLATE = Path(__file__).parent / "evidence.typ"


def render_pdf(folder: Path, data: dict[str, Any], facts_at: datetime) -> Path:
    """Set the document in a private folder below `folder`."""
    return typeset(folder / "pdf", TEMPLATE, data, folder / "evidence.pdf", as_of(facts_at))


__all__ = ["NotSet", "render_pdf"]
