"""Names that stand in addresses: those of services and environments."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\?#]")


def name_fault(name: str) -> str | None:
    """What is wrong with the name, or None."""
    if not name.strip():
        return "A name is needed."
    if name != name.strip():
        return "A name has no blanks at its ends."
    if _UNSAFE.search(name):
        return r"A name has no slash, backslash, question mark, number sign or control character."
    if name in (".", "..", "new", "do"):
        return f"{name} is taken by the addresses of pages."
    return None
