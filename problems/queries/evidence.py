"""Whether evidence leads somewhere: links, and keys of records."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from releasetrain.interface.resources import resources
from releasetrain.tenancy.models import KeyedModel

_KEY = re.compile(r"([A-Z][A-Z0-9]{1,11})-\d{1,12}")


def record_of(reference: str) -> Any | None:
    """The record of this organization with the key, or None."""
    found = _KEY.fullmatch(reference)
    if not found:
        return None
    kinds = [
        r.model for r in resources() if issubclass(r.model, KeyedModel) and r.model.key_prefix == found[1]
    ]
    return next(
        (hit for model in kinds if (hit := model._default_manager.filter(key=reference).first())), None
    )


def is_link(reference: str) -> bool:
    try:
        parts = urlsplit(reference)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def unknown_evidence(references: list[str]) -> list[str]:
    """Those that are neither links nor records that exist."""
    return [r for r in references if not is_link(r) and record_of(r) is None]
