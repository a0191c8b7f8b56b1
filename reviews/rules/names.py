"""Blameless words: causes speak of roles and systems, not of persons."""

from __future__ import annotations

import re
from collections.abc import Iterable


def names_in(text: str, names: Iterable[str]) -> list[str]:
    """The persons' names and addresses that the text contains, as whole words, whatever their case."""
    said = " ".join(text.split())
    found = []
    for name in dict.fromkeys(" ".join(n.split()) for n in names if len(n.strip()) > 2):
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said, re.IGNORECASE):
            found.append(name)
    return found
